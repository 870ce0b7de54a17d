"""msgraphd alone, whose table in Azure Table storage is killed, stalled, lying or
busy at AUTH, MAIL and delivery."""

from __future__ import annotations

import pytest

from harness.azure import (  # noqa: F401
    APP, FAULTS, NAME, SECRET, asked, make, rule_of)
from harness.daemon import Daemon
from harness.daemon_alone import m365, send, shared_m365  # noqa: F401
from harness.daemon_table import policy, raw_auth

LATER, REFUSED = "", "NO "


def later_at_auth(daemon: Daemon) -> bool:
    return raw_auth(daemon, "late@lookup") == LATER


def later_at_mail(daemon: Daemon) -> bool:
    answer = policy(daemon, user=f"{NAME}.late")
    return (answer.status, answer.dsn[:2]) == ("later", "4.")


def later_at_delivery(daemon: Daemon) -> bool:
    reply = send(daemon, identity=NAME, entry="late")
    return (reply.status, reply.dsn[:2]) == ("deferred", "4.")


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_at_auth_mail_and_delivery(m365, make, fault):  # noqa: F811
    """Nobody is refused for good, nothing bounces, others do not wait, and
    all is well again by itself."""
    daemon = make(allowed_tenants="any")
    m365.table("users", {"RowKey": "app1", **APP}, {"RowKey": "late", **APP})
    assert raw_auth(daemon, "app1@lookup") == f"OK user={NAME}.app1"
    m365.rules(rule_of(fault, "late"))
    with daemon.watched() as silence:
        for stage in (later_at_auth, later_at_mail, later_at_delivery):
            count = len(asked(m365))
            # until the service was asked by this stage
            Daemon.wait(lambda: not stage(daemon)
                        or len(asked(m365)) > count)
            assert stage(daemon)
        assert raw_auth(daemon, "app1@lookup") == f"OK user={NAME}.app1"
    assert silence.longest < 2
    assert FAULTS[fault][1] in daemon.log()
    assert SECRET not in daemon.log()
    m365.clear_rules()
    m365.release()
    Daemon.wait(lambda: raw_auth(daemon, "late@lookup")
                == f"OK user={NAME}.late", 30)
    assert send(daemon, identity=NAME, entry="late").status == "sent"


def test_known_rows_outlast_an_outage(m365, make):  # noqa: F811
    daemon = make(identity_cache_ttl="1s")
    assert raw_auth(daemon, "app1@lookup") == f"OK user={NAME}.app1"
    assert raw_auth(daemon, "app2@lookup").startswith(REFUSED)
    m365.rules(rule_of("killed", ""))
    # from when on neither answer is fresh
    Daemon.wait(lambda: raw_auth(daemon, "app1@lookup") and m365.fired()[0]
                and raw_auth(daemon, "app2@lookup") == LATER)
    for _ in range(3):
        assert raw_auth(daemon, "app1@lookup") == f"OK user={NAME}.app1"
        # a refusal is none for good while nobody can say so
        assert raw_auth(daemon, "app2@lookup") == LATER
    assert raw_auth(daemon, "app3@lookup") == LATER
    assert send(daemon, identity=NAME, entry="app1").status == "sent"


def test_busy_service_is_left_in_peace(m365, make):  # noqa: F811
    daemon = make()
    m365.rules({**rule_of("busy", ""), "headers": {"Retry-After": "4"},
                "times": 1})
    for number in range(5):
        assert raw_auth(daemon, f"x{number}@lookup") == LATER
    assert len(asked(m365)) == 1
    Daemon.wait(lambda: raw_auth(daemon, "app1@lookup").startswith("OK"), 30)
    [first, second, *_] = m365.requests("entity")
    assert second.time - first.time >= 3.9
