"""The last part of make fuzz: for so many seconds (the first argument) random
changes to the corpus, and once all that the fuzzers kept (folders named
after it), through lib/, GMime and Python's email. Ends with 1 and shows what
they read differently. FUZZ_SEED repeats a run."""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from corpus import CASES
from oracle import mutate, wellformed
from oracle.agreement import Readers, Report, address_values
from oracle.readers import GMime, Lib

BATCH = 500
SMALL = 20_000


def kept(folders: list[str]) -> list[bytes]:
    return [path.read_bytes() for folder in folders
            for path in sorted(Path(folder).iterdir())]


def judge(readers: Readers, values: list[bytes], messages: list[bytes]
          ) -> dict[str, Report]:
    return {"address lists": readers.addresses(values),
            "headers": readers.fields(messages),
            "messages": readers.parts(messages)}


def tell(totals: dict[str, int], found: dict[str, Report]) -> None:
    """Ends at the first difference."""
    for what, report in found.items():
        totals[what] = totals.get(what, 0) + report.compared
        for data, ours, gmime, python in report.differ:
            raise SystemExit(f"{what}: {data!r}\n  lib     {ours}\n"
                             f"  GMime   {gmime}\n  Python  {python}")


def main(seconds: str, *folders: str) -> None:
    seed = int(os.environ.get("FUZZ_SEED", time.time_ns() % 1_000_000))
    rng, totals = random.Random(seed), {}
    print(f"three readers, {seconds} s, FUZZ_SEED={seed}", flush=True)
    seeds = [case.message for case in CASES.values()
             if len(case.message) < SMALL and wellformed.message(case.message)]
    values = address_values(seeds)
    readers = Readers(Lib(), GMime())
    tell(totals, judge(readers, kept(list(folders)),
                       kept(list(folders))))
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        tell(totals, judge(
            readers,
            [mutate.value(rng, rng.choice(values), values)
             for _ in range(BATCH)],
            [mutate.message(rng, rng.choice(seeds), seeds)
             for _ in range(BATCH)]))
    print("read alike: " + ", ".join(
        f"{count} {what}" for what, count in totals.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])
