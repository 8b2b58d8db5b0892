"""The mail that a department can act on, and the operator's notice: sent by `email.py`, kept by `outbox.py`.

What comes from outside reaches a header only as one cleaned, shortened line, and the body only as quoted plain text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from zoneinfo import ZoneInfo

from connector.dispatch import Request
from connector.dispatch._text import one_line, plain
from connector.errors import RefusedError

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}"
)
"""One address and nothing else; letters beyond ASCII would need SMTPUTF8, which few servers take."""
SUBJECT_LONGEST = 160


def message(request: Request, sender: str, adapter: str = "") -> EmailMessage:
    """The mail, dated now; its Message-ID follows from the reference. Raises RefusedError for an unusable address."""
    title = subject(request)
    mail = _empty(title, request.city)
    mail["Subject"] = title
    mail["From"] = Address(header_text(request.city, 60), addr_spec=sender)
    if request.to:
        if not ADDRESS.fullmatch(request.to):
            raise RefusedError(f"The address of “{request.type_title}” is none that mail can go to; mend it.", adapter)
        mail["To"] = Address(addr_spec=request.to)
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{checked_reference(request.reference, adapter)}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(body(request), cte="quoted-printable")
    return mail


def notice(to: str, subject: str, text: str, sender: str, adapter: str = "") -> EmailMessage:
    """A plain mail about the connector itself. Raises RefusedError for an unusable address."""
    if not ADDRESS.fullmatch(to):
        raise RefusedError("`to` in [notify] or [oncall] is no address that mail can go to; mend it.", adapter)
    title = header_text(subject, SUBJECT_LONGEST)
    mail = _empty(title)
    mail["Subject"] = title
    mail["From"], mail["To"] = Address(addr_spec=sender), Address(addr_spec=to)
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(text), cte="quoted-printable")
    return mail


def _empty(*headers: str) -> EmailMessage:
    # Python folds an ASCII subject of about 75 characters right after its name; one that is encoded must be folded.
    wide = all(header.isascii() for header in headers)
    return EmailMessage(policy=policy.SMTP.clone(max_line_length=SUBJECT_LONGEST + 20) if wide else policy.SMTP)


def checked_reference(reference: str, adapter: str = "") -> str:
    """The reference, if it can stand in a header and in a file name; RefusedError otherwise."""
    if not REFERENCE.fullmatch(reference):
        raise RefusedError("The reference of this request is not one of ours.", adapter)
    return reference


def header_text(text: str, limit: int) -> str:
    """One line for a header. `=?` loses its `=`, because the email package would decode what it begins (RFC 2047)."""
    return re.sub(r"=+\?", "?", one_line(text, limit))


def subject(request: Request) -> str:
    """What a person sees first in a list of mails."""
    where = f", {request.place}" if request.place else ""
    urgent = "Urgent: " if request.urgent else ""
    return header_text(f"{urgent}[{request.reference}] {request.type_title}{where}", SUBJECT_LONGEST)


def body(request: Request) -> str:
    """Everything needed to act, as plain text."""
    people = f"{request.people} people" if request.people > 1 else "one person"
    parts = [
        "\n".join(_facts(request)),
        f"What residents wrote ({people}):\n{_quote(request.text)}",
        "\n".join(["Their posts:", *(one_line(link, 500) for link in request.links)]) if request.links else "",
        f"When it is finished, close it there; residents are then told:\n{one_line(request.ticket_page, 500)}"
        if request.ticket_page
        else "",
        f"Reference: {request.reference}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def map_link(lat: float, lon: float) -> str:
    """A marker on OpenStreetMap, at house level."""
    return f"https://www.openstreetmap.org/?mlat={lat:.6f}&mlon={lon:.6f}#map=18/{lat:.6f}/{lon:.6f}"


def _facts(request: Request) -> list[str]:
    district = f" ({request.district})" if request.district else ""
    facts = [
        ("Type", request.type_title),
        ("Urgency", "urgent" if request.urgent else ""),
        ("Department", request.department),
        ("Place", f"{request.place}{district}" if request.place else request.district or "not known"),
        ("Due", in_words(request.due_at, request.timezone) if request.due_at else ""),
    ]
    lines = [f"{name}: {one_line(fact, 300)}" for name, fact in facts if fact]
    if request.lat is not None and request.lon is not None:
        lines.append(f"Map: {map_link(request.lat, request.lon)}")
    return lines


def in_words(moment: datetime, timezone: str) -> str:
    """For example "Thursday, 3 December 2026, 17:00 PST"."""
    there = moment.astimezone(ZoneInfo(timezone))
    return f"{there:%A}, {there.day} {there:%B %Y, %H:%M %Z}"


def _quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in plain(text).strip().split("\n"))
