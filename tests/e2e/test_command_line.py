"""The command line of each program: what a person who types it is told, and
what pipe(8) is told, which must never take a slip for a message that was sent
or can never be; -t and -n; and a setting whose name was another once."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness import example
from harness.agent import Agent
from harness.process import BUILD
from harness.submitd import SubmitDaemon

DAEMONS = ["msgraphd", "msgraph-milter"]
PROGRAMS = [*DAEMONS, "msgraph-agent"]
VERSION = re.search(r'VERSION "(.*)"', (
    example.ROOT / "lib" / "base" / "version.h").read_text())[1]

WRONG = [
    # arguments, what is said of them
    (["-x"], "unknown option -x"),
    (["-Vx"], None),  # -V answers first
    (["-c", "/x", "-y"], "unknown option -y"),
    (["-\u00e9"], "unknown option -?"),
    (["--frobnicate"], "unknown option --frobnicate"),
    (["--frobnicate=secret"], "unknown option --frobnicate"),
    (["--help=me"], "--help takes no value"),
    (["-c"], "-c needs a value"),
]


def run(name: str, *args: object, **popen: object
        ) -> subprocess.CompletedProcess:
    popen.setdefault("stdin", subprocess.DEVNULL)
    program = name if name == "sh" else str(BUILD / name)
    return subprocess.run([program, *map(str, args)], timeout=30,
                          capture_output=True, text=True, **popen)


# --- help and version

@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(name, option):
    done = run(name, option)
    assert (done.returncode, done.stdout, done.stderr) == \
        (0, f"{name} {VERSION}\n", "")


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(name, option):
    done = run(name, option)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {name} ")
    assert "\n  -c file          read this" in done.stdout
    assert "\n  -V, --version    print the version" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 80


# --- output that cannot be written

UNWRITTEN = [
    # arguments behind -c FILE, for each program
    *((name, option) for name in DAEMONS
      for option in ("-h", "-V", "-n", "-t")),
    ("msgraphd", "-M"),
    *(("msgraphctl", words) for words in (
        "-h", "-V", "status", "status -h", "doctor", "doctor -j",
        "doctor nonsense", "doctor -h", "setup -h", "setup --print")),
]


@pytest.mark.parametrize("name, words", UNWRITTEN)
@pytest.mark.parametrize("out, why", [
    (">/dev/full", "(: No space left on device)?"),
    (">&-", "(: Bad file descriptor)?")])
def test_output_that_cannot_be_written(tmp_path, name, words, out, why):
    """Nobody takes half of it for all, and no file or socket that the program
    opens gets the number of standard output."""
    conf = tmp_path / "msgraph.conf"
    (tmp_path / "state.db").write_text("damaged")
    conf.write_text(f"state_directory = {tmp_path}\n"
                    f"admin_socket = {tmp_path}/admin\n"
                    f"submit_socket = {tmp_path}/submit\n")
    share = example.ROOT / "conf-examples"
    words = words.replace("--print", f"-c {tmp_path} --share {share} --print")
    done = run("sh", "-c", f'exec "$@" {out}', "sh", BUILD / name, "-c", conf,
               *words.split())
    assert done.returncode == 74, done
    assert re.fullmatch(f"{name}: cannot write the output{why}",
                        done.stderr.splitlines()[-1])


# --- what is wrong

@pytest.mark.parametrize("name", DAEMONS)
@pytest.mark.parametrize("args, said", [
    *WRONG, (["extra"], 'unexpected argument "extra"'),
    (["-t", "--", "-t"], 'unexpected argument "-t"')])
def test_wrong_option(name, args, said):
    """One line with the remedy, and EX_USAGE."""
    done = run(name, *args)
    if said is None:
        assert done.returncode == 0
        return
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr == \
        f'{name}: {said}; "{name} -h" lists the options\n'


@pytest.mark.parametrize("args, said", WRONG)
@pytest.mark.parametrize("stdin", ["message", "nothing"])
def test_wrong_option_of_the_agent(args, said, stdin):
    """For pipe(8), which bounces the message on 64."""
    popen = {"input": "A: b\n\nc\n", "stdin": None} \
        if stdin == "message" else {}
    if said is None:
        return
    done = run("msgraph-agent", *args, **popen)
    assert (done.returncode, done.stderr) == (75, "")
    assert done.stdout == (f"4.3.5 msgraph-agent: {said}; see "
                           "msgraph-agent(8) for master.cf")


@pytest.mark.parametrize("args", [
    ["-h"], ["-V"], ["--help"], ["--version"], ["-V", "--", "a@example.org"],
    ["--queue-id=1", "--help", "a@example.org"]])
def test_agent_that_pipe_asks_for_help(args):
    """pipe(8) would take 0 for a message that was sent."""
    done = run("msgraph-agent", *args, input="A: b\n\nc\n", stdin=None)
    assert (done.returncode, done.stderr) == (75, "")
    assert re.fullmatch(
        r"4\.3\.5 msgraph-agent: -[hV] delivers nothing, and standard input "
        r"is a pipe; see msgraph-agent\(8\) for master\.cf", done.stdout)


def test_agent_whose_answer_cannot_be_written():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([str(BUILD / "msgraph-agent"), "-V"],
                              stdin=subprocess.DEVNULL, stdout=full,
                              timeout=30)
    assert done.returncode == 75


# --- msgraphctl

ID = "11111111-2222-3333-4444-555555555555"
SEND = ["test-send", "-a", f"{ID}@{ID}", "-f", "a@x.test"]
WRONG_WORDS = [
    # arguments, what is said of them
    (["-c", "", "status"], 'msgraphctl: -c needs a value; "msgraphctl -h"'),
    (["help", "stats"], 'unknown command "stats", did you mean "status"?'),
    ([*SEND, "-t", "b@x.test", "-t", "c@x.test"], "--to is given twice; "),
    ([*SEND, "-t", ""], "--to needs a value; "),
    (["setup", "--key", "/x", "--key=/y"], "--key is given twice; "),
    (["setup", "--config="], "--config needs a value; "),
    (["test-login", ""], "needs one user name, "),
    (["forget"], 'needs one application; "msgraphctl forget -h" lists'),
    (["entra-script", "-s", "-C", "/x", "-m", "a@x.test", "N"],
     "--secret and --certificate exclude each other; "),
    (["entra-script", "-m", "a@x.test"], "needs one name for the application"),
    (["entra-script", "-m", "a@x.test", b"\xff"], "(UTF-8)"),
    (["entra-script", "-m", "a@x.test", "-C", "/dev/zero", "N"],
     "/dev/zero: no certificate in PEM form there"),
]


@pytest.mark.parametrize("args, said", WRONG_WORDS)
def test_wrong_words(args, said):
    done = subprocess.run([BUILD / "msgraphctl", *args], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=30)
    assert (done.returncode, done.stdout) == (64, b"")
    assert said in done.stderr.decode() and done.stderr.count(b"\n") == 1


def test_help_is_a_command_too():
    assert run("msgraphctl", "help").stdout == run("msgraphctl", "-h").stdout
    for command in ("status", "setup"):
        done = run("msgraphctl", "help", command, "more")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == run("msgraphctl", command, "-h").stdout


@pytest.mark.parametrize("word, said", [
    ("usrs", 'there is no check "usrs", did you mean "users"?'),
    ("frob", 'there is no check "frob"; msgraphctl(8) lists them')])
def test_check_that_there_is_not(word, said):
    done = run("msgraphctl", "doctor", word)
    assert (done.returncode, done.stdout, done.stderr) == \
        (3, f"MSGRAPH UNKNOWN - {said}\n", "")


def test_status_with_settings_that_cannot_be_read(tmp_path):
    """For both, and not that a setting is wrong."""
    done = run("msgraphctl", "-c", tmp_path / "gone", "status")
    assert done.stdout.count(
        f"  open {tmp_path}/gone: No such file or directory\n") == 2


def test_setup_without_postfix(tmp_path):
    """As postconf complains where Postfix was installed and not set up."""
    postconf = tmp_path / "postconf"
    postconf.write_text("#!/bin/sh\necho postconf: fatal: open main.cf: No "
                        "such file >&2\nexit 1\n")
    postconf.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment.pop("MAIL_CONFIG", None)
    done = run("msgraphctl", "setup", "--dry-run", env=environment)
    assert (done.returncode, done.stderr) == (
        1, "msgraphctl setup: nothing was changed: Postfix itself must be set "
        "up first (apt install postfix, or dpkg-reconfigure postfix): "
        "postconf: fatal: open main.cf: No such file\n")


# --- -t and -n

@pytest.fixture(name="conf")
def conf_file(tmp_path: Path) -> Path:
    return tmp_path / "msgraph.conf"


@pytest.mark.parametrize("name", DAEMONS)
def test_what_was_changed(conf, name):
    conf.write_text("log_level = info\n# proxy = x\ncloud=usgov\n"
                    "connect_timeout = 5\n")
    done = run(name, "-n", "-c", conf)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (f"# {name} {VERSION}, {conf}\n"
                           "cloud = usgov\nconnect_timeout = 5s\n")
    conf.write_text(done.stdout)
    assert run(name, "-n", "-c", conf).stdout == done.stdout


@pytest.mark.parametrize("name", DAEMONS)
def test_what_may_be_set(conf, name):
    conf.write_text("auth_cache_ttl = 5m\n")
    done = run(name, "-t", "-c", conf)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("\n# How long an accepted secret is accepted without asking Entra "
            "again.\n# duration, 0s to 1d; default 10m\n"
            "auth_cache_ttl = 5m\n\n") in done.stdout
    conf.write_text(done.stdout)
    assert run(name, "-t", "-c", conf).stdout == done.stdout


@pytest.mark.parametrize("option", ["-n", "-t"])
@pytest.mark.parametrize("name", DAEMONS)
def test_unknown_setting(conf, name, option):
    conf.write_text("\nlog-level = info\n")
    done = run(name, option, "-c", conf)
    assert done.returncode not in (0, 64, 75) and done.stdout == ""
    assert done.stderr == (f'{name}: {conf}:2: unknown setting "log-level"; '
                           'did you mean "log_level"?\n')


# --- former names: programs as they are, with another table of such names

OLD_NAMES = """
#include <stddef.h>
#include "lib/conf/conf_private.h"
const struct conf_old conf_old_names[] = {
    {"agent_socket", "submit_socket", NULL},
    {"threads", NULL, "one is enough"},
    {NULL, NULL, NULL},
};
"""


@pytest.fixture(scope="module", name="renamed")
def programs_with_old_names(tmp_path_factory) -> Path:
    """A build folder with programs that know the former names above. The
    objects are those of the plain build."""
    build = tmp_path_factory.mktemp("renamed")
    plain = example.ROOT / "build"
    names = build / "names.c"
    names.write_text(OLD_NAMES)
    subprocess.run(["cc", "-c", "-I", example.ROOT, "-o", build / "names.o",
                    names], check=True)
    for part in ("obj", "lib.a", "mail.a"):
        (build / part).symlink_to(plain / part)
    subprocess.run(["make", "-s", "-C", example.ROOT, f"BUILD={build}",
                    "SANITIZE=", f"LDFLAGS={build}/names.o",
                    *(f"{build}/{name}" for name in PROGRAMS)],
                   env={name: value for name, value in os.environ.items()
                        if not name.startswith("MAKE")}, check=True)
    return build


def said_of(conf: Path) -> list[str]:
    return [f'{conf}:1: "agent_socket" is called "submit_socket" now; change '
            "the name",
            f'{conf}:2: "threads" is no setting any more: one is enough; '
            "remove the line"]


@pytest.mark.parametrize("option", ["-n", "-t"])
@pytest.mark.parametrize("name", DAEMONS)
def test_former_names_are_warned_of(renamed, conf, name, option):
    conf.write_text("agent_socket = /x/submit\nthreads = 8\n")
    done = run(renamed / name, option, "-c", conf)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"warning: {line}" for line in said_of(conf)]
    assert "\nsubmit_socket = /x/submit\n" in done.stdout


@pytest.mark.parametrize("name", DAEMONS)
def test_former_names_are_logged(renamed, tmp_path, conf, name):
    """The start fails, each program at a socket that cannot be made; the
    warnings come before it."""
    conf.write_text("agent_socket = /nonexistent/submit\nthreads = 8\n"
                    "log_destination = stderr\n"
                    "auth_socket = /nonexistent/auth\n"
                    "bounce_socket = /nonexistent/bounce\n"
                    "milter_socket = unix:/nonexistent/milter\n"
                    f"state_directory = {tmp_path}\n"
                    f"vault_key_file = {tmp_path}/vault.key\n")
    done = run(renamed / name, "-c", conf)
    assert done.returncode != 0
    for line in said_of(conf):
        assert line in done.stderr
    assert "/nonexistent/" in done.stderr


def test_former_names_stop_no_mail(renamed, tmp_path):
    agent = Agent(tmp_path)
    agent.conf.write_text(agent.conf.read_text().replace(
        "submit_socket", "agent_socket") + "threads = 8\n")
    argv = agent.argv("a@x.test")
    argv[argv.index(str(BUILD / "msgraph-agent"))] = \
        str(renamed / "msgraph-agent")
    with SubmitDaemon(agent.socket) as daemon:
        done = agent.run(argv)
        assert (done.returncode, done.stdout, done.stderr) == \
            (0, b"Graph accepted, request-id=1", b"")
        assert daemon.next()
