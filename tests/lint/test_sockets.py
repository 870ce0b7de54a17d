"""The record of the submit socket: msgraphd(8) names the lines that msgraphd
reads and msgraph-agent writes, and no others."""

from __future__ import annotations

import re

from lint import sources


def manual() -> list[str]:
    """The names of lines in a request, as the page has them."""
    page = sources.section(sources.read("agent/daemon/msgraphd.8"), "SOCKETS")
    request = re.search(r"^\.It Ic submit_socket\n(.*?)^The answer is",
                        page, re.M | re.S)[1]
    tagged = "\n".join(re.findall(r"^\.Cm (.*)$", request, re.M))
    return sorted(set(re.findall(r"[a-z][a-z-]+", tagged))
                  - {"yes", "or", "no"})


def test_what_msgraphd_reads_is_in_the_manual():
    code = sources.read("agent/daemon/services/submit_service.c")
    parts = sources.read("agent/daemon/message/attachment.c")
    read = re.findall(r'strcmp\(name, "([\w-]+)"\)', code) + ["attachment"] + [
        f"attachment-{what}"
        for what in re.findall(r'strcmp\(what, "(\w+)"\)', parts)]
    assert manual() == sorted(read)


def test_what_the_agent_writes_is_in_the_manual():
    code = "".join(sources.read(f"agent/pipe/{path}") for path in
                   ("submit/submit.c", "large/large.c"))
    written = re.findall(
        r'(?:wire_field|submit_add_address)\(\s*record,\s*"([\w-]+)"', code)
    assert set(written) <= set(manual())
    assert set(manual()) - set(written) <= {"segment"}
