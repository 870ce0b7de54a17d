"""The keeper of the folders' order: what it forbids is named, and by which
rule; what it allows passes; and a table that cannot be right is not used."""
import re
import subprocess
import sys

import pytest

from lint import folders

TABLE = """
lib/base:
lib/mail: lib/base
agent/daemon/store: lib/base
agent/daemon: agent/daemon/store
<sqlite3.h>: agent/daemon/store agent/daemon/main.c
"""

ROWS = [
    # file, what it includes, what is said (None: allowed)
    ("agent/daemon/main.c", '"agent/daemon/store/state.h"', None),
    ("agent/daemon/main.c", '"lib/base/buf.h"', None),
    ("agent/daemon/main.c", '"msgraphd.h"', None),
    ("agent/daemon/main.c", "<string.h>", None),
    ("agent/daemon/main.c", "<sqlite3.h>", None),
    ("agent/daemon/store/state.c", "<sqlite3.h>", None),
    ("agent/daemon/gate.c", "<sqlite3.h>",
     "<sqlite3.h> may be used in agent/daemon/store, agent/daemon/main.c "
     "alone"),
    ("agent/daemon/main.c", '"lib/mail/address.h"',
     "agent/daemon must not use lib/mail; it may use agent/daemon/store, "
     "lib/base"),
    ("agent/daemon/store/state.c", '"agent/daemon/main.h"',
     "agent/daemon/store must not use agent/daemon; it may use lib/base"),
    ("lib/base/buf.c", '"lib/mail/address.h"',
     "lib/base must not use lib/mail; it may use no other folder"),
    ("lib/base/buf.c", '"lib/base/buf.h"',
     '"lib/base/buf.h" is in the same folder: write "buf.h"'),
    ("lib/mail/mime.c", '"../base/buf.h"',
     '"../base/buf.h" is in no folder of the table'),
]


@pytest.mark.parametrize("path, included, said", ROWS)
def test_an_include_is_held_to_the_table(path, included, said):
    rules = folders.read_table(TABLE)
    assert folders.check_include(rules, path, included) == said


@pytest.mark.parametrize("table, said", [
    ("lib/base: lib/base\n", "lib/base uses lib/base: a circle"),
    ("a: b\nb: c\nc: a\n", "a uses b uses c uses a: a circle"),
    ("lib/base: lib/wrong\n", "lib/base uses lib/wrong, which has no line"),
    ("lib/base:\nlib/base:\n", "line 2: no rule, or a second one for the "
     "same name: lib/base:"),
    ("lib/base\n", "line 1: no rule, or a second one for the same name: "
     "lib/base"),
])
def test_a_wrong_table_is_named(table, said):
    with pytest.raises(folders.TableError) as error:
        folders.read_table(table)
    assert str(error.value) == said


def test_the_place_of_a_forbidden_include_is_named(tmp_path):
    """As a compiler would: file and line; and what stands in no folder."""
    for source, text in {
            "lib/base/buf.c": '#include <string.h>\n\n'
                              '#  include "lib/mail/mime.h"\n',
            "lib/new/thing.c": "int x;\n"}.items():
        (tmp_path / source).parent.mkdir(parents=True)
        (tmp_path / source).write_text(text)
    done = subprocess.run([sys.executable, folders.__file__, tmp_path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert ("lib/base/buf.c:3: lib/base must not use lib/mail; it may use no "
            "other folder") in lines
    assert "lib/new/thing.c:1: lib/new has no line in folders.table" in lines
    assert "folders.table: lib/mail has a line and no files" in lines


def test_the_tree_keeps_to_its_own_table():
    rules = folders.read_table(folders.TABLE.read_text())
    assert folders.check_tree(rules, folders.TABLE.parents[2]) == []


def test_the_document_says_what_each_folder_holds():
    rules = folders.read_table(folders.TABLE.read_text())
    text = (folders.TABLE.parents[2] / "docs" / "HACKING.md").read_text()
    text = text.partition("\n## Folders and their order\n")[2]
    rows = re.findall(r"^\| `([\w/-]+)` \|", text.partition("\n## ")[0], re.M)
    names = [re.sub("^agent/(daemon|pipe)/", "", name) for name in rules.uses]
    assert sorted(rows) == sorted(names)


def test_the_picture_in_the_document_is_what_the_table_says():
    tree = folders.TABLE.parents[2]
    text = (tree / "docs" / "HACKING.md").read_text()
    rules = folders.read_table(folders.TABLE.read_text())
    shown = text.partition("<!-- folders.py --picture -->\n")[2]
    assert shown.partition("<!-- end -->")[0] == folders.picture(rules) + "\n"
