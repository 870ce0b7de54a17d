"""msgraphctl doctor, asked about a private site."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from .site import Site

STATUSES = {0: "ok", 1: "warning", 2: "critical", 3: "unknown"}


@dataclass
class Finding:
    check: str
    status: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.check}: {self.status}: {self.text} [{self.remedy}]"


@dataclass
class Diagnosis:
    status: str
    summary: str
    findings: list[Finding]  # all of them
    output: str

    def wrong(self) -> list[Finding]:
        return [finding for finding in self.findings
                if finding.status not in ("ok", "skipped")]

    def of(self, check: str) -> list[Finding]:
        return [finding for finding in self.findings
                if finding.check == check]

    def __str__(self) -> str:
        return "\n".join([self.summary, *map(str, self.wrong())])


def environment(site: Site) -> dict[str, str]:
    """What makes Postfix's commands look at this site."""
    return {**os.environ, "MAIL_CONFIG": str(site.postfix.paths.etc)}


def run(site: Site, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(site.build / "msgraphctl"), "-c", str(site.conf), "doctor",
         *args], capture_output=True, text=True, env=environment(site),
        timeout=60)


def ask(site: Site, *checks: str) -> Diagnosis:
    done = run(site, "-j", *checks)
    assert done.stderr == "", done.stderr
    said = json.loads(done.stdout)
    [summary] = said["summary"]
    assert summary["status"] == STATUSES[done.returncode]
    return Diagnosis(summary["status"], summary["text"],
                     [Finding(**row) for row in said["checks"]], done.stdout)


def type_in(site: Site, command: str) -> None:
    """What an admin types who follows a remedy."""
    done = subprocess.run(["sh", "-c", command], capture_output=True,
                          text=True, env=environment(site), timeout=60)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
