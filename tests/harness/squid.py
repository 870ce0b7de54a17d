"""A private squid on loopback that asks for a password: a proxy that others
wrote, in front of the emulator."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .ports import free_ports

NAME = "relay"
REALM = "proxy of these tests"
HELPERS = Path("/usr/lib/squid")
START_SECONDS = 30

# -N: one process in the foreground. No cache on disk, no pinger, nothing that
# it would keep below /run, /var or /dev/shm. A hosts file of its own: squid
# keeps one address a name, the last, and /etc/hosts may say ::1 for localhost,
# where the emulator does not listen.
CONF = """
http_port 127.0.0.1:{port}
visible_hostname localhost
hosts_file {folder}/hosts
cache_effective_user proxy
pid_filename {folder}/pid
coredump_dir {folder}
cache_log {folder}/cache.log
logformat plain %rm %ru %un %>Hs
access_log stdio:{folder}/access.log plain
buffered_logs off
logfile_rotate 0
cache deny all
cache_mem 1 MB
memory_pools off
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
auth_param {auth} realm {realm}
auth_param {auth} children 1 startup=1
acl known proxy_auth REQUIRED
http_access allow CONNECT known
http_access deny all
"""
PROGRAMS = {
    "basic": "auth_param basic program {helpers}/basic_ncsa_auth {folder}/users",
    "digest": "auth_param digest program {helpers}/digest_file_auth -c "
              "{folder}/users",
}


def write_password(file: Path, password: str, mode: int = 0o400) -> None:
    """What msgraphd reads."""
    file.unlink(missing_ok=True)
    file.write_text(f"{NAME}:{password}\n")
    file.chmod(mode)


class Squid:
    """Started and stopped by a with statement. auth is "basic" or "digest"."""

    def __init__(self, auth: str, password: str) -> None:
        self.auth = auth
        # "proxy" must reach it, and pytest's folders are closed to others
        self.folder = Path(tempfile.mkdtemp(prefix="squid."))
        self.process: subprocess.Popen[bytes] | None = None
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.set_password(password)
        values = {"port": self.port, "folder": self.folder, "auth": auth,
                  "realm": REALM, "helpers": HELPERS}
        (self.folder / "squid.conf").write_text(
            PROGRAMS[auth].format(**values) + CONF.format(**values))
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n")
        owner = pwd.getpwnam("proxy")
        os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def set_password(self, password: str) -> None:
        """What squid is to know from its next start on."""
        if self.auth == "digest":
            ha1 = hashlib.md5(f"{NAME}:{REALM}:{password}".encode())
            line = f"{NAME}:{REALM}:{ha1.hexdigest()}\n"
        else:
            hashed = subprocess.run(
                ["openssl", "passwd", "-apr1", "-stdin"], check=True,
                input=password, capture_output=True, text=True).stdout
            line = f"{NAME}:{hashed}"
        (self.folder / "users").write_text(line)

    def start(self) -> Squid:
        self.process = subprocess.Popen(
            ["squid", "-N", "-n", f"t{self.port}", "-f",
             str(self.folder / "squid.conf")], cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        log = self.folder / "cache.log"
        while not (log.exists() and "Accepting HTTP" in log.read_text()):
            assert self.process.poll() is None and time.monotonic() < end, \
                log.read_text() if log.exists() else "squid did not start"
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        if self.process is not None:
            # it has nothing to save, and a clean end takes it two seconds
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.stop()
        (self.folder / "cache.log").unlink()
        self.start()

    def __enter__(self) -> Squid:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def asked(self) -> list[list[str]]:
        """Method, place, user and status of each request that has ended."""
        log = self.folder / "access.log"
        return [line.split() for line in log.read_text().splitlines()]
