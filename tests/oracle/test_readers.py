"""The readers of lib/ beside GMime and Python's email.

What follows the grammar of RFC 5322, obsolete forms included, is generated
together with what it means: all readers have to find that. Where text
leaves the grammar, or a reader does not follow it, they may disagree; such
cases are kept in a table with what the RFC, or caution, makes of them.
"""

from __future__ import annotations

import random

import pytest

from oracle.readers import (fields_by_lib, fields_by_python, is_unambiguous,
                            key, keys_by_lib, keys_by_python)

# --- lists made from the grammar, with what they mean

ATEXT = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&'*+-/=?^_`{|}~"
SMALL = "abcdefghijklmnopqrstuvwxyz0123456789"


class Grammar:
    """Random texts of RFC 5322 section 3.4; obsolete ones where asked."""

    def __init__(self, seed: int, obsolete: bool) -> None:
        self.random = random.Random(seed)
        self.obsolete = obsolete

    def chance(self, part: float) -> bool:
        return self.random.random() < part

    def text(self, letters: str, most: int = 8) -> str:
        return "".join(self.random.choice(letters)
                       for _ in range(self.random.randint(1, most)))

    def comment(self, depth: int = 0) -> str:
        inner = self.random.choice(
            ["", "x", "a b", "a@b", "a, b", "\\)", "<c@d>", ";", "\""])
        if depth < 2 and self.chance(0.3):
            inner += self.comment(depth + 1)
        return f"({inner})"

    def cfws(self) -> str:
        roll = self.random.random()
        if roll < 0.5:
            return ""
        if roll < 0.7:
            return " "
        if roll < 0.8:
            return self.random.choice(["\r\n ", "\r\n\t", "\t"])
        return " " + self.comment() + self.random.choice(["", " "])

    def quoted(self) -> str:
        inner = "".join(self.random.choice(
            ["a", "B", "1", " ", ".", ",", "@", "<", ">", "(", ")", ";", ":",
             '\\"', "\\\\", "\\a"]) for _ in range(self.random.randint(1, 6)))
        return f'"{inner}"'

    def dots(self, words: list[str]) -> str:
        out = words[0]
        for word in words[1:]:
            around = (self.cfws(), self.cfws()) \
                if self.obsolete and self.chance(0.3) else ("", "")
            out += f"{around[0]}.{around[1]}{word}"
        return out

    def spec(self) -> tuple[str, str]:
        """An addr-spec and the address without comments and blanks."""
        if self.chance(0.25):
            local = [self.quoted()]
        else:
            local = [self.text(ATEXT)
                     for _ in range(self.random.randint(1, 3))]
        domain = [self.text(SMALL) for _ in range(self.random.randint(1, 3))]
        at = (self.cfws(), self.cfws()) if self.obsolete else ("", "")
        if self.chance(0.1):
            domain = ["[192.0.2.7]"]
        return (f"{self.dots(local)}{at[0]}@{at[1]}{self.dots(domain)}",
                ".".join(local) + "@" + ".".join(domain))

    def phrase(self) -> str:
        words = [self.quoted() if self.chance(0.3) else self.text(ATEXT)
                 for _ in range(self.random.randint(1, 3))]
        return " ".join(words) + self.cfws()

    def route(self) -> str:
        if not self.obsolete or self.chance(0.7):
            return ""
        return ",".join("@" + self.text(SMALL)
                        for _ in range(self.random.randint(1, 2))) + ":"

    def mailbox(self) -> tuple[str, str]:
        spec, address = self.spec()
        if self.chance(0.4):
            return f"{self.cfws()}{spec}{self.cfws()}", address
        name = self.phrase() if self.chance(0.8) else ""
        return (f"{self.cfws()}{name}<{self.route()}{self.cfws()}{spec}"
                f"{self.cfws()}>{self.cfws()}", address)

    def listed(self, most: int) -> tuple[str, list[str]]:
        parts, addresses = [], []
        for _ in range(self.random.randint(1, most)):
            text, address = self.mailbox()
            parts.append(text)
            addresses.append(address)
            if self.obsolete and self.chance(0.1):
                parts.append(self.cfws())
        return ",".join(parts), addresses

    def group(self) -> tuple[str, list[str]]:
        if self.chance(0.3):
            return f"{self.phrase()}:{self.cfws()};{self.cfws()}", []
        text, addresses = self.listed(3)
        return f"{self.phrase()}:{text};{self.cfws()}", addresses

    def value(self) -> tuple[str, list[str]]:
        parts, addresses = [], []
        for _ in range(self.random.randint(1, 3)):
            text, more = self.group() if self.chance(0.2) else self.listed(3)
            parts.append(text)
            addresses += more
        return ",".join(parts), addresses


def generated(count: int, obsolete: bool) -> list[tuple[str, list[str]]]:
    return [Grammar(seed, obsolete).value() for seed in range(count)]


@pytest.mark.parametrize("obsolete", [False, True])
def test_lib_reads_the_grammar(lib, obsolete):
    cases = generated(3000, obsolete)
    answers = lib.addresses([value.encode() for value, _ in cases])
    for (value, addresses), answer in zip(cases, answers):
        assert keys_by_lib(answer) == [key(a) for a in addresses], value
        assert "b" not in answer, value


@pytest.mark.parametrize("obsolete", [False, True])
def test_others_read_the_grammar(gmime, obsolete):
    """So the grammar above is not merely our own idea of it."""
    for value, addresses in generated(500, obsolete):
        want = [key(a) for a in addresses]
        assert gmime.keys(value) == want, value
        assert keys_by_python(value) in (want, None), value


# --- what leaves the grammar

# A value and what we read. Each was read differently by GMime or Python, or
# is close to one that was.
ODD = {
    # RFC 5322 has no such display names; both others read no address
    "Scan [3] <a@b>": ["?a@b"],
    "Scan [3 <a@b>": ["?a@b"],
    "A\\B <a@b>": ["?a@b"],
    # a '@' in a name without quotes: Python takes the first address
    "a@b <c@d>": ["?c@d"],
    "a@b <a@b>": ["?a@b"],
    '"a@b" <c@d>': ["c@d"],
    # a ';' separates nothing outside of groups: the others stop there
    "a@b; c@d": ["a@b", "?c@d"],
    "a@b;": ["a@b"],
    "A <a@b>;B <c@d>;e@f": ["a@b", "?c@d", "?e@f"],
    "g:a@b; c@d": ["a@b", "?c@d"],
    "g:a@b;, c@d": ["a@b", "c@d"],
    # RFC 5322 section 3.2.3: dots stand between atoms. GMime reads none
    "a..b@c": ['?"a..b"@c'],
    ".a@c": ['?".a"@c'],
    "a.@c": ['?"a."@c'],
    # a root dot is DNS and not mail; Python reads none
    "a@b.": ["?a@b"],
    # longer than a label of DNS (RFC 1035 section 2.3.4), which is DNS's matter
    f"a@{'b' * 64}.c": [f"a@{'b' * 64}.c"],
    # no domain, no mailbox (section 3.4.1)
    "root": [],
    "a@": [],
    "Hans M\u00fcller, Dr. <h@x>": ["h@x"],
    "=?utf-8?Q?a,_b?= <h@x>": ["?h@x"],
    "=?utf-8?Q?a;b,c.d?=<h@x>, e@f": ["?h@x", "e@f"],
    "=?utf-8?Q?a,b?= h@x": ["?h@x"],
    "<h@x> =?utf-8?Q?a,b?=": ["?h@x"],
    # what some read as an address in a word is one, as without the word
    "=?utf-8?Q?a@b,c?= <h@x>": ["?=?utf-8?q?a@b", "h@x"],
    "=?utf-8?Q?a<b@c>,d?= <h@x>": ["?b@c", "h@x"],
    "=?utf-8?Q?a,b <h@x>, c@d?=": ["h@x", "c@d?="],
    "=?utf-8?Q?a,b?=@c, h@x": ["b?=@c", "h@x"],
    # two words need a dot (section 3.2.5, 4.4); Python invents quotes
    "a b@c": [],
    '"a"b@c': [],
    'a"b"@c': [],
    # one '@'; GMime takes a part of it
    "a@b@c": [],
    "a@b/c@d": [],
    "a@b c": [],
    "a@b..c": [],
    "a@[b": [],
    "a@b\1": [],
    # brackets: one pair, around all of it. Programs write a name behind them
    # or none around an address that follows an encoded word
    "<a@b> x": ["?a@b"],
    "<a@b> x@y": [],
    "=?utf-8?q?A?= a@b": ["?a@b"],
    "<a@b><c@d>": [],
    "<<a@b>>": [],
    "a@b>": [],
    "<a@b, c@d": ["c@d"],
    "<a@b <c@d>": [],
    # what is never closed takes the rest
    '"a <b@c>, d@e': [],
    "a@b (x, d@e": [],
    # groups do not nest and have a name (section 3.4)
    "g:h:a@b;;": [],
    "a@b:c@d;": [],
    "mailto:a@b": ["a@b"],
    "<mailto:a@b>": [],
    "g:a@b": ["a@b"],
}


def test_odd_values(lib):
    answers = lib.addresses([value.encode() for value in ODD])
    for (value, want), answer in zip(ODD.items(), answers):
        assert keys_by_lib(answer) == want, value


def test_what_is_unambiguous_is_read_by_all(lib, gmime):
    """Where nothing is bad or ambiguous, all readers see the same addresses."""
    values = list(ODD) + broken(2000)
    answers = lib.addresses([value.encode() for value in values])
    unambiguous = 0
    for value, answer in zip(values, answers):
        if not is_unambiguous(answer):
            continue
        unambiguous += 1
        ours = set(keys_by_lib(answer))
        assert ours == set(gmime.keys(value)), value
        others = keys_by_python(value)
        assert others is None or ours == set(others), value
    assert unambiguous > 500


def broken(count: int) -> list[str]:
    """Lists of the grammar with a few bytes missing or too many."""
    out = []
    for value, _ in generated(count, obsolete=False):
        rng = random.Random(value)
        for _ in range(rng.randint(1, 2)):
            at = rng.randrange(len(value) + 1)
            if rng.random() < 0.5:
                value = value[:at] + value[at + 1:]
            else:
                value = value[:at] + rng.choice('<>@.,;:"()[]a ') + value[at:]
        out.append(value)
    return out


# --- header fields

NAME = "".join(chr(c) for c in range(33, 127) if c != ord(":"))
TEXT = "abc XYZ 019:;<>@\"()\t\u00e4"


def message(seed: int) -> bytes:
    rng = random.Random(seed)

    def text(letters: str, most: int) -> str:
        return "".join(rng.choice(letters) for _ in range(rng.randint(1, most)))

    end = rng.choice(["\r\n", "\n"])
    out = ""
    for _ in range(rng.randint(1, 6)):
        out += text(NAME, 10) + ":" + text(TEXT, 20)
        for _ in range(rng.randint(0, 2)):
            out += end + rng.choice(" \t") + text(TEXT, 20) + "x"
        out += end
    return (out + end + text(TEXT + "\n", 30)).encode()


def test_fields_beside_python(lib):
    messages = [message(seed) for seed in range(1000)]
    for data, answer in zip(messages, lib.fields(messages)):
        ours, others = fields_by_lib(answer), fields_by_python(data)
        assert ours[1] == others[1], data
        assert [f[0] for f in ours[0]] == [f[0] for f in others[0]], data
        for (_, mine), (_, its) in zip(ours[0], others[0]):
            assert mine.encode("utf-8", "surrogateescape") == \
                str(its).encode("utf-8", "surrogateescape"), data


def test_fields_beside_gmime(lib, gmime):
    messages = [message(seed) for seed in range(1000)]
    for data, answer in zip(messages, lib.fields(messages)):
        ours, others = fields_by_lib(answer)[0], gmime.fields(data)
        assert [(name, value.rstrip("\r\n")) for name, value in ours] == \
            [(name, value.rstrip("\r\n")) for name, value in others], data
