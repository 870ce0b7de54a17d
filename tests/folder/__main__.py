"""python3 -m folder [options] DIR...: takes the messages there through the
milter and the agent and prints what the readers disagree about. "make messages
DIR=..." builds first. Ends with 1 where something disagrees, with 64 where
there is no message."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from harness.agent import AGENT
from harness.milter import PROGRAM as MILTER
from oracle.readers import GMime, Lib

from .judge import Finding
from .sources import Source, messages
from .worker import Options, Report, work

PROCESSES = 2
SECONDS = 120  # for one message, all readers included
PER_MESSAGE = 12  # disagreements that are shown


class Hand:
    """One worker, started again where it ends or hangs."""

    def __init__(self, options: Options, seconds: float) -> None:
        self.options, self.seconds = options, seconds
        self.context = multiprocessing.get_context("spawn")
        self.process = None

    def start(self) -> None:
        self.connection, other = self.context.Pipe()
        self.process = self.context.Process(
            target=work, args=(other, self.options))
        self.process.start()
        other.close()

    def ask(self, source: Source) -> Report:
        if self.process is None:
            self.start()
        try:
            self.connection.send(source)
            if self.connection.poll(self.seconds):
                return self.connection.recv()
            text = f"not done after {self.seconds:g} s"
        except (EOFError, OSError):
            text = "a reader or the milter ended the process"
        self.stop(kill=True)
        return Report("wrong", "", [Finding("time or memory", text)])

    def stop(self, kill: bool = False) -> None:
        if self.process is None:
            return
        if not kill:
            self.connection.send(None)
        else:
            self.process.terminate()
        self.connection.close()
        self.process.join(20)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        self.process = None


class Tally:
    """What became of all; prints as it comes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.statuses: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.samples: dict[str, str] = {}
        self.disagreements = 0

    def add(self, source: Source, report: Report) -> None:
        with self.lock:
            self.statuses[report.status] += 1
            if report.status in ("refused", "bounced", "deferred"):
                code = " ".join(re.findall(
                    r"\A(?:[45]\d\d )?[45](?:\.\d+){2}", report.reason))
                reason = f"{report.status} {code or report.reason[:40]}"
                self.refusals[reason] += 1
                self.samples.setdefault(
                    reason, f"{source.label}: {report.reason}")
            self.disagreements += len(report.findings)
            for finding in report.findings[:PER_MESSAGE]:
                self.say(f"{source.label}: {finding}")
            if len(report.findings) > PER_MESSAGE:
                self.say(f"{source.label}: and "
                         f"{len(report.findings) - PER_MESSAGE} more")
            self.progress()

    @staticmethod
    def say(text: str) -> None:
        clear = "\r\x1b[K" if sys.stderr.isatty() else ""
        print(f"{clear}{text}", flush=True)

    def progress(self) -> None:
        if sys.stderr.isatty():
            print(f"\r{sum(self.statuses.values())} messages", end="",
                  file=sys.stderr, flush=True)

    def summary(self) -> str:
        for reason, sample in sorted(self.samples.items()):
            self.say(f"{reason}, for example {sample}")
        why = ", ".join(f"{r.removeprefix('refused ')}: {n}" for r, n
                        in sorted(self.refusals.items())
                        if r.startswith("refused "))
        s = self.statuses
        return (f"{sum(s.values())} messages: {s['refused']} refused by the "
                f"milter{f' ({why})' if why else ''}, {s['deferred']} "
                f"deferred, {s['bounced']} bounced, {s['sent']} sent, "
                f"{self.disagreements} disagreements")


def run(sources: Iterator[Source], options: Options, seconds: float) -> Tally:
    tally, lock = Tally(), threading.Lock()

    def loop() -> None:
        hand = Hand(options, seconds)
        try:
            while True:
                with lock:
                    source = next(sources, None)
                if source is None:
                    return
                tally.add(source, hand.ask(source))
        finally:
            hand.stop()

    threads = [threading.Thread(target=loop) for _ in range(PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="folder", description=__doc__)
    parser.add_argument("places", nargs="+", metavar="DIR")
    parser.add_argument("--sender", default="scan@example.com",
                        help="the envelope's, where the header has none")
    parser.add_argument("--recipient", default="nobody@example.org",
                        help="the envelope's, where the header has none")
    parser.add_argument("--set", action="append", default=[],
                        metavar="NAME=VALUE", help="a setting; the checks are "
                        "about the defaults of encode_8bit and "
                        "header_recipients")
    parser.add_argument("--agent", default="", metavar="PROGRAM")
    parser.add_argument("--seconds", type=float, default=SECONDS,
                        help="for one message")
    return parser.parse_args()


def missing() -> str:
    """What has to be there first, or nothing."""
    for program in (AGENT, MILTER):
        if not os.access(program, os.X_OK):
            return f"{program} is not built"
    try:
        GMime()
    except (ImportError, ValueError):
        return "GMime for Python is not installed: tests/packages test"
    return ""


def main() -> int:
    given = arguments()
    if lack := missing():
        print(lack, file=sys.stderr)
        return 69
    settings = dict(item.split("=", 1) for item in given.set)
    options = Options(Lib(), given.sender, given.recipient, given.agent,
                      settings)
    tally = run(chain.from_iterable(
        messages(os.fsencode(place)) for place in given.places),
        options, given.seconds)
    print(tally.summary())
    if not tally.statuses:
        print("there is no message", file=sys.stderr)
        return 64
    return 1 if tally.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
