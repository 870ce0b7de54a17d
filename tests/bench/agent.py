"""make bench, second part: what one delivery costs.

  agent CPU    user and system time of msgraph-agent for a plain message of
               10 kB, against a socket that answers at once
  30 MB        agent and msgraphd to nginx, beside curl with the same bytes as
               base64 to the same nginx
"""

from __future__ import annotations

import base64
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.bench import BUILD, Nginx, make_site

from emulator.client import Emulator
from harness.message import message
from harness.submitd import SubmitDaemon

RUNS = 200
ROUNDS = 5
LARGE = 30_000_000


def arguments(agent: Path, conf: Path, user: str, number: int) -> list[str]:
    return [str(agent), "-c", str(conf), f"--queue-id=4BENCH{number:05}",
            f"--identity={user}", "--mailbox=scan@example.com",
            "--sender=scan@example.com", "--original-recipient=a@example.org",
            "--", "a@example.org"]


def deliver(command: list[str], file: Path, **how) -> None:
    with file.open("rb") as data:
        subprocess.run(command, stdin=data, check=True,
                       stdout=subprocess.DEVNULL, **how)


def agent_cpu(folder: Path) -> float:
    """Milliseconds of processor time a message."""
    conf, file = folder / "cpu.conf", folder / "small"
    conf.write_text(f"submit_socket = {folder / 'socket'}\n")
    file.write_bytes(message(
        body=(b"0123456789" * 7 + b"\r\n") * 140,
        received="from client by relay", message_id="<1@example.com>"))
    with SubmitDaemon(folder / "socket") as daemon:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        for number in range(RUNS):
            deliver(arguments(BUILD / "msgraph-agent", conf, "t:c", number),
                    file)
            daemon.next()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime
            + after.ru_stime - before.ru_stime) / RUNS * 1000


def seconds(run: Callable[[], None]) -> float:
    start = time.monotonic()
    run()
    return time.monotonic() - start


def large(site, app, nginx: Nginx, folder: Path) -> tuple[float, float]:
    """Seconds of our delivery and of curl's, medians."""
    raw, encoded = folder / "large", folder / "large.b64"
    ours, curls = [], []
    for number in range(ROUNDS + 1):  # the first one warms up
        raw.write_bytes(message(
            body=(b"0123456789" * 7 + b"\r\n") * (LARGE // 72),
            message_id=f"<{number}@example.com>"))
        encoded.write_bytes(base64.b64encode(raw.read_bytes()))
        agent = site.postfix.paths.agent
        command = arguments(agent, site.conf, app.user, number)
        ours.append(seconds(lambda: deliver(command, raw, user="msgraph",
                                            group="msgraph")))
        curls.append(seconds(lambda: subprocess.run(
            ["curl", "-sS", "--cacert", str(nginx.crt), "-H",
             "Content-Type: text/plain", "-H", "Expect:", "--data-binary",
             f"@{encoded}", f"{nginx.url}/v1.0/users/x/sendMail"],
            check=True)))
    return statistics.median(ours[1:]), statistics.median(curls[1:])


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        cpu = [agent_cpu(folder) for _ in range(ROUNDS)]
        print(f"agent CPU, 10 kB: {statistics.median(cpu):.2f} ms a message "
              f"({min(cpu):.2f} to {max(cpu):.2f})")
        nginx = Nginx(folder)
        with Emulator(folder / "m365", "--graph-base", nginx.url) as m365:
            site = make_site(m365, nginx, None, sendmail_limit="40m",
                             large_messages="refuse")
            try:
                app = site.new_app()
                with site.connect() as client:
                    client.login(app.user, app.secret)
                ours, curl = large(site, app, nginx, folder)
            finally:
                site.stop()
                nginx.stop()
    print(f"30 MB: {ours:.2f} s, curl {curl:.2f} s, ratio {ours / curl:.2f}"
          f"   ({os.cpu_count()} processors)")


if __name__ == "__main__":
    main()
