"""Small messages, as bytes, with the line ends of Internet mail."""

from __future__ import annotations


def message(sender: str = "scan@example.com",
            to: str | None = "a@example.org", body: bytes = b"Hello.\r\n",
            **fields: str) -> bytes:
    """From, To (unless None), Subject, then fields (x_spam becomes X-Spam),
    the empty line and the body."""
    lines = [f"From: {sender}"]
    if to is not None:
        lines.append(f"To: {to}")
    named = {"Subject": "test", **{
        name.replace("_", "-").title(): value
        for name, value in fields.items()}}
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def split(raw: bytes) -> tuple[list[bytes], bytes]:
    """Header lines as they are (folded ones apart), and the body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


def field(raw: bytes, name: str) -> list[bytes]:
    """The values of all header fields of that name, folding kept."""
    found: list[bytes] = []
    wanted = False
    for line in split(raw)[0]:
        if line[:1] in b" \t" and line:
            if wanted:
                found[-1] += b"\r\n" + line
            continue
        key, _, value = line.partition(b":")
        wanted = key.strip().lower() == name.lower().encode()
        if wanted:
            found.append(value.strip())
    return found
