"""The managed identities of the emulated machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Identities:
    """Whose tokens this machine gets, as "tenant/client"; and what Arc's agent
    writes: arc_folder may be changed, as may the challenge (arc_realm) and
    what a key holds, for a test of a false one."""

    system: str | None = None
    user: list[str] = field(default_factory=list)
    arc: str | None = None
    arc_folder: str = "/var/opt/azcmagent/tokens"
    arc_owner: str = "msgraphd"
    arc_realm: str | None = None
    arc_key: str | None = None
    keys: dict[str, Path] = field(default_factory=dict)

    def forget_keys(self) -> None:
        for path in self.keys.values():
            path.unlink(missing_ok=True)
        self.keys = {}
