"""What the Debian package does where Postfix is not as it expects; see the
script package. It comes last, since it takes Postfix away."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from host import run, until
from installed import (
    POSTFIX, apt, are_active, check_installed, end, last_line, row, succeeds)

WORK = Path(sys.argv[1])
(DEB,) = (WORK / "one").glob("postfix-msgraph_*.deb")


def install_without_settings() -> None:
    """Postfix installed and not configured."""
    shutil.move(POSTFIX / "main.cf", WORK)
    succeeds("installed where Postfix has no main.cf", apt("install", DEB))
    check_installed()
    succeeds("and removed again", apt("purge", "postfix-msgraph"))
    shutil.move(WORK / "main.cf", POSTFIX)


def install_beside_another() -> None:
    """Where there is no Postfix, and no user of its name."""
    succeeds("Postfix is purged", apt("purge", "postfix", "postfix-pcre"))
    # some of its processes take their time
    done = run("userdel", "--force", "postfix")
    row("and its user", run("id", "postfix").returncode != 0, last_line(done))
    succeeds("installed beside sendmail", apt("install", "sendmail-bin", DEB))
    row("units are active", until(are_active, 20) is not None)
    row("no user postfix was made", run("id", "postfix").returncode != 0)
    succeeds("and purged", apt("purge", "postfix-msgraph"))


install_without_settings()
install_beside_another()
sys.exit(end())
