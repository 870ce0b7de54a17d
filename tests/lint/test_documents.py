"""What the documents name is there: files, headings, man pages, settings,
functions, and the tables of the state file."""
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
HACKING = TREE / "docs" / "HACKING.md"
DOCUMENTS = sorted([*TREE.glob("*.md"), *TREE.glob("docs/*.md"),
                    TREE / "tests" / "README.md"])
SOURCES = ("agent", "lib", "milter", "saslauthd-plugin", "tests")
TOPS = (*SOURCES, "conf-examples", "debian", "docs")
FILE = re.compile(r"[a-zA-Z_][\w.-]*\.(?:[ch58]|py|md|table|conf)")
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]+))?\)")
PAGE = re.compile(r"`([\w.-]+)\((\d)\)`")


def quoted(document: Path) -> list[str]:
    """The words between backticks, text that is code by itself included."""
    return re.findall(r"[\w./()<>*-]+", " ".join(
        re.findall(r"`([^`\n]+)`", document.read_text())))


def names(folder: str) -> set[str]:
    return {path.name for path in (TREE / folder).rglob("*")}


def anchors(document: Path) -> set[str]:
    """Those that a heading gets: lower case, blanks as "-", nothing but
    letters, digits, "-" and "_" besides."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.M)
    return {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))
            for heading in headings}


every_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(TREE)))


@every_document
def test_links_lead_somewhere(document):
    for path, anchor in LINK.findall(document.read_text()):
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target), f"{path}#{anchor}"


def test_readme_leads_to_every_document():
    links = {(TREE / path).resolve() for path, _ in LINK.findall(
        (TREE / "README.md").read_text()) if path}
    assert set(DOCUMENTS) - {TREE / "README.md"} <= links


@every_document
def test_man_pages_are_there(document):
    ours = {path.name for top in SOURCES
            for path in (TREE / top).rglob("*.[58]")}
    for name, part in PAGE.findall(document.read_text()):
        if re.match("msgraph|libentra", name):
            assert f"{name}.{part}" in ours, f"{name}({part})"


@every_document
def test_settings_are_there(document):
    """What is quoted as "name = value" without being Postfix's."""
    example = (TREE / "conf-examples" / "msgraph.conf").read_text()
    ours = set(re.findall(r"^#(\w+) =", example, re.M))
    theirs = {"relayhost", "msgraph_destination_recipient_limit",
              "defer_transports", "notify_classes"}
    for name in re.findall(r"`([a-z]\w+) = ", document.read_text()):
        assert name in ours | theirs or name.startswith("smtp"), name


@every_document
def test_files_are_there(document):
    known = set.union(*map(names, TOPS)) | {
        path.name for path in TREE.iterdir()} | {"mail.log", "state.db"}
    for word in quoted(document):
        if word.split("/")[0] in TOPS and "/" in word:
            assert list(TREE.glob(word.rstrip("/."))), word
        elif FILE.fullmatch(word):
            assert word in known, word


def test_the_single_test_is_there():
    """What tests/README.md shows for one test selects one, and pytest says
    that it passed: pytest.ini has -q already."""
    text = (TREE / "tests" / "README.md").read_text()
    command = re.search(r"-m pytest (\S+ -k .*)$", text, re.M)[1]
    assert " -q" not in command
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "--collect-only",
         *shlex.split(command)], cwd=TREE, capture_output=True, text=True)
    assert re.search(r"^1/\d+ tests collected", done.stdout, re.M), done.stdout


def test_functions_are_there():
    source = "\n".join(path.read_text() for folder in SOURCES
                       for path in (TREE / folder).rglob("*.c"))
    called = [word for word in quoted(HACKING) if word.endswith("()")]
    assert len(called) > 10
    for word in called:
        assert re.search(rf"^{re.escape(word[:-2])}\(", source, re.M), word


def columns_of_schema() -> dict[str, list[str]]:
    """The tables that agent/daemon/store/state.c makes."""
    text = (TREE / "agent/daemon/store/state.c").read_text()
    text = "".join("".join(re.findall(r'"([^"]*)"', part)) for part in
                   re.findall(r"schema_\w*sql\[\] =(.*?);\n\n", text, re.S))
    return {table: [column.split()[0] for column in columns.split(",")]
            for table, columns in re.findall(
                r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*?)\)(?: WITHOUT ROWID)?;", text)}


def columns_of_document() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    text = HACKING.read_text().partition("## The state file")[2]
    for table, columns in re.findall(r"^\| (`\w+` |)\| (`[^|]*) \|",
                                     text.partition("\n## ")[0], re.M):
        name = table.strip("` ") or list(found)[-1]
        found.setdefault(name, []).extend(re.findall(r"`(\w+)`", columns))
    return found


def test_the_state_is_described():
    assert len(columns_of_schema()) > 5
    assert columns_of_document() == columns_of_schema()


def test_changes_are_sorted():
    """Those of the newest version: by mark, then by what has changed; one
    line or two each."""
    newest = (TREE / "CHANGES").read_text().split("\nCHANGES ")[1]
    entries = re.findall(r"^[*+-] .*\n(?:  .*\n)*", newest, re.M)
    assert newest.partition("\n\n")[2].strip() == "".join(entries).strip()
    for entry in entries:
        assert entry.count("\n") <= 2, entry
        assert max(map(len, entry.splitlines())) < 80, entry
    keys = [("*+-".index(entry[0]), entry[2:].partition(":")[0].lower(),
             entry.lower()) for entry in entries]
    assert keys == sorted(keys)
