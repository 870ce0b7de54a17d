"""msgraphctl doctor: a sound site has nothing to complain of."""

from __future__ import annotations

import pytest

from harness import doctor
from harness.site import Site


@pytest.fixture(scope="module")
def site():
    with Site() as site:
        yield site


def test_sound(site):
    found = doctor.ask(site)
    print(*found.findings, sep="\n")
    assert found.wrong() == []
    assert found.status == "ok"
