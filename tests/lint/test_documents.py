"""What the documents for people who change this say of the source is there:
files, functions, and the tables of the state file."""
import re
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
HACKING = TREE / "docs" / "HACKING.md"
DOCUMENTS = [HACKING, TREE / "tests" / "README.md", TREE / "SECURITY.md"]
SOURCES = ("agent", "lib", "milter", "saslauthd-plugin", "tests")
TOPS = (*SOURCES, "conf-examples", "docs")
FILE = re.compile(r"[\w.-]+\.(?:[ch58]|py|md|table|conf)")
LINK = re.compile(r"\]\(([^)#:]+)[^):]*\)")


def quoted(document: Path) -> list[str]:
    """The words between backticks, text that is code by itself included."""
    return re.findall(r"[\w./()<>*-]+", " ".join(
        re.findall(r"`([^`\n]+)`", document.read_text())))


def names(folder: str) -> set[str]:
    return {path.name for path in (TREE / folder).rglob("*")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_are_there(document):
    known = set.union(*map(names, TOPS)) | {
        path.name for path in TREE.iterdir()} | {"mail.log", "state.db"}
    for word in quoted(document):
        if word.split("/")[0] in TOPS and "/" in word:
            assert list(TREE.glob(word.rstrip("/."))), word
        elif FILE.fullmatch(word):
            assert word in known, word
    for link in LINK.findall(document.read_text()):
        assert (document.parent / link).exists(), link


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
    text = text.partition("schema_sql[] =")[2].partition(";\n\n")[0]
    text = "".join(re.findall(r'"([^"]*)"', text))
    return {table: [column.split()[0] for column in columns.split(",")]
            for table, columns in re.findall(
                r"CREATE TABLE (\w+) \((.*?)\)(?: WITHOUT ROWID)?;", text)}


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
