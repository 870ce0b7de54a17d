"""Microsoft Graph: which path is what, who may, sendMail, where mail is then."""

from __future__ import annotations

import re
import time
from typing import Any, Callable
from urllib.parse import quote, unquote, unquote_plus, urlencode

from . import drafts, errors, mime
from .store import App
from .wire import Request, Response, json_response
from .world import World

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_FILTER = re.compile(r"internetMessageId eq '((?:[^']|'')*)'\Z")
_SEND_AS = ("The user account which was used to submit this request does not "
            "have the right to send mail on behalf of the specified sending "
            "account., Cannot submit message.")

Handler = Callable[[World, Request, App, int], Response]


# --- which path is what

def identify(world: World, request: Request) -> None:
    """Learns from the head which call this is, whose token, which mailbox."""
    parts = [unquote(part) for part in request.path.split("/")[1:]]
    if parts[:2] == ["v1.0", "users"] and len(parts) > 3 and parts[2]:
        endpoint = _endpoint(request, parts[3:])
        if endpoint:
            request.endpoint = endpoint
            request.mailbox = parts[2].lower()
    words = request.all("authorization")
    if len(words) == 1 and words[0].lower().startswith("bearer "):
        request.token = world.store.token(words[0][7:].strip())
    if request.token:
        request.tenant = request.token.tenant
        request.client = request.token.client


def _endpoint(request: Request, parts: list[str]) -> str | None:
    if parts == ["sendMail"]:
        return "sendMail"
    folder = [p.lower() for p in parts]
    if folder == ["mailfolders", "sentitems", "messages"]:
        return "sent"
    if folder == ["mailfolders", "drafts", "messages"]:
        return "drafts"
    if parts == ["messages"]:
        return "messages"
    if parts[0] != "messages" or not parts[1]:
        return None
    request.names["draft"] = parts[1]
    return {
        (): "delete" if request.method == "DELETE" else "look",
        ("send",): "send",
        ("attachments",): "attachments",
        ("attachments", "createUploadSession"): "createUploadSession",
    }.get(tuple(parts[2:]))


# --- who may

def answer(world: World, request: Request, seq: int) -> Response:
    """Graph's answer to a whole request."""
    refusal = _refuse_token(world, request)
    if refusal:
        return refusal
    if request.endpoint not in _CALLS:
        return errors.graph(request, 404, "BadRequest", "Resource not found "
                            f"for the segment '{request.path[:200]}'.")
    methods, permissions, handler = _CALLS[request.endpoint]
    if request.method not in methods:
        return errors.graph(request, 405, "BadRequest", "The method is not "
                            "allowed here.", ("Allow", ", ".join(methods)))
    app = world.store.app(request.tenant, request.client)
    if app is None or app.disabled or not permissions & set(app.permissions):
        return errors.graph(request, 403, "ErrorAccessDenied", "Access is "
                            "denied. Check credentials and try again.")
    return (_refuse_mailbox(world, request)
            or _refuse_throttled(world, request)
            or handler(world, request, app, seq))


def decorate(request: Request, response: Response) -> None:
    """Headers that every answer of Graph has."""
    response.add("request-id", request.request_id)
    response.add("client-request-id",
                 request.get("client-request-id") or request.request_id)
    response.add("Cache-Control", "private")


def _refuse_token(world: World, request: Request) -> Response | None:
    message = ""
    if not request.all("authorization"):
        message = "Access token is empty."
    elif request.token is None:
        message = "The token is not one that was issued here."
    elif request.token.audience not in world.site.graph_bases:
        message = "Access token validation failure. Invalid audience."
    elif request.token.expires <= time.time():
        message = "Lifetime validation failed, the token is expired."
    if not message:
        return None
    return errors.graph(request, 401, "InvalidAuthenticationToken", message,
                        ("WWW-Authenticate", 'Bearer realm=""'))


def _refuse_mailbox(world: World, request: Request) -> Response | None:
    mailbox = request.mailbox or ""
    known = "@" in mailbox or _UUID.match(mailbox)
    if known and world.store.has_mailbox(mailbox):
        return None
    return errors.graph(request, 404, "ErrorInvalidUser",
                        f"The requested user '{mailbox}' is invalid.")


def _refuse_throttled(world: World, request: Request) -> Response | None:
    limits = world.store.limits
    most = limits.mailbox_concurrency
    if most is None:
        return None
    if world.record.at_once(("graph", request.mailbox or "")) <= most:
        return None
    return errors.graph(
        request, 429, "ApplicationThrottled",
        "Application is over its MailboxConcurrency limit.",
        ("Retry-After", str(limits.retry_after)))


# --- messages

def read_message(request: Request) -> mime.Message | Response:
    """The MIME message in a body, or why there is none."""
    if request.media_type != "text/plain":
        return errors.graph(
            request, 400, "BadRequest", "Unable to read JSON request payload. "
            "A MIME message goes as text/plain.")
    try:
        return mime.read(mime.decode(request.body))
    except mime.Base64Error as error:
        return errors.graph(
            request, 400, "ErrorMimeContentInvalidBase64String",
            f"Invalid base64 string for MIME content. ({error})")
    except mime.MimeError as error:
        return errors.graph(request, 400, "ErrorMimeContentInvalid",
                            f"Invalid MIME content. ({error})")


def _refuse_recipients(request: Request, limits: Any,
                       addresses: list[Any]) -> Response | None:
    """Exchange takes a message for all its recipients or for none."""
    found = [a.text for a in addresses if a.text in limits.refused]
    if not found:
        return None
    named = found[:limits.names_refused]
    text = " ".join(f"Recipient '{name}' isn't resolved." for name in named)
    return errors.graph(
        request, 400, "ErrorInvalidRecipients",
        f"{text} All recipients must be resolved before a message can be "
        "submitted." if named else "At least one recipient is not valid.")


def refuse_message(world: World, request: Request, app: App,
                   message: mime.Message, size: int) -> Response | None:
    """Why Exchange would not send this message as this mailbox."""
    mailbox = request.mailbox or ""
    limits = world.store.limits
    if limits.message_bytes is not None and size > limits.message_bytes:
        return errors.graph(request, 400, "ErrorMessageSizeExceeded", "The "
                            "message exceeds the maximum supported size.")
    # an object id says nothing about the addresses of its mailbox
    foreign = not _UUID.match(mailbox) and any(
        not app.may_send_as(mailbox, address.text)
        for address in message.sender)
    if foreign or any("@" in name for name in message.sender_names):
        return errors.graph(request, 403, "ErrorSendAsDenied", _SEND_AS)
    addresses = message.addresses
    if not addresses or not all(a.valid for a in addresses):
        return errors.graph(request, 400, "ErrorInvalidRecipients",
                            "At least one recipient isn't valid, or there is "
                            "none.")
    if refusal := _refuse_recipients(request, limits, addresses):
        return refusal
    if len(addresses) > limits.max_recipients:
        return errors.graph(request, 400, "ErrorExceededMaxRecipientLimit",
                            "The message has too many recipients.")
    return None


def _send_mail(world: World, request: Request, app: App,
               seq: int) -> Response:
    message = read_message(request)
    if isinstance(message, Response):
        return message
    refusal = refuse_message(world, request, app, message, len(message.raw))
    if refusal:
        return refusal
    world.store.keep(app, request.mailbox or "", message, seq,
                     request.request_id, [])
    world.record.mail_kept()
    return Response(202)


# --- drafts; drafts.py knows no limits of sending

def _create(world: World, request: Request, _app: App, _seq: int) -> Response:
    message = read_message(request)
    if isinstance(message, Response):
        return message
    return drafts.create(world, request, message)


def _send(world: World, request: Request, app: App, seq: int) -> Response:
    again = world.store.handed_over(request.mailbox or "",
                                    request.names["draft"])
    if again and not request.body:
        # nobody says what Exchange does; the worst is that it goes twice
        world.store.keep(app, again.mailbox, again.message, seq,
                         request.request_id, again.attachments, again.id)
        world.record.mail_kept()
        return Response(202)
    draft = drafts.find(world, request)
    if isinstance(draft, Response):
        return draft
    if request.body:
        return errors.graph(request, 400, "BadRequest", "Send has no body.")
    refusal = refuse_message(world, request, app, draft.message, draft.size)
    if refusal:
        return refusal
    if not drafts.remove(world, draft):
        return drafts.not_found(request)
    world.store.keep(app, draft.mailbox, draft.message, seq,
                     request.request_id, draft.attachments, draft.id)
    world.record.mail_kept()
    return Response(202)


# --- Sent Items and Drafts

def _sent(world: World, request: Request, _app: App, _seq: int) -> Response:
    with world.store.lock:
        items = [_mail_item(mail) for mail in world.store.mail
                 if mail.mailbox == request.mailbox and mail.in_sent_items]
    return _list(world, request, items)


def _drafts(world: World, request: Request, _app: App, _seq: int) -> Response:
    with world.store.lock:
        items = [_mail_item(mail) for mail in world.store.mail
                 if mail.mailbox == request.mailbox and mail.in_drafts]
        items += [_item(draft.id, draft.message, draft.time, True)
                  for draft in world.store.drafts.values()
                  if draft.mailbox == request.mailbox]
    return _list(world, request, items)


def _look(world: World, request: Request, _app: App, _seq: int) -> Response:
    """One message. An item's id changes when it leaves its folder."""
    mail = world.store.handed_over(request.mailbox or "",
                                   request.names["draft"])
    if mail:
        return json_response(200, _mail_item(mail))
    draft = drafts.find(world, request)
    if isinstance(draft, Response):
        return draft
    return json_response(200, _item(draft.id, draft.message, draft.time, True))


def _list(world: World, request: Request, items: list[dict]) -> Response:
    options = dict(_query(request.query))
    unknown = set(options) - {"$filter", "$select", "$top", "$skip"}
    message_id = None
    if "$filter" in options:
        match = _FILTER.match(options["$filter"])
        if not match:
            unknown.add("$filter")
        else:
            message_id = match[1].replace("''", "'")
    top, skip = options.get("$top", "10"), options.get("$skip", "0")
    if not top.isascii() or not top.isdigit() or not 1 <= int(top) <= 1000:
        unknown.add("$top")
    if not skip.isascii() or not skip.isdigit():
        unknown.add("$skip")
    if unknown:
        return errors.graph(request, 400, "BadRequest", "Invalid query: "
                            f"{', '.join(sorted(unknown))}.")
    found = [item for item in items
             if message_id in (None, item["internetMessageId"])]
    wanted = [n for n in options.get("$select", "").split(",") if n]
    end = int(skip) + min(int(top), world.store.limits.page)
    answer = {
        "@odata.context": f"{world.site.url}/v1.0/$metadata#messages",
        "value": [_choose(item, wanted) for item in found[int(skip):end]],
    }
    if end < len(found):
        query = urlencode({**options, "$skip": str(end)}, quote_via=quote)
        answer["@odata.nextLink"] = \
            f"{world.site.url}{request.path}?{query}"
    return json_response(200, answer)


def _mail_item(mail) -> dict:
    return _item(mail.id, mail.message, mail.time,
                 mail.in_drafts and mail.is_draft)


def _item(item_id: str, message: mime.Message, when: float,
          is_draft: bool) -> dict:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))
    item = {"id": item_id, "internetMessageId": message.message_id,
            "subject": message.subject, "isDraft": is_draft,
            "lastModifiedDateTime": stamp, "sentDateTime": stamp}
    for name in ("to", "cc", "bcc"):
        item[f"{name}Recipients"] = [
            {"emailAddress": {"name": a.name, "address": a.text}}
            for a in message.named[name]]
    return item


def _choose(item: dict, wanted: list[str]) -> dict:
    chosen = {n: v for n, v in item.items()
              if not wanted or n in wanted or n == "id"}
    return {"@odata.etag": 'W/"1"', **chosen}


def _query(query: str) -> list[tuple[str, str]]:
    pairs = []
    for pair in query.split("&") if query else []:
        name, _, value = pair.partition("=")
        pairs.append((unquote_plus(name), unquote_plus(value)))
    return pairs


_READ = {"Mail.Read", "Mail.ReadWrite"}
_WRITE = {"Mail.ReadWrite"}
_CALLS: dict[str, tuple[tuple[str, ...], set[str], Handler]] = {
    "sendMail": (("POST",), {"Mail.Send"}, _send_mail),
    "sent": (("GET", "HEAD"), _READ, _sent),
    "drafts": (("GET", "HEAD"), _READ, _drafts),
    "look": (("GET", "HEAD"), _READ, _look),
    "messages": (("POST",), _WRITE, _create),
    "attachments": (("POST",), _WRITE, drafts.attach),
    "createUploadSession": (("POST",), _WRITE, drafts.create_session),
    "send": (("POST",), {"Mail.Send"}, _send),
    "delete": (("DELETE",), _WRITE, drafts.delete),
}
