"""Looks for bytes that must not be where it looks: a secret or a token in
files, command lines and environments, in the forms in which it may travel."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus


def forms(value: str | bytes) -> list[bytes]:
    """As it is, URL-encoded, as hex, and as base64 wherever it begins in what
    is encoded (the characters that do not depend on its neighbours)."""
    raw = value if isinstance(value, bytes) else value.encode()
    escaped = quote(value, safe="")
    found = [raw, escaped.encode(), escaped.replace("~", "%7E").encode(),
             quote_plus(value).encode(),
             raw.hex().encode(), raw.hex().upper().encode()]
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        start = (shift * 8 + 5) // 6
        end = (shift + len(raw)) * 8 // 6
        found += [whole[start:end], whole[start:end].translate(
            bytes.maketrans(b"+/", b"-_"))]
    return list(dict.fromkeys(found))


def in_files(values: Iterable[str], *places: Path) -> list[str]:
    """Descriptions of where below these places one of the values stands."""
    needles = [form for value in values for form in forms(value)]
    found = []
    for place in places:
        files = place.rglob("*") if place.is_dir() else [place]
        for file in files:
            if file.is_file() and contains(file, needles):
                found.append(str(file))
    return found


def in_processes(values: Iterable[str]) -> list[str]:
    """The same in command line and environment of every process."""
    needles = [form for value in values for form in forms(value)]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            if contains(process / name, needles):
                found.append(f"{process / name}: "
                             f"{read(process / 'comm').decode().strip()}")
    return found


def in_memory(values: Iterable[str | bytes], pid: int) -> list[str]:
    """The same in what a process can write to of its memory."""
    needles = [form for value in values for form in forms(value)]
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, mode, *_ = line.split()
            if not mode.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in place.split("-"))
            memory.seek(start)
            data = memory.read(end - start)
            if any(needle in data for needle in needles):
                found.append(line)
    return found


def contains(file: Path, needles: list[bytes]) -> bool:
    data = read(file)
    return any(needle in data for needle in needles)


def read(file: Path) -> bytes:
    """A file or process that is gone holds nothing."""
    try:
        return file.read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
