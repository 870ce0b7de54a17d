"""No line of C is wider than 80 columns. clang-format sees to the code, and
leaves comments as they are."""
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
TABS = 8
COLUMNS = 80


def sources() -> list[Path]:
    return [path for folder in ("agent", "lib", "milter", "saslauthd-plugin",
                                "tests")
            for path in (TREE / folder).rglob("*.[ch]")]


def test_lines_fit():
    assert len(sources()) > 500
    wide = [f"{path.relative_to(TREE)}:{number}"
            for path in sources()
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if len(line.expandtabs(TABS)) > COLUMNS]
    assert wide == []
