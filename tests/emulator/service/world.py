"""One start state and what has happened since, and where it can be reached."""

from __future__ import annotations

from dataclasses import dataclass, field

from .identities import Identities
from .record import Record
from .rules import Rules
from .store import Store


@dataclass
class Site:
    """The addresses the service goes by."""

    url: str
    upload_url: str
    graph_bases: list[str]


@dataclass
class World:
    """All that a reset replaces."""

    site: Site
    store: Store
    rules: Rules
    record: Record
    identities: Identities = field(default_factory=Identities)
