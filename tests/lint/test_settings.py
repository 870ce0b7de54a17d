"""The settings: the table of lib/conf/conf.c, which the programs print with
-t, man page and example say the same, in the same order."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from lint import sources

EXAMPLE = "conf-examples/msgraph.conf"
MANUAL = "lib/conf/msgraph.conf.5"


@dataclass
class Setting:
    """One row as -t shows it."""

    help: str
    kind: str
    default: str
    value: str


@pytest.fixture(scope="module", name="rows")
def rows_of_the_table(tmp_path_factory) -> dict[str, Setting]:
    conf = tmp_path_factory.mktemp("conf") / "msgraph.conf"
    conf.write_text("")
    rows = {}
    for block in sources.run("msgraphd", "-c", conf, "-t").split("\n\n"):
        about, kind, line = block.strip("\n").splitlines()
        kind, default = re.fullmatch(r"# (.*); default (.*)", kind).groups()
        name, value = re.fullmatch(r"(\w+) = (.*)", line).groups()
        rows[name] = Setting(about.removeprefix("# "), kind,
                             "" if default == "empty" else default, value)
    return rows


def test_both_programs_print_the_same(rows, tmp_path):
    conf = tmp_path / "msgraph.conf"
    conf.write_text("")
    assert sources.run("msgraphd", "-c", conf, "-t") == \
        sources.run("msgraph-milter", "-c", conf, "-t")
    assert len(rows) > 30


def test_default_is_the_value_where_nothing_is_set(rows):
    for name, row in rows.items():
        assert row.value == row.default, name


# --- the example

def commented() -> dict[str, tuple[str, str]]:
    """Name, default and the words above it."""
    found = {}
    for block in sources.read(EXAMPLE).split("\n\n"):
        *words, last = block.strip("\n").splitlines()
        setting = re.fullmatch(r"#(\w+) =(.*)", last)
        if setting:
            found[setting[1]] = (setting[2].strip(), " ".join(
                word.removeprefix("# ") for word in words))
    return found


def test_example_names_every_setting_with_its_default(rows):
    """Those of the endpoints depend on the cloud, so it leaves them empty."""
    expected = [(name, "" if name.endswith("_endpoint") else row.default)
                for name, row in rows.items()]
    assert [(name, default)
            for name, (default, _) in commented().items()] == expected
    lines = re.findall(r"^#(\w+) =", sources.read(EXAMPLE), re.M)
    assert lines == list(rows)


def test_example_begins_with_the_help(rows):
    for name, (_, words) in commented().items():
        assert words.startswith(rows[name].help), name


# --- the man page

def entries() -> dict[str, tuple[str, str]]:
    """Name, default and source of each entry."""
    text = sources.section(sources.read(MANUAL), "SETTINGS")
    return {name: (default.strip().replace("\\&", ""), body)
            for name, default, body in re.findall(
                r"^\.It Ic (\w+) No =(.*)\n((?:(?!\.It Ic|\.Ss).*\n)*)",
                text, re.M)}


def test_manual_has_every_setting_with_its_default(rows):
    assert [(name, default) for name, (default, _) in entries().items()] == [
        (name, row.default) for name, row in rows.items()]


def words_of(kind: str) -> str | None:
    """How the page says a kind at the start of an entry; None: in no fixed
    words."""
    kind = kind.replace(" 0s ", " 0 ")
    if kind.startswith("number of "):
        return "A number, " + kind.partition(", ")[2] + "."
    if kind.startswith("size in bytes, "):
        return "A size, " + kind.partition(", ")[2] + "."
    if kind.startswith("duration, "):
        return f"A {kind}."
    return {"path": r"(A|The) path\b", "url": r"A url\.",
            "path of a socket": r"The path of the socket\b"}.get(kind)


def test_manual_has_every_kind_and_range(rows):
    for name, (_, body) in entries().items():
        words = words_of(rows[name].kind)
        if words:
            assert re.match(words, body), f"{name}: {rows[name].kind}"


def test_manual_has_every_choice_and_no_other(rows):
    choices = {name: set(row.kind.removeprefix("one of ").split(", "))
               for name, row in rows.items()
               if row.kind.startswith("one of ")}
    assert len(choices) > 5
    for name, allowed in choices.items():
        named = set()
        for words in re.findall(r"(?:^\.| )Cm (.*)", entries()[name][1],
                                re.M):
            words = re.split(r" (?:No|Ns|Ic) ", words)[0]
            named |= {word.replace("\\&", "") for word in words.split()
                      if word not in (",", ":", ".")}
        assert named == allowed, name
