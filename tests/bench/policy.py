"""make bench-policy: what the milter's questions cost, "may this client send?",
while a hundred deliveries are under way: a table of 10,000 entries, as many
questions as msgraphd answers and a thousand a second, with Graph quiet, slow
(100 messages wait for it) and quick (100 processes hand over what there is).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.fair import A, CLIENT, SECRET, microsoft, user
from harness.daemon import BUILD, Daemon
from harness.pipes import Pipes

BOXES = [f"scan{number}@example.com" for number in range(30)]
MAILBOX = BOXES[0]
ENTRIES = 10000
SECONDS = 5
THREADS = 8  # clients of the milter that ask at the same time
# seconds that Graph takes for a post, and how many processes hand over
ROWS = {"nothing else": (1, 0), "100 deliveries wait for Graph": (15, 100),
        "100 deliveries, 0.3 s each": (0.3, 100)}


def table() -> str:
    """The last entry is the one that is asked about."""
    lines = [f"e{number} application={uuid.uuid4()}/{uuid.uuid4()} "
             f"senders=@example.com\n" for number in range(ENTRIES - 1)]
    return "".join(lines) + f"own application={A}/{CLIENT} " \
        "senders=@example.com\n"


def ask(daemon: Daemon, rate: int) -> list[str]:
    return subprocess.run(
        [BUILD / "tests" / "bench_policy", daemon.settings["submit_socket"],
         f"{A}@{CLIENT}.own", MAILBOX, str(THREADS), str(SECONDS), str(rate)],
        check=True, capture_output=True, text=True).stdout.split()


@contextmanager
def deliveries(daemon: Daemon, processes: int) -> Iterator[None]:
    """So many are under way."""
    with Pipes(daemon, processes) as pipes:
        if processes:
            pipes.queue(user(A), BOXES, 100000)
            daemon.wait(lambda: sum(pipes.under_way.values()) == processes)
        yield
        pipes.forget()
        daemon.stop()


def measure(name: str, each: float, processes: int) -> None:
    with tempfile.TemporaryDirectory() as one, \
            tempfile.TemporaryDirectory() as two, \
            microsoft(Path(one), each) as (m365, settings):
        m365.app(A, CLIENT, SECRET)
        (Path(two) / "identities").write_text(table())
        with Daemon(Path(two), settings | {"log_level": "warning"}) as daemon:
            assert daemon.auth(user(A), SECRET) == "OK"
            with deliveries(daemon, processes):
                for rate in (0, 1000):
                    show(name, rate, *ask(daemon, rate))


def show(name: str, rate: int, *values: str) -> None:
    asked = f"{rate}/s" if rate else "all they can"
    print(f"{name:30} {asked:13}" + "".join(f"{v:>9}" for v in values),
          flush=True)


def main() -> None:
    print(f"{ENTRIES} entries, {THREADS} at once, {os.cpu_count()} processors, "
          f"load {os.getloadavg()[0]:.1f} before this; ms\n"
          f"{'meanwhile':30} {'asked':13}" + "".join(f"{v:>9}" for v in (
              "a second", "median", "99 %", "max", "not ok")))
    for name, row in ROWS.items():
        measure(name, *row)


if __name__ == "__main__":
    main()
