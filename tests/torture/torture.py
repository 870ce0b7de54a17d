#!/usr/bin/python3
"""torture.py - 300 messages from several clients, while everything that can
break does; then counts what Graph has accepted.

    PYTHONPATH=tests tests/with-users python3 -m torture.torture [--seed N]
        [--messages N] [--clients N]

One more application has a backlog, and Graph throttles it from the first to the
last. When all else is well again, the others' mail must be through while that
backlog still waits; then it may go as well.

The seed decides about messages and faults; when they happen to meet differs
from run to run. Ends with status 1 and a list if a promise was broken. The
directories of the site are kept then.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
from harness.process import Process
from harness.site import Site
from harness.wait import wait_for

from torture.clients import Backlog, Client, Tally
from torture.faults import THROTTLED_SECONDS, Disk, Faults
from torture.verdict import Verdict

SETTINGS = {"request_timeout": "3s", "connect_timeout": "2s",
            "throttle_wait": "5s", "delivery_timeout": "40s",
            "auth_cache_ttl": "1s"}
POSTFIX = {"enable_long_queue_ids": "yes", "queue_run_delay": "1s",
           "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
           "transport_retry_time": "1s", "service_throttle_time": "1s"}
CLIENT_SECONDS = 240  # for all messages to be taken
OTHERS_SECONDS = 60  # for what no application's throttle holds up
CALM_SECONDS = 90 + THROTTLED_SECONDS  # for all that was taken to be sent
BACKLOG = 80  # messages of the application that is throttled


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--clients", type=int, default=5)
    return parser.parse_args()


def make_site(disk_class: type[Disk]) -> tuple[Site, Disk]:
    site = Site(dict(SETTINGS))
    site.postfix.settings.update(POSTFIX)
    site.postfix.write()
    disk = disk_class(site.state)
    disk.mount()
    if not disk.is_mounted:
        print("torture: mounting is not permitted: no full disk this time")
    return site, disk


def storm(site: Site, disk: Disk, args: argparse.Namespace,
          tally: Tally) -> Faults:
    """Everything at once, until every message is taken, and all but those of
    the throttled application are sent."""
    share = args.messages // args.clients
    clients = [Client(site, number, share, args.seed, tally)
               for number in range(args.clients)]
    backlog = Backlog(site, args.clients, BACKLOG, args.seed, tally)
    faults = Faults(site, disk, args.seed, backlog.app)
    end = time.monotonic() + CLIENT_SECONDS
    everybody = [*clients, backlog]
    for client in everybody:
        client.start()
    try:
        faults.run(lambda: time.monotonic() > end or
                   not any(client.is_alive() for client in everybody))
    finally:
        faults.heal()
    for client in everybody:
        client.join(CLIENT_SECONDS / 4)
        client.gives_up.set()
        client.join()
    assert tally.taken() == share * args.clients + BACKLOG, \
        "not all could be sent"
    others_are_through(site, backlog)
    site.m365.clear_rules()
    return faults


def others_are_through(site: Site, backlog: Backlog) -> None:
    began = time.monotonic()
    wait_queue(site, lambda sender: not backlog.is_mine(sender),
               OTHERS_SECONDS)
    left = len(site.postfix.queue())
    print(f"torture: {time.monotonic() - began:.1f} s after all was well the "
          f"others' mail was through; {left} messages of the throttled "
          "application still waited", flush=True)
    assert left > 0, "the throttled application held up nobody: it was not"


def wait_queue(site: Site, counts: Callable[[str], bool],
               seconds: float) -> None:
    """Waits until no mail of such senders is queued. A flush wakes a killed
    qmgr as well; too many in a row would keep it busy."""
    flushed = 0.0

    def left() -> list:
        return [entry for entry in site.postfix.queue()
                if counts(entry["sender"])]

    def is_empty() -> bool:
        nonlocal flushed
        if time.monotonic() > flushed + 1:
            flushed = time.monotonic()
            site.postfix.flush()
        return not left()
    wait_for(is_empty, lambda: f"an empty queue: {left()}", seconds)


def calm(site: Site) -> None:
    """Nothing goes wrong any more, and the queue runs empty."""
    wait_queue(site, lambda sender: True, CALM_SECONDS)
    wait_for(lambda: stops(site.daemon), "msgraphd to stop")
    assert stops(site.milter)


def stops(program: Process) -> bool:
    """What a signal to stop leaves behind tells of leaks and worse."""
    return program.stop() == 0


def run(args: argparse.Namespace) -> int:
    print(f"torture: seed {args.seed}, {args.messages} messages from "
          f"{args.clients} clients", flush=True)
    began = time.monotonic()
    tally = Tally()
    site, disk = make_site(Disk)
    broken = ["did not get to its end"]
    try:
        site.start()
        faults = storm(site, disk, args, tally)
        calm(site)
        verdict = Verdict(site, tally)
        broken = verdict.reach() + [
            f"let in with a made-up tenant: {user}" for user in faults.let_in]
        for name, count in sorted(faults.done.items()):
            print(f"torture: {count:4} times: {name}")
        print(f"torture: {verdict.numbers()}")
    finally:
        if broken:
            keep(site)
        site.postfix.stop()
        site.milter.stop()
        site.daemon.stop()
        disk.unmount()
        site.stop()
    for line in broken:
        print(f"torture: BROKEN: {line}")
    print(f"torture: {'failed' if broken else 'passed'} after "
          f"{time.monotonic() - began:.0f} s")
    return 1 if broken else 0


def keep(site: Site) -> None:
    """What somebody needs who wants to know why."""
    place = Path(tempfile.mkdtemp(prefix="torture-"))
    for log in [*site.logs(), site.m365.directory / "log"]:
        if log.exists():
            shutil.copy(log, place)
    print(f"torture: logs are in {place}", flush=True)


if __name__ == "__main__":
    sys.exit(run(arguments()))
