"""The folder of Azure Arc's agent, which is no setting of msgraphd: made where it
lacks, and removed again."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ARC = Path("/var/opt/azcmagent/tokens")
LOCK = Path(tempfile.gettempdir()) / "msgraph-arc.lock"


@contextmanager
def arc_folder() -> Iterator[Path]:
    """For one test at a time, of all processes: one removes what it made."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = [path for path in (ARC, *ARC.parents) if not path.exists()]
        ARC.mkdir(parents=True, exist_ok=True)
        try:
            yield ARC
        finally:
            for path in made:
                path.rmdir()
