"""debian/prerm refuses removal while a master.cf names our services, and what
it says to type takes them out."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.postfix import cool_down
from harness.process import BUILD

ROOT = Path(__file__).resolve().parents[2]
PLAIN = """\
smtp      inet  n       -       y       -       -       smtpd
cleanup   unix  n       -       y       -       0       cleanup
bounce    unix  -       -       y       -       0       bounce
defer     unix  -       -       y       -       0       bounce
trace     unix  -       -       y       -       0       bounce
"""


@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o755)
    main_cf = tmp_path / "main.cf"
    main_cf.write_text("compatibility_level = 3.6\n")
    # Postfix 3.10 reads what was written this second twice, and then forgets
    # that MAIL_CONFIG named the folder
    os.utime(main_cf, (0, 0))
    (tmp_path / "master.cf").write_text(PLAIN)
    return tmp_path


def remove(folder: Path, action: str = "remove") -> subprocess.CompletedProcess:
    return subprocess.run(
        ["sh", ROOT / "debian" / "prerm", action], text=True,
        capture_output=True, env={**os.environ, "MAIL_CONFIG": str(folder)})


def listed(folder: Path, what: str) -> list[str]:
    return subprocess.run(["postconf", "-c", folder, what], text=True,
                          capture_output=True, check=True
                          ).stdout.splitlines()


def commands(done: subprocess.CompletedProcess) -> list[str]:
    return re.findall(r"^    (postconf .*)$", done.stderr, re.M)


@pytest.mark.parametrize("lines, wanted", [
    ("", None),
    # a comment is no service, and neither is a name that only looks like ours
    ("#msgraph-bounce unix n - y - 0 cleanup\n", None),
    ("    # msgraph\n", None),
    ("smtp2 unix - - y - - smtp\n    -o smtp_helo_name=msgraph.example.com\n",
     None),
    ("msgraph-bounce unix n - y - 0 cleanup\n",
     "-M# 'msgraph-bounce/unix'"),
    ("msgraph unix - n n - 100 pipe\n    user=msgraph argv=/x/y\n",
     "-M# 'msgraph/unix'"),
    ("graph unix - n n - 9 pipe\n"
     "    user=a argv=/usr/libexec/msgraph/msgraph-agent\n",
     "-M# 'graph/unix'"),
    ("8025 inet n - y - - smtpd\n    -o smtpd_sasl_path=msgraph\n",
     "-M# '8025/inet'"),
    ("8025 inet n - y - - smtpd\n"
     "    -o { smtpd_milters = unix:msgraph/milter }\n", "-M# '8025/inet'"),
    ("8025 inet n - y - - smtpd\n    # ours\n"
     "    -o cleanup_service_name=msgraph-cleanup\n", "-M# '8025/inet'"),
    ("8025 inet n - y - - smtpd\n    -o content_filter=msgraph:unrouted\n",
     "-M# '8025/inet'"),
    ("8025 inet n - y - - smtpd -o smtpd_milters=inet:1,unix:msgraph/milter\n",
     "-M# '8025/inet'"),
    # however it is written
    ("msgraph\tunix\t-\tn\tn\t-\t9\tpipe user=a argv=/x/y\n",
     "-M# 'msgraph/unix'"),
    ("8025\tinet n - y - - smtpd\n# ours\n\n \t# ours\n"
     "\t-o\n\t{ cleanup_service_name\t=\tmsgraph-cleanup }\n",
     "-M# '8025/inet'"),
    # a service of Postfix's own loses our options alone
    ("bounce unix - - y - 0 bounce\n"
     "    -o cleanup_service_name=msgraph-bounce\n"
     "    -o internal_mail_filter_classes=bounce\n",
     "-PX 'bounce/unix/cleanup_service_name'"
     " 'bounce/unix/internal_mail_filter_classes'"),
    ("verify unix - - y - 1 verify\n\n#\n"
     "\t-o { cleanup_service_name\t= msgraph-bounce }\n",
     "-PX 'verify/unix/cleanup_service_name'"),
])
def test_removal_is_refused(folder, lines, wanted):
    with (folder / "master.cf").open("a") as file:
        file.write(lines)
    done = remove(folder)
    assert commands(done) == (
        [f"postconf -c {folder} {wanted}"] if wanted else [])
    assert done.returncode == (1 if wanted else 0), done.stderr
    for action in ("upgrade", "deconfigure", "failed-upgrade"):
        assert remove(folder, action).returncode == 0


def test_the_commands_take_out_what_setup_has_added(folder):
    def settings() -> list[list[str]]:
        return [listed(folder, what) for what in ("-M", "-P", "-n")]

    before = settings()
    subprocess.run(
        [BUILD / "msgraphctl", "setup", "-c", folder, "--share",
         ROOT / "conf-examples", "--bounces", "--service", "8025=18025",
         "--service", "submissions=18465"], capture_output=True)
    assert listed(folder, "-M") != before[0]
    refused = remove(folder)
    assert refused.returncode == 1
    for command in commands(refused):
        subprocess.run(["sh", "-c", command], check=True)
    assert settings() == before
    assert remove(folder).returncode == 0


@pytest.mark.parametrize("is_recorded", [False, True])
def test_what_setup_has_added_it_takes_back(folder, is_recorded):
    if is_recorded:
        (folder / "msgraph_setup.undo").touch()
    with (folder / "master.cf").open("a") as file:
        file.write("msgraph unix - n n - 1 pipe\n")
    said = remove(folder).stderr
    assert (f"    msgraphctl setup --undo --config={folder}\n" in said
            ) is is_recorded
    assert "-M# 'msgraph/unix'" in said


def test_every_instance_counts(folder):
    other = folder / "other"
    other.mkdir()
    (other / "main.cf").write_text("")
    (other / "master.cf").write_text("msgraph unix - n n - 1 pipe\n")
    with (folder / "main.cf").open("a") as file:
        file.write("multi_instance_directories = $config_directory/other\n")
    cool_down(folder / "main.cf")
    assert commands(remove(folder)) == [
        f"postconf -c {other} -M# 'msgraph/unix'"]


@pytest.mark.parametrize("missing", ["main.cf", "master.cf"])
def test_a_postfix_without_settings_keeps_nothing(folder, missing):
    (folder / missing).unlink()
    assert remove(folder).returncode == 0


# --- purge

def test_purge_begins_with_the_key(tmp_path):
    """The state is of no use to anybody without it, wherever a purge ends. The
    programs only write down what they were called with."""
    log = tmp_path / "log"
    for name in ("rm", "rmdir", "sync"):
        file = tmp_path / name
        file.write_text(f'#!/bin/sh\necho {name} "$@" >>{log}\n')
        file.chmod(0o755)
    subprocess.run(
        ["sh", ROOT / "debian" / "postrm", "purge"], check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    called = log.read_text().splitlines()
    assert called[0] == "rm -f /etc/msgraph/vault.key /etc/msgraph/vault.new"
    rest = [line for line in called[1:] if not line.startswith("sync /etc")]
    assert rest[0].startswith("rm -f /var/lib/msgraph/state.db")
    # and of the admin's folder nothing else by name, nor all of it
    assert not any("/etc/msgraph" in line for line in rest
                   if not line.startswith("rmdir --ignore-fail-on-non-empty"))


@pytest.mark.parametrize("action", [
    "remove", "upgrade", "disappear", "failed-upgrade", "abort-install"])
def test_nothing_else_deletes(tmp_path, action):
    (tmp_path / "rm").write_text(f"#!/bin/sh\necho >{tmp_path}/called\n")
    (tmp_path / "rm").chmod(0o755)
    subprocess.run(
        ["sh", ROOT / "debian" / "postrm", action], check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert not (tmp_path / "called").exists()
