"""What the emulated service knows: apps, tokens, mailboxes, limits, mail.

One World is one start state and what has happened since. A reset makes a new
one; requests under way finish in the one they began in.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .mime import Message, survivors


@dataclass
class App:
    """A registered application (client) of a tenant."""

    tenant: str
    client: str
    secrets: list[str] = field(default_factory=list)
    expired_secrets: list[str] = field(default_factory=list)
    disabled: bool = False
    permissions: list[str] = field(default_factory=lambda: ["Mail.Send"])
    roles: list[str] = field(default_factory=list)  # of Azure
    expires_in: int = 3599
    send_as: dict[str, list[str]] = field(default_factory=dict)
    certificates: list[str] = field(default_factory=list)  # PEM
    # trusted issuers: issuer, subject, audience, key (PEM)
    federated: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tenant = self.tenant.lower()
        self.client = self.client.lower()
        self.send_as = {mailbox.lower(): [a.lower() for a in addresses]
                        for mailbox, addresses in self.send_as.items()}

    def may_send_as(self, mailbox: str, address: str) -> bool:
        return address == mailbox or address in self.send_as.get(mailbox, [])


@dataclass
class Limits:
    """Numbers that a test may change; None means no limit."""

    request_bytes: int = 4_000_000
    message_bytes: int | None = 35 * 1024 * 1024
    max_recipients: int = 500
    mailbox_concurrency: int | None = None
    retry_after: int = 1
    upload_min_bytes: int = 3_000_000
    upload_max_bytes: int = 150_000_000
    upload_expires_in: float = 3600
    page: int = 1000  # an answer lists no more, whatever is asked
    draft_404: int = 0  # so many calls on a fresh draft do not find it yet
    in_drafts: float | None = 0  # seconds there after 202; None: for ever
    refused: list[str] = field(default_factory=list)  # as recipients
    names_refused: int = 1  # so many of them stand in the answer
    drop_fields: bool = False  # what does not survive: see mime.survivors


@dataclass
class Token:
    """A token that was issued."""

    tenant: str
    client: str
    expires: float
    audience: str


@dataclass
class Mail:
    """A message that was accepted for sending."""

    number: int
    time: float
    mailbox: str
    tenant: str
    client: str
    message: Message
    request: int
    request_id: str
    attachments: list[Any]
    id: str  # of the item in Drafts, while it is there
    leaves_drafts: float | None = 0  # time; None: never
    is_draft: bool = True  # while it is in Drafts; of sendMail nobody knows
    deleted: bool = False  # from Drafts: it was not sent, or left no copy

    @property
    def in_drafts(self) -> bool:
        return not self.deleted and (self.leaves_drafts is None
                                     or self.leaves_drafts > time.time())

    @property
    def in_sent_items(self) -> bool:
        return not self.deleted and not self.in_drafts

    def as_dict(self) -> dict[str, Any]:
        message = self.message
        return {
            "number": self.number, "time": self.time, "id": self.id,
            "mailbox": self.mailbox, "tenant": self.tenant,
            "client": self.client, "recipients": message.recipients,
            "duplicates": message.duplicates,
            **{name: [a.text for a in part]
               for name, part in message.named.items()},
            "from": [a.text for a in message.sender],
            "message_id": message.message_id, "subject": message.subject,
            "size": len(message.raw), "request": self.request,
            "request_id": self.request_id, **message.flags,
            "in_drafts": self.in_drafts,
            "attachments": [a.as_dict() for a in self.attachments],
        }


class Store:
    """Apps, tokens, mailboxes, limits and mail; any thread may call."""

    def __init__(self, apps: list[App], limits: Limits) -> None:
        self.lock = threading.RLock()
        self.apps = {(app.tenant, app.client): app for app in apps}
        self.limits = limits
        self.tokens: dict[str, Token] = {}
        self.only: set[str] | None = None
        self.mail: list[Mail] = []
        self.drafts: dict[str, Any] = {}
        self.uploads: dict[str, Any] = {}
        self.seen_fields: dict[str, set[str]] = {}  # X- names, by mailbox
        # Azure Table storage: entities by their keys, by name in lower case
        self.tables: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}

    # --- apps and tokens

    def add_app(self, app: App) -> None:
        with self.lock:
            self.apps[app.tenant, app.client] = app

    def app(self, tenant: str | None, client: str | None) -> App | None:
        with self.lock:
            return self.apps.get(((tenant or "").lower(),
                                  (client or "").lower()))

    def has_tenant(self, tenant: str) -> bool:
        with self.lock:
            return any(key[0] == tenant.lower() for key in self.apps)

    def issue(self, app: App, audience: str) -> str:
        """Makes and remembers a token. It looks like a JWT and is none."""
        now = int(time.time())
        claims = {"aud": audience, "iss": f"https://sts.example/{app.tenant}/",
                  "iat": now, "nbf": now, "exp": now + app.expires_in,
                  "appid": app.client, "tid": app.tenant,
                  "roles": app.permissions, "uti": str(uuid.uuid4())}
        parts = [_compact({"typ": "JWT", "alg": "RS256"}), _compact(claims),
                 secrets.token_bytes(256)]
        text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=")
                        for part in parts)
        with self.lock:
            self.tokens[text] = Token(app.tenant, app.client,
                                      time.time() + app.expires_in,
                                      audience)
        return text

    def token(self, text: str) -> Token | None:
        with self.lock:
            return self.tokens.get(text)

    def expire_tokens(self) -> int:
        """Makes every token issued so far invalid; says how many."""
        with self.lock:
            for token in self.tokens.values():
                token.expires = 0
            return len(self.tokens)

    # --- tables

    def set_table(self, name: str, entities: list[dict[str, Any]] | None
                  ) -> None:
        """Makes or replaces a table; None: there is none of that name."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime())
        with self.lock:
            self.tables.pop(name.lower(), None)
            if entities is not None:
                self.tables[name.lower()] = {
                    (e["PartitionKey"], e["RowKey"]): {"Timestamp": stamp, **e}
                    for e in entities}

    def table(self, name: str) -> dict[tuple[str, str], dict] | None:
        with self.lock:
            return self.tables.get(name)

    # --- mailboxes and mail

    def set_mailboxes(self, only: list[str] | None) -> None:
        with self.lock:
            self.only = None if only is None else {m.lower() for m in only}

    def has_mailbox(self, mailbox: str) -> bool:
        with self.lock:
            return self.only is None or mailbox in self.only

    def set_limits(self, values: dict[str, Any]) -> Limits:
        """Changes some limits; raises ValueError for an unknown name."""
        with self.lock:
            known = {f.name for f in fields(Limits)}
            if unknown := set(values) - known:
                raise ValueError(f"unknown limits: {sorted(unknown)}")
            for name, value in values.items():
                setattr(self.limits, name, value)
            return self.limits

    def limits_dict(self) -> dict[str, Any]:
        with self.lock:
            return asdict(self.limits)

    def keep(self, app: App, mailbox: str, message: Message, request: int,
             request_id: str, attachments: list[Any],
             draft: str | None = None) -> Mail:
        """Takes a message for sending: into Drafts, and out of there into
        Sent Items. draft is the id of the one that it was made from."""
        with self.lock:
            now, stays = time.time(), self.limits.in_drafts
            if self.limits.drop_fields:
                seen = self.seen_fields.setdefault(mailbox, set())
                message = survivors(message, seen)
            mail = Mail(len(self.mail) + 1, now, mailbox, app.tenant,
                        app.client, message, request, request_id, attachments,
                        draft or new_id(),
                        None if stays is None else now + stays, draft is None)
            self.mail.append(mail)
            return mail

    def handed_over(self, mailbox: str, item: str) -> Mail | None:
        """The mail that is this item of Drafts still."""
        with self.lock:
            return next((m for m in self.mail if m.id == item
                         and m.mailbox == mailbox and m.in_drafts), None)


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def new_id() -> str:
    """An item id as Exchange makes them: long, base64url, meaningless."""
    return "AAMk" + base64.urlsafe_b64encode(secrets.token_bytes(90)).decode()
