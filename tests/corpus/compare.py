"""Whether what Graph got is what the client meant. Gives complaints, as texts:
no complaint, no fault. Nothing of our own C code takes part."""

from __future__ import annotations

import codecs
import email
import email.policy
import quopri
import re

from . import parameters
from .case import Case, Change, Free, Gone, Kept, Named, Text
from .reader import MAX_DEPTH, Field, Part, raw_text, read, split_header, words

# charsets that have no 8-bit bytes, or that nobody knows
SAY_NOTHING = (b"", b"us-ascii", b"x-unknown", b"unknown-8bit",
               b"ansi_x3.4-1968")
LOOKS_8BIT = re.compile(rb"[\x80-\xff]")
# what the milter, the agent and Postfix may add where it was missing
ADDED = {"date", "message-id", "from", "bcc"}
MIME = {"mime-version", "content-type", "content-transfer-encoding"}
FLAGS = ("bare_newline", "nul", "long_line", "eight_bit_header",
         "eight_bit_body", "address_defects")
WORD = re.compile(rb"=\?([^?*\s]+)[^?]*\?[bBqQ]\?[^?\s]*\?=")


def as_queued(message: bytes, stray_cr: bytes = b"\r") -> bytes:
    """What Postfix makes of a message before anybody of ours sees it: line
    ends are CRLF, an mbox line is a field, a fold of nothing is body, a blank
    before a colon goes, and a CR elsewhere becomes stray_cr."""
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    message = re.sub(rb"\r*\n", b"\r\n", message)
    message = re.sub(rb"\r(?!\n)", stray_cr, message)
    if message.startswith(b"From "):
        message = b"X-Mailbox-Line: " + message
    if message[:1] in (b" ", b"\t"):
        message = b"\r\n" + message
    fields, _, body = split_header(message)
    head = b"".join(re.sub(rb"\A([!-9;-~]+)[ \t]+:", rb"\1:", item.raw)
                    for item in fields)
    return head + b"\r\n" + body if message else b""


def complaints(case: Case, queued: bytes, out: bytes, flags: dict[str, bool]
               ) -> list[str]:
    """About one message that was queued so and that Graph accepted. flags are
    the emulator's."""
    found = [f"{name} is set" for name in FLAGS
             if flags[name] and name not in case.left.split()]
    if case.lines:
        queued = re.sub(rb"\r(?!\n)", b"\r\n", queued)
    before, after = read(queued), read(out)
    recode = {path for path in case.recode.split() if _asks(before, path)}
    found += _lines(case, before, after, recode)
    for name, change in case.changed.items():
        found += [f"{name}: {text}" for text in
                  _changed(change, _values(after, name))]
    found += _words(before, after)
    found += _tree(before, after, recode, top=True)
    found += _names(case, after)
    if MAX_DEPTH > max(part.depth for part in before.walk()):
        found += _by_python(before, queued, out)
    return found


def _asks(message: Part, path: str) -> bool:
    """Whether something in the part asks for another encoding. Postfix may
    have mended it."""
    part = next(part for part in message.walk() if part.path == path)
    text = part.head + (b"" if part.children else part.body)
    return bool(part.children or re.search(
        rb"[\x80-\xff]|\r(?!\n)|[^\n]{1000}", text))


# --- the lines of the header

def _lines(case: Case, before: Part, after: Part, recode: set[str]
           ) -> list[str]:
    """Lines that need no change are there, in order, byte for byte."""
    changed = {name.lower() for name in case.changed}
    there = {item.name for item in before.fields}
    ignored = changed | {"bcc"} | (ADDED - there)
    if recode:
        ignored |= MIME - there
    if "0" in recode:
        ignored |= MIME
    want = [item.raw for item in before.fields if item.name not in ignored]
    fields = after.fields
    if fields[:1] and fields[0].name == "received":
        fields = fields[1:]
    have = [item.raw for item in fields if item.name not in ignored]
    found = []
    if want != have:
        found.append(f"header lines: wanted {_diff(want, have)}, "
                     f"got {_diff(have, want)}")
    found += [f"{item.name} is in the header" for item in after.fields
              if re.match(r"x-msgraph-|return-path$", item.name)]
    for name in ("date", "message-id", "from"):
        if name not in (item.name for item in after.fields):
            found.append(f"no {name}")
    if recode & {"0"} and after.get("mime-version") is None:
        found.append("parts are encoded, but there is no MIME-Version")
    return found


def _diff(one: list[bytes], other: list[bytes]) -> list[bytes]:
    """What is not in the other; all where only the order differs."""
    return [line[:200] for line in one if line not in other] or one[:20]


def _values(part: Part, name: str) -> list[bytes]:
    return [item.value for item in part.fields if item.name == name.lower()]


def _changed(change: Change, values: list[bytes]) -> list[str]:
    if change is Free:
        return []
    if change is Gone:
        return [f"is still there: {values}"] if values else []
    if not values:
        return ["is gone"]
    value = b", ".join(values).replace(b"\r\n", b"").strip()
    if isinstance(change, Kept):
        pattern = r"[\s,;<>]*".join(
            ["", *(re.escape(piece) for piece in change.pieces), ""])
        fits = re.fullmatch(pattern, raw_text(value))
        return [] if fits else [f"wanted {change.pieces}, got {value!r}"]
    if isinstance(change, Named):
        header = email.policy.default.header_factory("To", raw_text(value))
        pairs = [(a.display_name, a.addr_spec) for a in header.addresses]
        return [] if pairs == change.pairs else [f"names {pairs}"]
    assert isinstance(change, Text)
    text = " ".join(change.text.split())
    return [] if words(value) == text else [f"says {words(value)!r}"]


def _words(before: Part, after: Part) -> list[str]:
    """Each encoded word that is new stands for itself (RFC 2047 section 5)."""
    found, old = [], before.head
    for match in WORD.finditer(after.head):
        if match[0] in old:
            continue
        if len(match[0]) > 75:
            found.append(f"word longer than 75: {match[0]!r}")
        if match[1].lower() == b"utf-8" and "\ufffd" in words(match[0]):
            found.append(f"a character is cut: {match[0]!r}")
    return found


# --- the parts

def _tree(before: Part, after: Part, recode: set[str], top: bool = False
          ) -> list[str]:
    path = before.path
    inside = [p for p in recode
              if p == path or path == "0" or p.startswith(path + ".")]
    if not inside:
        return _same(before, after, top)
    if len(before.children) != len(after.children):
        return [f"part {path} has {len(after.children)} parts and "
                f"not {len(before.children)}"]
    found = []
    if path in recode:
        found += _typed(before, after) + ([] if top else _own(before, after))
    elif not top and before.head != after.head:
        found.append(f"part {path}: its header is {after.head!r}")
    if not before.children:
        return found + _leaf(before, after)
    if before.glue != after.glue:
        found.append(f"part {path}: what stands between its parts differs")
    for one, other in zip(before.children, after.children):
        found += _tree(one, other, recode)
    return found


def _same(before: Part, after: Part, top: bool) -> list[str]:
    name = "the body" if top else f"part {before.path}"
    if not top and before.head + before.blank != after.head + after.blank:
        return [f"{name}: header {after.head!r}, wanted {before.head!r}"]
    if before.body == after.body:
        return []
    at = next((i for i, (x, y) in enumerate(zip(before.body, after.body))
               if x != y), min(len(before.body), len(after.body)))
    return [f"{name} differs at byte {at}: "
            f"{after.body[max(0, at - 30):at + 40]!r}, wanted "
            f"{before.body[max(0, at - 30):at + 40]!r}"]


def _own(before: Part, after: Part) -> list[str]:
    """The other fields of a part that is written anew."""
    def others(part: Part) -> list[Field]:
        return [item for item in part.fields if item.name not in
                (MIME | {"content-disposition"})]

    one, other = others(before), others(after)
    if [f.name for f in one] != [f.name for f in other]:
        return [f"part {before.path}: fields {[f.name for f in other]}"]
    return [f"part {before.path}: {b.raw!r}, wanted {a.raw!r}"
            for a, b in zip(one, other) if a.raw != b.raw and not (
                LOOKS_8BIT.search(a.raw) and words(a.value) == words(b.value))]


def _typed(before: Part, after: Part) -> list[str]:
    """Content-Type and Content-Disposition say what they said."""
    found = []
    if before.kind != after.kind:
        found.append(f"part {before.path} became {after.kind}")
    for name in ("content-type", "content-disposition"):
        one, other = _parameters(before, name), _parameters(after, name)
        if name == "content-type":
            one.pop("charset", None), other.pop("charset", None)
        if one != other:
            found.append(f"part {before.path}: {name} has {other}, "
                         f"wanted {one}")
    return found + _charset(before, after)


def _parameters(part: Part, name: str) -> dict[str, str]:
    value = part.get(name)
    if value is None:
        return {}
    return {key: words(text) for key, text
            in parameters.parse(value)[1].items()}


def _is_charset(name: bytes) -> bool:
    """One that Python knows, that is; there are some more."""
    try:
        return bool(codecs.lookup(name.decode("latin-1")))
    except LookupError:
        return False


def _charset(before: Part, after: Part) -> list[str]:
    """What was said stays; what was not said is told."""
    if before.children or not before.kind.startswith("text/"):
        return []
    said = before.parameter("content-type", "charset")
    says = after.parameter("content-type", "charset")
    if said is not None and LOOKS_8BIT.search(before.body) and (
            said.lower() in SAY_NOTHING or not _is_charset(said) and
            said != says):
        said = None
    if said is not None and said.lower() != b"us-ascii":
        wanted = said
    elif LOOKS_8BIT.search(before.body) and said is None:
        wanted = b"utf-8"
        try:
            before.body.decode("utf-8")
        except UnicodeDecodeError:
            wanted = b"windows-1252"
    else:
        return []
    if says is not None and says.lower() == wanted.lower():
        return []
    if said is None is says and b"charset=" in before.body:
        return []  # HTML can say it itself
    return [f"part {before.path}: charset {says!r}, wanted {wanted!r}"]


def _leaf(before: Part, after: Part) -> list[str]:
    """Another encoding, the shorter of the two, and the same content."""
    name = f"part {before.path}"
    if after.body == before.body:
        return []
    one, other = before.content(), after.content()
    if before.kind.startswith("text/") and re.search(rb"\r(?!\n)", one):
        one, other = _line_feeds(one), _line_feeds(other)
    found = []
    if one != other:
        found.append(f"{name} decodes to {other[:300]!r}, wanted "
                     f"{one[:300]!r} ({len(other)}, {len(one)} bytes)")
    if after.encoding not in ("quoted-printable", "base64"):
        return found + [f"{name} has the encoding {after.encoding!r}"]
    if any(len(line) > 76 for line in after.body.split(b"\r\n")):
        found.append(f"{name} has encoded lines over 76")
    return found + _shorter(name, after.encoding, before)


def _shorter(name: str, encoding: str, before: Part) -> list[str]:
    if before.encoding in ("quoted-printable", "base64"):
        return []
    data = before.content()
    sizes = {"base64": len(data) * 4 // 3 * 78 // 76,
             "quoted-printable": len(quopri.encodestring(
                 data.replace(b"\r\n", b"\n")))}
    best = min(sizes.values())
    if sizes[encoding] > best * 1.1 + 20:
        return [f"{name} is in {encoding}, and the other is shorter: {sizes}"]
    return []


def _line_feeds(data: bytes) -> bytes:
    return re.sub(rb"\r\n?", b"\n", data)


def _names(case: Case, after: Part) -> list[str]:
    parts = {part.path: part for part in after.walk()}
    return [f"part {path} is named {parts[path].file_name()!r}"
            for path, name in case.names.items()
            if parts[path].file_name() != " ".join(name.split())]


# --- Python's email as a second opinion

def _leaves(raw: bytes) -> list[tuple[str, bytes]]:
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    out = []
    for part in message.walk():
        if not part.is_multipart():
            data = part.get_payload(decode=True)
            kind = part.get_content_type()
            if kind.startswith("text/"):
                data = _line_feeds(data)
            out.append((kind, data))
    return out


def _by_python(before: Part, queued: bytes, out: bytes) -> list[str]:
    one = _leaves(queued)
    ours = [part.kind for part in before.walk() if not part.children]
    if [kind for kind, _ in one] != ours:
        return []  # it reads the message otherwise, for better or worse
    other = _leaves(out)
    if len(one) != len(other):
        return [f"Python finds {len(other)} parts and not {len(one)}"]
    return [f"Python finds part {i} to be {b[0]} {b[1][:200]!r}, wanted "
            f"{a[0]} {a[1][:200]!r}"
            for i, (a, b) in enumerate(zip(one, other)) if a != b]


# --- recipients

def key(address: str) -> str:
    """The form in which addresses are compared here."""
    local, _, domain = address.rpartition("@")
    if local.startswith('"'):
        bare = re.sub(r"\\(.)", r"\1", local[1:-1])
        if re.fullmatch(r"[^\s\"(),:;<>@\[\\\]]+", bare) and \
                not re.search(r"\A\.|\.\.|\.\Z", bare):
            local = bare
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        pass
    return f"{local}@{domain}".lower()


def strangers(message: bytes, shown: list[str]) -> list[str]:
    """Addresses in To or Cc that the client did not put there."""
    text = b" ".join(item.value for item in split_header(
        as_queued(message))[0] if item.name in ("to", "cc"))
    known = raw_text(re.sub(rb"\s", b"", text)).lower()
    flat = re.sub(r"\([^()]*\)", "", known)
    found = []
    for address in shown:
        local, _, domain = key(address).rpartition("@")
        names = {domain}
        try:
            names.add(domain.encode("ascii").decode("idna"))
        except UnicodeError:
            pass
        bare = re.sub(r"\s", "", local)
        if not any(f"{mark}{bare}{mark}@{name}" in flat
                   for name in names for mark in ("", '"')):
            found.append(address)
    return found
