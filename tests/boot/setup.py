"""A host whose Postfix has just been set up: a message comes by port 8025 and
goes to the emulator. debian/tests/setup runs this on the system that it is in."""

from __future__ import annotations

import sys

from host import prepare, run, write_conf
from installed import arrives, end, send, set_up

m365 = prepare()
try:
    write_conf()
    run("systemctl", "restart", "msgraphd", "msgraph-milter", check=True)
    set_up()
    send("the first message")
    arrives("a message is sent", 1)
finally:
    m365.stop()
sys.exit(end())
