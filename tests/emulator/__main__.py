"""Entra and Microsoft Graph on loopback, for tests and the demo:

    PYTHONPATH=tests python3 -m emulator --dir DIR ...
"""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from emulator.service.control import Control
from emulator.service.server import Listener, Options, Server, complain
from emulator.service.store import App, Limits


def app(text: str) -> App:
    """TENANT:CLIENT:SECRETFILE; the first line of the file is the secret."""
    tenant, client, file = text.split(":", 2)
    secret = Path(file).read_text(encoding="utf-8").split("\n")[0]
    return App(tenant, client, secrets=[secret])


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="emulator", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, metavar="DIR",
                        help="certificates and recorded requests")
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS")
    for name in ("port", "control-port", "upload-port"):
        parser.add_argument(f"--{name}", type=int, default=0, metavar="N",
                            help="default: a free one")
    parser.add_argument("--graph-base", metavar="URL",
                        help="another scope to issue tokens for")
    parser.add_argument("--name", action="append", default=[], metavar="HOST",
                        help="another name in the server's certificate")
    parser.add_argument("--app", type=app, action="append", default=[],
                        metavar="TENANT:CLIENT:SECRETFILE",
                        help="a registered application; may be repeated")
    parser.add_argument("--request-bytes", type=int, metavar="N",
                        default=Limits.request_bytes,
                        help="longest request body that is taken")
    parser.add_argument("--log", type=Path, metavar="FILE",
                        help="one line a request")
    parser.add_argument("--until-eof", action="store_true",
                        help="stop when standard input ends")
    return parser.parse_args(argv)


def options(args: argparse.Namespace) -> Options:
    log = args.log.open("a", encoding="utf-8") if args.log else None
    return Options(args.dir.absolute(), args.bind, args.port,
                   args.control_port, args.upload_port, args.graph_base,
                   args.name, log, args.app, Limits(request_bytes=args.request_bytes))


def main(argv: list[str]) -> int:
    args = parse(argv)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    try:
        server = Server(options(args))
        # never another address: who can reach it rules the emulator
        control = Listener("127.0.0.1", args.control_port,
                           Control(server).serve)
    except (OSError, RuntimeError) as error:
        complain(str(error))
        return 1
    server.open()
    control.open()
    print(json.dumps({
        "url": server.site.url,
        "ca_file": str(server.ca_file),
        "control": f"http://127.0.0.1:{control.port}",
        "upload": server.site.upload_url,
        "imds": f"http://127.0.0.1:{server.plain.port}",
    }), flush=True)
    if args.until_eof:
        threading.Thread(target=wait_for_eof, args=(done,),
                         daemon=True).start()
    done.wait()
    control.close()
    server.close()
    server.world.identities.forget_keys()
    return 0


def wait_for_eof(done: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    done.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
