"""make bench: messages a second through the whole path, beside the same
Postfix with a pipe command that only reads its input.

nginx with TLS stands at Graph's end, since the emulator is not built for
speed; the emulator still plays Entra. Two sites run side by side, alike but
for the pipe command, and take turns, so that a machine that drifts drifts for
both. Two figures a round:

  whole path   from the first connection of the clients until the queue is empty
  queue        messages wait in the queue; from their release until it is empty
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from multiprocessing import Process as Worker
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
from emulator.client import Emulator
from harness import cert
from harness.message import message
from harness.ports import free_ports
from harness.process import BUILD
from harness.site import App, Site
from harness.wait import wait_for

MAILBOXES = 25  # four deliveries at once each: the transport's hundred
CLIENTS = 4
PATIENCE = 300.0

NGINX = """\
daemon off; error_log stderr warn; pid {folder}/pid; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {crt}; ssl_certificate_key {key};
        keepalive_requests 1000000; client_max_body_size 64m;
        add_header request-id $request_id always;
        location / {{ return 202; }}
    }}
}}
"""


class Nginx:
    """Answers 202 to everything."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports(1)[0]
        self.url = f"https://localhost:{self.port}"
        key, self.crt = cert.make(folder)
        conf = folder / "nginx.conf"
        conf.write_text(NGINX.format(
            folder=folder, port=self.port, key=key, crt=self.crt))
        self.process = subprocess.Popen(
            ["nginx", "-c", str(conf), "-e", "stderr"])

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def send_some(port: int, app: App, mailbox: str, count: int,
              size: int) -> None:
    from harness.smtp import Smtp
    body = (b"0123456789" * 7 + b"\r\n") * (size // 72)
    text = message(mailbox, body=body)
    with Smtp(port) as client:
        client.login(app.user, app.secret)
        for _ in range(count):
            client.send(mailbox, ["a@example.org"], text)


def inject(site: Site, app: App, count: int, size: int) -> None:
    """CLIENTS at once, MAILBOXES in turn, several messages a connection."""
    def work(number: int) -> None:
        for box in range(number, MAILBOXES, CLIENTS):
            send_some(site.postfix.port, app, f"scan{box}@example.com",
                      count // MAILBOXES, size)
    workers = [Worker(target=work, args=(n,)) for n in range(CLIENTS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        if worker.exitcode != 0:
            raise SystemExit("a client failed")


def removed(site: Site, mark: int) -> int:
    return site.postfix.log_text(mark).count(": removed\n")


def wait_removed(site: Site, mark: int, count: int) -> None:
    wait_for(lambda: removed(site, mark) >= count, "an empty queue", PATIENCE)


def whole_path(site: Site, app: App, count: int, size: int) -> float:
    mark, start = site.postfix.mark(), time.monotonic()
    inject(site, app, count, size)
    wait_removed(site, mark, count)
    return count / (time.monotonic() - start)


def queue_only(site: Site, app: App, count: int, size: int) -> float:
    hold(site, "msgraph")
    inject(site, app, count, size)
    wait_for(lambda: len(site.postfix.queue()) == count, "a full queue")
    hold(site, "")
    mark, start = site.postfix.mark(), time.monotonic()
    site.postfix.flush()
    wait_removed(site, mark, count)
    return count / (time.monotonic() - start)


def hold(site: Site, transports: str) -> None:
    site.postfix.settings["defer_transports"] = transports
    site.postfix.reload()


def make_site(m365: Emulator, nginx: Nginx, floor: Path | None,
              **settings: str) -> Site:
    site = Site(emulator=m365, settings={
        "graph_endpoint": nginx.url, "log_level": "warning", **settings},
        agent=[str(floor)] if floor else [])
    bundle = site.root / "both.pem"
    bundle.write_text(Path(m365.ca_file).read_text() + nginx.crt.read_text())
    site.settings["ca_file"] = str(bundle)
    return site.start()


def build_floor(folder: Path) -> Path:
    """Where the user msgraph may run it."""
    program = folder / "read_all"
    subprocess.run(["cc", "-O2", "-o", str(program),
                    str(ROOT / "tests" / "bench" / "read_all.c")], check=True)
    return program


def measure(sites: dict[str, tuple[Site, App]], args) -> None:
    for name, run in (("whole path", whole_path), ("queue", queue_only)):
        rates: dict[str, list[float]] = {which: [] for which in sites}
        for number in range(args.rounds + 1):  # the first one warms up
            for which, (site, app) in sites.items():
                rate = run(site, app, args.messages, args.size)
                if number > 0:
                    rates[which].append(rate)
        ratio = statistics.median(
            a / b for a, b in zip(rates["msgraph-agent"], rates["floor"]))
        print(f"{name}:")
        for which, values in rates.items():
            print(f"  {which:14} {statistics.median(values):7.0f} messages/s"
                  f"   ({min(values):.0f} to {max(values):.0f})")
        print(f"  ratio, median of {args.rounds} pairs: {ratio:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(f"{args.messages} messages of {args.size} bytes a run, {CLIENTS} "
          f"clients, {MAILBOXES} mailboxes, {os.cpu_count()} processors, "
          f"programs from {BUILD.name}/")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        nginx = Nginx(folder)
        m365 = Emulator(folder / "m365", "--graph-base", nginx.url)
        with m365:
            sites = {}
            try:
                for which, floor in (("msgraph-agent", None),
                                     ("floor", build_floor(folder))):
                    site = make_site(m365, nginx, floor)
                    sites[which] = (site, site.new_app())
                measure(sites, args)
            finally:
                for site, _ in sites.values():
                    site.stop()
                nginx.stop()


if __name__ == "__main__":
    main()
