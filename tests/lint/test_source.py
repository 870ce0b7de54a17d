"""What a newcomer finds his way by: each file says at its beginning what it is,
a public function's comment begins with a verb, a static one's name with that of
its file, and what a comment names is there."""

from __future__ import annotations

import re
from pathlib import Path

from lint import folders, sources

VERB = re.compile(r"[A-Z][a-z]+s\b")
NO_VERBS = {"As", "This", "Its", "Options", "Entries"}
PIECE = re.compile(r"/\*.*?\*/|;|\n\n|[^;/\n]+|.", re.S)
FUNCTION = re.compile(r"(?!typedef|struct \w+ \{|enum|union)"
                      r"[^=(]*?([a-z]\w*)\([^*]")
STATIC = re.compile(r"^static [^\n;=]*\n(\w+)\(", re.M)

# the files whose functions have another name in front than the file's first
NAMES = {
    "agent/ctl/command_setup_run.c": "setup",
    "agent/ctl/main.c": "ctl",
    "agent/daemon/main.c": "msgraphd",
    "agent/pipe/main.c": "agent",
    "milter/main.c": "milter",
}


# what comments name besides: functions of others, and an example
OUTSIDE = {"code_under_test", "mystrtokq", "setlocale", "smfi_stop",
           "towlower"}


def files(ending: str) -> list[Path]:
    return [path for folder in folders.SOURCES
            for path in sorted((sources.ROOT / folder).rglob(ending))]


def without_bodies(code: str) -> str:
    """The code with nothing between braces, and ";" behind a function's."""
    code = re.sub(r"^#(?:.*\\\n)*.*\n", "", code, flags=re.M)
    while "{" in code.replace("{}", ""):
        code = re.sub(r"\{(?:[^{}]|\{\})+\}", "{}", code)
    return code.replace("\n{}\n", ";\n")


def declared(header: str) -> list[tuple[str, str]]:
    """Each function that a header declares, with the comment above it, or
    above the functions that it stands with; "" for none."""
    found, comment, text = [], "", ""
    for piece in PIECE.findall(without_bodies(header)):
        if piece == ";":
            function = FUNCTION.match(text.strip())
            if function:
                found.append((function[1], comment))
            text = ""
        elif piece.startswith("/*") and not text.strip():
            comment = " ".join(
                re.sub(r"\n \*", " ", piece).strip("/* ").split())
        elif piece == "\n\n" and not text.strip():
            comment = ""
        elif not piece.startswith("/*"):
            text += piece
    return found


def comments(code: str) -> str:
    return "\n".join(re.findall(r"/\*.*?\*/", code, re.S))


def begins_with_a_verb(comment: str) -> bool:
    verb = VERB.match(comment)
    return verb is not None and verb[0] not in NO_VERBS


def prefix(path: str) -> str:
    """What the names of a file's functions begin with."""
    return NAMES.get(path) or Path(path).stem.split("_")[0]


def test_a_header_is_read():
    assert declared(
        "/* thing.h - about things. */\n#ifndef THING_H\n#define THING_H\n\n"
        "struct thing {\n\tint (*call)(void); /* done */\n};\n\n"
        "/* Returns one;\n * or none. */\nint thing_get(const char *name,\n"
        "    int count);\n\n/* The most. */\n#define THING_MAX 1\n"
        "void thing_do(void);\nvoid thing_end(struct thing **);\n") == [
            ("thing_get", "Returns one; or none."),
            ("thing_do", "The most."), ("thing_end", "The most.")]


def test_each_public_function_has_a_comment_that_begins_with_a_verb():
    headers = files("*.h")
    assert len(headers) > 200
    assert [f"{path.relative_to(sources.ROOT)}: {name}: {comment[:60]}"
            for path in headers for name, comment in declared(path.read_text())
            if not begins_with_a_verb(comment)] == []


def test_each_static_function_begins_with_the_first_word_of_its_file():
    found = [(path.relative_to(sources.ROOT).as_posix(), name)
             for path in files("*.c")
             for name in STATIC.findall(path.read_text())]
    assert len(found) > 1000
    assert [f"{path}: {name}" for path, name in found
            if not name.startswith(prefix(path) + "_")] == []


def test_each_file_says_at_its_beginning_what_it_is():
    assert [path.relative_to(sources.ROOT).as_posix()
            for path in files("*.[ch]")
            if not path.read_text().startswith(f"/*\n * {path.name} - ")] == []


def test_what_a_comment_names_is_there():
    texts = {path: path.read_text() for path in files("*.[ch]")}
    texts |= {path: path.read_text()
              for path in (sources.ROOT / "tests").rglob("*.[ch]")}
    words = set(re.findall(r"\w+", " ".join(
        map(sources.without_comments, texts.values())))) | OUTSIDE
    assert len(words) > 5000
    gone = []
    for path, text in texts.items():
        said = comments(text)
        gone += [(str(path), name) for name in
                 re.findall(r"(?<![\w/.])((?:agent|lib|milter|tests|docs|"
                            r"saslauthd-plugin)/[\w/.-]+\.\w+)", said)
                 if not (sources.ROOT / name).exists()]
        gone += [(str(path), name) for name in
                 re.findall(r"\b([a-z]\w+)\(\)", said) if name not in words]
    assert gone == []
