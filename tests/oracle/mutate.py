"""Random changes that leave much of the grammar in place. All randomness is
the given one's, so that a seed tells what was tried."""

from __future__ import annotations

import random

# what matters to readers of addresses, and of messages
TOKENS = [b'"', b"(", b")", b"<", b">", b"@", b",", b";", b":", b".", b"[",
          b"]", b"\\", b" ", b"\t", b"\r\n ", b"a", b"g:", b"=?utf-8?Q?",
          b"=?utf-8?B?", b"?=", b"=?", b"_", b"<a@b>", b'"a b"', b"(c)"]
LINES = [b"", b"--", b"--b", b"--b--", b" folded", b"\tfolded", b"X: y",
         b"text", b".", b"From x", b">From x",
         b"Content-Type: text/html; charset=utf-8",
         b"Content-Type: message/rfc822",
         b'Content-Type: multipart/mixed; boundary="b"',
         b"Content-Type: multipart/digest; boundary=b",
         b"Content-Disposition: attachment; filename=a.pdf",
         b"Content-Transfer-Encoding: base64"]


def value(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """An address list with a few tokens more, less or from another."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data) + 1)
        other = rng.choice(others)
        cut = rng.randrange(len(other) + 1)
        data = rng.choice([
            lambda: data[:at] + rng.choice(TOKENS) + data[at:],
            lambda: data[:at] + data[at + rng.randint(1, 3):],
            lambda: data[:at] + other[cut:cut + rng.randint(1, 20)] + data[at:],
            lambda: data + b", " + other])()
    return data


def message(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """A message with a few lines more, less, elsewhere or from another."""
    end = b"\r\n" if b"\r\n" in data else b"\n"
    lines = data.split(end)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        other = rng.choice(others).replace(b"\r\n", b"\n").split(b"\n")
        how = rng.randrange(6)
        if how == 0:
            lines.insert(at, rng.choice(LINES))
        elif how == 1 and len(lines) > 1:
            del lines[at]
        elif how == 2:
            lines.insert(at, rng.choice(lines))
        elif how == 3:
            lines[at] = rng.choice(lines)
        elif how == 4:
            cut = rng.randrange(len(other))
            lines[at:at] = other[cut:cut + rng.randint(1, 6)]
        else:
            lines[at:at] = other
    return end.join(lines)
