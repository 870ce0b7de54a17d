"""msgraphctl's commands: -h and msgraphctl(8) say the same of each, its usage,
options, tables and columns, and bash completes what -h says. Names of tables and
columns are an interface, so that none goes."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from lint import sources

PAGE = "agent/ctl/msgraphctl.8"
COMMON = ["-h, --help", "-j, --json"]

# What programs may rely on: a table or column may come, and none may go.
FROZEN = {
    "setup": {"changes": "action file name old new"},
    "test-login": {"steps": "step status text"},
    "test-send": {"steps": "step status text"},
    "status": {
        "daemons": "name status version pid started uptime settings note",
        "counts": "sent deferred bounced in_flight signed_in refused put_off",
        "applications": "entry status signed_in sent token_until stored "
                        "accepted application",
        "credentials": "entry status credential_ends expires credential "
                       "credential_fault",
        "failing": "failing_since entry application failing",
        "throttled": "until scope mailbox application tenant",
        "events": "last count what text remedy",
    },
    "doctor": {
        "summary": "status text",
        "checks": "check status text remedy",
    },
    "identities": {
        "identities": "entry file line application attributes",
        "faults": "fault",
    },
    "forget": {
        "forgotten": "stored token accepted refusals application next",
    },
    "username": {"usernames": "username length for"},
    "entra-script": {},
}


def commands() -> list[str]:
    listed = sources.run("msgraphctl", "-h").partition("commands:\n")[2]
    return re.findall(r"^  (\S+)", listed, re.M)


COMMANDS = commands()


def helped(command: str) -> tuple[str, list[str], dict[str, list[str]]]:
    """Usage on one line, options, and tables with their columns, of -h. Of a
    usage with more than one form the page has a shorter one."""
    text, _, listed = sources.run("msgraphctl", command, "-h").partition(
        "tables:\n")
    usage = re.match(r"usage: msgraphctl (.*?)(?=^  -)", text, re.M | re.S)[1]
    return (" ".join(usage.split()),
            re.findall(r"^  (-.*?)(?:  .*)?$", text, re.M),
            {name: columns.split(", ") for name, columns in
             re.findall(r"^  (\w+): (.*)$", listed, re.M)})


def manual(command: str) -> tuple[str, list[str], dict[str, list[str]]]:
    """The same of the man page, but for the options of every command."""
    section = re.search(rf"^\.Ss {command}\b.*?\n(.*?)(?=^\.S[sh] )",
                        sources.read(PAGE), re.M | re.S)[1]
    usage = re.search(rf"^   ({command}\b.*)$", sources.rendered(PAGE), re.M)
    rows = [re.split(r" Ta ", row) for row in sources.tags(section)
            if " Ta " in row]
    return (usage[1],
            [sources.plain(tag) for tag in sources.tags(section)
             if tag.startswith("Fl")],
            {row[0]: row[1].split(" , ") for row in rows
             if not row[0].startswith("Sy")})


def test_the_page_has_the_commands():
    assert re.findall(r"^\.Ss (\S+)", sources.section(
        sources.read(PAGE), "COMMANDS"), re.M) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_manual_say_the_same(command):
    usage, options, tables = helped(command)
    shown, *rest = manual(command)
    assert rest == [[o for o in options if o not in COMMON], tables]
    if " msgraphctl " not in usage:
        assert shown == usage
    assert (COMMON[1] in options) == bool(tables)


@pytest.mark.parametrize("command", FROZEN)
def test_no_column_goes(command):
    tables = helped(command)[2]
    for name, columns in FROZEN[command].items():
        assert set(columns.split()) <= set(tables[name]), name


def test_every_column_is_frozen():
    """A new one is written down here, too."""
    for command in FROZEN:
        assert {name: " ".join(columns) for name, columns in
                helped(command)[2].items()} == FROZEN[command]


# --- doctor

def test_the_page_has_the_checks():
    source = sources.read("agent/ctl/doctor/checks.c")
    section = re.search(r"^The checks, in their order:\n(.*?)^\.El",
                        sources.read(PAGE), re.M | re.S)[1]
    told = [name for tag in sources.tags(section)
            for name in tag.removeprefix("Cm ").split(" , ")]
    assert told == re.findall(r'^    \{"([a-z-]+)",', source, re.M)


# --- bash

def completed(*words: str, before: str = "") -> list[str]:
    """What bash offers for the last of the words, by msgraphctl.bash."""
    script = f"""{before}
        . {sources.ROOT}/agent/ctl/msgraphctl.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
        $(complete -p msgraphctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/') \\
            msgraphctl "${{!#}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
        unset IFS
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], check=True, text=True,
        capture_output=True, env={
            "PATH": f"{sources.BUILD}:{os.environ['PATH']}"})
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands():
    assert completed("msgraphctl", "")[:len(COMMANDS)] == COMMANDS
    for command in COMMANDS:
        assert completed("msgraphctl", command[:3]) == [
            name for name in COMMANDS if name.startswith(command[:3])]
        assert command in completed("msgraphctl", "-c", "file", command)


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_completes_options(command):
    told = re.findall(r"(?<![\w-])--?[\w-]+", " ".join(
        option.partition("=")[0] for option in helped(command)[1]))
    assert completed("msgraphctl", command, "-") == told
    assert completed("msgraphctl", "-c", "file", command, "operand") == []


@pytest.mark.parametrize("before", ["IFS=:", "set -u", "set -f",
                                    "shopt -s nullglob failglob"])
def test_bash_completes_in_other_shells(before):
    assert completed("msgraphctl", "st", before=before) == ["status"]
    assert completed("msgraphctl", "status", "--w", before=before) == [
        "--watch"]


@pytest.mark.parametrize("word", [
    "$(touch pwned)", "`touch pwned`", '"$(touch pwned)', "'", "*", "~", "a b",
    "status;touch pwned", "\xff"])
def test_bash_runs_nothing_that_was_typed(word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert completed("msgraphctl", word, "-") == []
    completed("msgraphctl", "status", f"-{word}")
    assert completed("msgraphctl", "-c", word, "stat") == ["status"]
    assert not list(tmp_path.iterdir())
