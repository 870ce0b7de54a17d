"""The corpus of messages, what fuzzers found, and random changes to both, read
by lib/, GMime and Python's email: what follows the grammar is read alike.
make fuzz goes on with it for longer (fuzz.py)."""

from __future__ import annotations

import random
from pathlib import Path

from oracle import mutate
import pytest
from oracle import wellformed
from oracle.agreement import Readers, address_values
from corpus import CASES

MESSAGES = [case.message for case in CASES.values()]
KEPT = [path.read_bytes()
        for path in sorted((Path(__file__).parents[1] / "fuzz" / "corpus")
                           .glob("*/*"))]


@pytest.fixture(scope="module")
def readers(lib, gmime) -> Readers:
    return Readers(lib, gmime)


def test_corpus(readers):
    for report, least in ((readers.addresses(address_values(MESSAGES)), 1000),
                          (readers.fields(MESSAGES), 450),
                          (readers.parts(MESSAGES), 400)):
        assert report.differ == []
        assert report.compared >= least


def test_what_fuzzers_found(readers):
    for report in (readers.addresses(KEPT), readers.fields(KEPT),
                   readers.parts(KEPT)):
        assert report.differ == []
        assert report.compared >= 10


@pytest.mark.parametrize("seed", range(4))
def test_changed_lists(readers, seed):
    rng, values = random.Random(seed), address_values(MESSAGES)
    report = readers.addresses([
        mutate.value(rng, rng.choice(values), values) for _ in range(1000)])
    assert report.differ == []
    assert report.compared > 200


@pytest.mark.parametrize("seed", range(4))
def test_changed_messages(readers, seed):
    rng = random.Random(seed)
    seeds = [data for data in MESSAGES
             if len(data) < 20_000 and wellformed.message(data)]
    changed = [mutate.message(rng, rng.choice(seeds), seeds)
               for _ in range(500)]
    for report in (readers.fields(changed), readers.parts(changed)):
        assert report.differ == []
        assert report.compared > 100
