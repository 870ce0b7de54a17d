"""The files of conf-examples, as the tests run them.

Paths and ports have to be others in a test. Each is replaced in the example's
own text, and whatever is not found there is an error: an example that changes
must not leave the tests running something else.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "conf-examples"

# A place of the real system, in a line that is not commented out.
FOREIGN = re.compile(r"^(?!\s*#).*(/etc/|/usr/libexec/|/var/|/run/)", re.M)


class ExampleError(Exception):
    """The example does not say what the harness expects of it."""


def read(name: str) -> str:
    return (EXAMPLES / name).read_text()


def replace(text: str, old: str, new: str, count: int = 1) -> str:
    """Replaces exactly `count` occurrences."""
    if text.count(old) != count:
        raise ExampleError(
            f"{old!r} stands {text.count(old)} times, not {count}")
    return text.replace(old, new)


def setting(text: str, name: str, value: str) -> str:
    """Sets name = value in msgraph.conf, where it stands commented."""
    pattern = re.compile(rf"^#{re.escape(name)} =.*$", re.M)
    if len(pattern.findall(text)) != 1:
        raise ExampleError(f"{name} does not stand in the example once")
    return pattern.sub(lambda _: f"{name} = {value}", text)


def check_private(text: str, root: Path | None = None) -> str:
    """Returns the text, if it names no place of the real system but what
    lies below root."""
    own = rf"{re.escape(str(root))}/\S*" if root else r"(?!)"
    found = FOREIGN.search(re.sub(own, "", text))
    if found:
        raise ExampleError(f"not replaced: {found[0].strip()!r}")
    return text
