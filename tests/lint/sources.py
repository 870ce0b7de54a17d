"""Reads C sources and man pages far enough to compare them: the tests beside
this file hold the two to each other."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("MSGRAPH_BUILD", "build")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')


def read(path: str) -> str:
    return (ROOT / path).read_text()


# --- C

def without_comments(code: str) -> str:
    return re.sub(r"/\*.*?\*/", "", code, flags=re.S)


def join_literals(code: str) -> str:
    """C joins strings that follow each other, and so do we; a macro between
    two of them stands for a word of its own."""
    code = re.sub(r'(?<=[^\\])"\s*[A-Z][A-Z_]+\s*"', "", code)
    return re.sub(r'(?<=[^\\])"\s*"', "", code)


def literals(code: str) -> list[str]:
    return LITERAL.findall(join_literals(code))


def functions(code: str) -> dict[str, str]:
    """The bodies of a file's functions by name, as KNF writes them."""
    return {name: body for name, body in re.findall(
        r"^(\w+)\([^;{]*\)\n\{\n(.*?)^\}", without_comments(code),
        re.M | re.S)}


def unfolded(code: str, name: str) -> str:
    """A function's body, with those of its own file in place of their calls."""
    bodies = functions(code)
    body = bodies.pop(name)
    for called, inner in bodies.items():
        body = re.sub(rf"\b{called}\([^;]*\);", lambda _, text=inner: text,
                      body)
    return body


def calls(code: str, function: str) -> list[str]:
    """The format of each call of a function like printf()."""
    code = join_literals(without_comments(code))
    return [found[1] for found in re.finditer(
        rf'\b{function}\(\s*"((?:[^"\\]|\\.)*)"', code)]


# --- man pages

def section(page: str, title: str) -> str:
    """The source of one section (.Sh)."""
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page,
                     re.M | re.S)[1]


def tags(text: str) -> list[str]:
    """What stands behind each .It, with its macros."""
    return re.findall(r"^\.It (.*)$", text, re.M)


def plain(words: str) -> str:
    """A line of macros as it looks: flags, arguments and punctuation."""
    text, flag, space = "", False, True
    for word in words.replace("\\&", "").split():
        if word == "Ns":
            space = False
        elif word in ("Fl", "Ar", "No", "Cm", "Ic"):
            flag = word == "Fl"
        else:
            glue = "" if not text or not space or word in ",=" else " "
            dash = "-" if flag and word not in ",=" else ""
            text += glue + dash + word
            space = True
    return text


def rendered(path: str) -> str:
    """The page as a terminal shows it, without overprinting."""
    done = subprocess.run(["mandoc", "-T", "ascii", ROOT / path], check=True,
                          capture_output=True, text=True)
    return re.sub(r".\x08", "", done.stdout)


# --- programs

def run(program: str, *args: object) -> str:
    """What a program of ours prints."""
    done = subprocess.run([BUILD / program, *map(str, args)], check=True,
                          capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    return done.stdout
