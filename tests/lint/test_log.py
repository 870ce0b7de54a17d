"""The keys of log lines: each that a program writes stands in its man page,
in that order, and each that the page names is written."""

from __future__ import annotations

import re

from lint import sources

DAEMON = "agent/daemon"
MILTER = "milter"
PAGES = {DAEMON: "agent/daemon/msgraphd.8", MILTER: "milter/msgraph-milter.8"}
LEVELS = "log_(?:debug|info|warning|error)"
# the one line that is put together from parts
REPORT = ("agent/daemon/delivery/report.c", "report_log")


def keys_of(line: str) -> list[str]:
    """Keys stand before the free text in parentheses. Names of settings, which
    have a '_', are explained elsewhere."""
    return [key for key in re.findall(
        r"(?:^|[ ,])([a-z][a-z_-]*)=", line.split(" (")[0])
        if "_" not in key]


def written(folder: str) -> list[list[str]]:
    """The keys of each line that the sources of a folder can write."""
    lines = []
    for file in sorted((sources.ROOT / folder).rglob("*.c")):
        lines += map(keys_of, sources.calls(file.read_text(), LEVELS))
    if REPORT[0].startswith(folder):
        body = sources.unfolded(sources.read(REPORT[0]), REPORT[1])
        lines.append(keys_of("".join(sources.literals(body))))
    return [keys for keys in lines if keys]


def documented(folder: str) -> tuple[list[list[str]], set[str]]:
    """The keys of each line that the page shows, and those it only names."""
    text = sources.section(sources.read(PAGES[folder]), "LOG")
    shown = []
    for display in re.findall(r"^\.Bd [^\n]*\n(.*?)^\.Ed", text, re.M | re.S):
        shown.append(re.findall(r"Cm ([a-z-]+) Ns =", display)
                     or keys_of(" ".join(display.split())))
    outside = re.sub(r"^\.Bd [^\n]*\n(.*?)^\.Ed", "", text, flags=re.M | re.S)
    return shown, set(re.findall(r"Cm ([a-z-]+) Ns =", outside))


def is_within(keys: list[str], line: list[str]) -> bool:
    """Whether the line has all the keys, in this order."""
    rest = iter(line)
    return all(key in rest for key in keys)


def check(folder: str) -> None:
    shown, named = documented(folder)
    lines = written(folder)
    assert shown and lines
    for keys in lines:
        known = [key for key in keys if key not in named]
        assert any(is_within(known, line) for line in shown), \
            f"{PAGES[folder]} has no line with {keys}"
    for line in shown:
        assert line in lines, f"no line has the keys {line}"
    everywhere = {key for keys in lines for key in keys}
    assert named <= everywhere


def test_daemon():
    check(DAEMON)


def test_milter():
    check(MILTER)


def test_milter_page_explains_every_key():
    text = sources.section(sources.read(PAGES[MILTER]), "LOG")
    explained = [tag.removeprefix("Li ") for tag in sources.tags(text)]
    assert explained == [*documented(MILTER)[0][0], "text"]
