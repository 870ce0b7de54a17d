"""Large mail: drafts, their attachments, and upload sessions.

A draft is a MIME message that grows attachments: small ones by one call, large
ones by ranges sent to another host with an address that carries its own
authorization. A token has no business there and is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from . import errors
from .mime import Message
from .store import App, new_id
from .wire import Request, Response, json_response
from .world import World

_SESSION = re.compile(r"/api/v2\.0/Users\('[^']+'\)/Messages\('[^']+'\)"
                      r"/AttachmentSessions\('([^']+)'\)\Z")
_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})\Z")


class JsonError(Exception):
    """The body is not the JSON object this call takes."""


@dataclass
class Attachment:
    """A file of a draft or of a mail."""

    name: str
    content_type: str
    is_inline: bool
    content_id: str | None
    content: bytes
    id: str = field(default_factory=new_id)

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "contentType": self.content_type,
                "isInline": self.is_inline, "contentId": self.content_id,
                "size": len(self.content),
                "sha256": hashlib.sha256(self.content).hexdigest()}


@dataclass
class Draft:
    """A message that is not sent yet. hidden calls do not find it yet."""

    mailbox: str
    message: Message
    hidden: int
    id: str = field(default_factory=new_id)
    time: float = field(default_factory=time.time)
    attachments: list[Attachment] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.message.raw) + sum(len(a.content)
                                           for a in self.attachments)


@dataclass
class Session:
    """An upload under way."""

    draft: Draft
    item: dict[str, Any]
    size: int
    expires: float
    id: str = field(default_factory=new_id)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(60))
    content: bytearray = field(default_factory=bytearray)

    @property
    def expiry(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.expires))


# --- drafts

def create(world: World, request: Request, message: Message) -> Response:
    """A new draft from a MIME message that was read."""
    draft = Draft(request.mailbox or "", message,
                  world.store.limits.draft_404)
    with world.store.lock:
        world.store.drafts[draft.id] = draft
    return json_response(201, {
        "@odata.context": f"{world.site.url}/v1.0/$metadata#messages/$entity",
        "@odata.etag": 'W/"1"',
        "id": draft.id,
        "isDraft": True,
        "internetMessageId": message.message_id,
        "subject": message.subject,
        "hasAttachments": False,
    })


def find(world: World, request: Request) -> Draft | Response:
    """The draft a path names, if it is in that mailbox, or Graph's 404."""
    with world.store.lock:
        draft = world.store.drafts.get(request.names["draft"])
        if draft is None or draft.mailbox != request.mailbox:
            return not_found(request)
        if draft.hidden > 0:
            draft.hidden -= 1
            return not_found(request)
        return draft


def remove(world: World, draft: Draft) -> bool:
    """Takes a draft and its uploads away; False when it was gone already."""
    with world.store.lock:
        for session in list(world.store.uploads.values()):
            if session.draft is draft:
                del world.store.uploads[session.id]
        return world.store.drafts.pop(draft.id, None) is not None


def delete(world: World, request: Request, _app: App, _seq: int) -> Response:
    mail = world.store.handed_over(request.mailbox or "",
                                   request.names["draft"])
    if mail:
        mail.deleted = True
        return Response(204)
    draft = find(world, request)
    if isinstance(draft, Response):
        return draft
    return Response(204) if remove(world, draft) else not_found(request)


def not_found(request: Request) -> Response:
    return errors.graph(request, 404, "ErrorItemNotFound",
                        "The specified object was not found in the store.")


def drafts_dict(world: World) -> list[dict[str, Any]]:
    """The drafts there are, for the control interface."""
    with world.store.lock:
        return [{"id": draft.id, "mailbox": draft.mailbox,
                 "attachments": [a.as_dict() for a in draft.attachments],
                 "uploads": [{"name": s.item.get("name"), "size": s.size,
                              "received": len(s.content)}
                             for s in world.store.uploads.values()
                             if s.draft is draft]}
                for draft in world.store.drafts.values()]


# --- attachments in one call

def attach(world: World, request: Request, _app: App, _seq: int) -> Response:
    draft = find(world, request)
    if isinstance(draft, Response):
        return draft
    try:
        item = _json(request)
        if item.get("@odata.type") != "#microsoft.graph.fileAttachment":
            raise JsonError("@odata.type is not that of a file attachment")
        content = binascii.a2b_base64(_string(item, "contentBytes") or "",
                                      strict_mode=True)
        attachment = _attachment(item, content)
    except (JsonError, ValueError) as error:
        return _bad_request(request, error)
    with world.store.lock:
        draft.attachments.append(attachment)
    return json_response(201, {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "id": attachment.id,
        "name": attachment.name,
        "contentType": attachment.content_type,
        "size": len(content),
        "isInline": attachment.is_inline,
        "contentId": attachment.content_id,
    })


def _json(request: Request) -> dict[str, Any]:
    if request.media_type != "application/json":
        raise JsonError("the body is not application/json")
    try:
        value = json.loads(request.body.decode("utf-8"))
    except ValueError as error:
        raise JsonError(f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise JsonError("the body is no object")
    return value


def _string(item: dict[str, Any], name: str) -> str | None:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise JsonError(f"{name} is no string")
    return value


def _attachment(item: dict[str, Any], content: bytes) -> Attachment:
    name = _string(item, "name")
    if not name:
        raise JsonError("name is missing")
    inline = item.get("isInline", False)
    if not isinstance(inline, bool):
        raise JsonError("isInline is no boolean")
    kind = _string(item, "contentType") or "application/octet-stream"
    return Attachment(name, kind, inline, _string(item, "contentId"), content)


def _bad_request(request: Request, error: Exception) -> Response:
    return errors.graph(request, 400, "BadRequest",
                        f"Unable to read the request: {error}.")


# --- upload sessions

def create_session(world: World, request: Request, _app: App,
                   _seq: int) -> Response:
    draft = find(world, request)
    if isinstance(draft, Response):
        return draft
    try:
        item = _json(request).get("AttachmentItem")
        if not isinstance(item, dict) or item.get("attachmentType") != "file":
            raise JsonError("there is no AttachmentItem of type file")
        size = item.get("size")
        if not isinstance(size, int) or isinstance(size, bool):
            raise JsonError("size is no number")
        _attachment(item, b"")
    except JsonError as error:
        return _bad_request(request, error)
    limits = world.store.limits
    if size < limits.upload_min_bytes:
        return errors.graph(
            request, 400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            "The file is too small for an upload session.")
    if size > limits.upload_max_bytes:
        return errors.graph(request, 400, "ErrorAttachmentSizeLimitExceeded",
                            "The file is too large.")
    session = Session(draft, item, size,
                      time.time() + limits.upload_expires_in)
    with world.store.lock:
        world.store.uploads[session.id] = session
    return json_response(201, {
        "@odata.context": f"{world.site.url}/v1.0/$metadata#uploadSession",
        "uploadUrl": world.site.upload_url + _path(session),
        "expirationDateTime": session.expiry,
        "nextExpectedRanges": ["0-"],
    })


def _path(session: Session) -> str:
    user = base64.urlsafe_b64encode(session.draft.mailbox.encode()).decode()
    return (f"/api/v2.0/Users('{user}')/Messages('{session.draft.id}')"
            f"/AttachmentSessions('{session.id}')?authtoken={session.token}")


def identify_upload(world: World, request: Request) -> None:
    """Learns from the head which upload this is."""
    request.endpoint = "upload"
    match = _SESSION.match(unquote(request.path))
    if match:
        request.names["upload"] = match[1]
        with world.store.lock:
            session = world.store.uploads.get(match[1])
        if session:
            request.mailbox = session.draft.mailbox


def upload(world: World, request: Request) -> Response:
    """The upload host's answer to a whole request."""
    if request.all("authorization"):
        return errors.graph(request, 401, "InvalidAuthenticationToken",
                            "An upload address takes no Authorization.")
    with world.store.lock:
        session = world.store.uploads.get(request.names.get("upload", ""))
        if session is None or session.expires <= time.time():
            return not_found(request)
        if parse_qs(request.query).get("authtoken") != [session.token]:
            return errors.graph(request, 401, "InvalidAuthenticationToken",
                                "The authtoken is not that of the session.")
        if request.method == "GET":
            return _progress(session)
        if request.method == "DELETE":
            del world.store.uploads[session.id]
            return Response(204)
        if request.method != "PUT":
            return errors.graph(request, 405, "BadRequest", "The method is "
                                "not allowed.", ("Allow", "PUT, GET, DELETE"))
        return _put(world, request, session)


def _put(world: World, request: Request, session: Session) -> Response:
    match = _RANGE.match(request.get("content-range"))
    if request.media_type != "application/octet-stream" or not match:
        return errors.graph(
            request, 400, "BadRequest", "A range has a Content-Range and is "
            "application/octet-stream.")
    start, end, total = (int(text) for text in match.groups())
    if total != session.size or end - start + 1 != len(request.body):
        return errors.graph(request, 400, "BadRequest", "Content-Range does "
                            "not fit the size or the body.")
    if start != len(session.content) or end >= total:
        return errors.graph(request, 416, "ErrorInvalidRange", "The next "
                            f"expected range is {len(session.content)}-.")
    session.content += request.body
    if len(session.content) < session.size:
        return _progress(session, dash="")
    attachment = _attachment(session.item, bytes(session.content))
    session.draft.attachments.append(attachment)
    del world.store.uploads[session.id]
    place = _path(session).partition("/AttachmentSessions")[0]
    return Response(201, [("Location", f"{world.site.upload_url}{place}"
                           f"/Attachments('{attachment.id}')")])


def _progress(session: Session, dash: str = "-") -> Response:
    # The documented answer to a PUT has no dash after the number, that to
    # createUploadSession has one, and ExpirationDateTime is spelt like this.
    return json_response(200, {
        "ExpirationDateTime": session.expiry,
        "nextExpectedRanges": [f"{len(session.content)}{dash}"],
    })
