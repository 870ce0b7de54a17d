"""For all tests: what is skipped is written down; see skipped.py."""

from skipped import pytest_terminal_summary  # noqa: F401
