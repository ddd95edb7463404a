"""What a delivery report by mail says (RFC 3464) of a mail of ours: pure. It comes from anybody, so nothing is believed
but what names the Message-ID that we gave the mail, with the token that only its readers have seen.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from callcenter.messaging.models import Report

_OUR_ID = re.compile(r"\.([a-z][a-z0-9]{0,15}\.[1-9][0-9]{0,17})\.([0-9a-f]{32})@")
_REPORTS = {"failed": Report.BOUNCED, "delivered": Report.DELIVERED}
"""What else a server may say (delayed, relayed, expanded) is not the end."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """``delivery``, ``token``: of the mail that it is about."""

    delivery: str
    token: str
    report: Report


def message_id_of(delivery: str, token: str) -> str:
    """The part of a Message-ID by which a report of it is recognised."""
    return f"{delivery}.{token}" if token else delivery


def read_bounce(raw: bytes) -> Bounce | None:
    """None: it is no report, or none of a mail of ours. Never raises."""
    mail = message_from_bytes(raw)
    if mail.get_content_type() != "multipart/report":
        return None
    found, reports = None, set()
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            reports |= set(_actions(part))
        elif kind in {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"}:
            found = found or _our_id(part)
    if found is None or len(reports) != 1:
        return None
    return Bounce(found[1], found[2], reports.pop())


def _actions(part: Message) -> Iterator[Report]:
    """One recipient a mail: of several groups of fields only those of recipients have an action."""
    groups = part.get_payload()
    for group in groups if isinstance(groups, list) else ():
        report = _REPORTS.get(str(group.get("Action", "")).strip().lower()) if isinstance(group, Message) else None
        if report is not None:
            yield report


def _our_id(part: Message) -> re.Match[str] | None:
    """In the headers of the mail that came back, which may stand there as a mail or as a text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        first = payload[0] if payload else None
        return _OUR_ID.search(str(first.get("Message-ID", ""))) if isinstance(first, Message) else None
    line = re.search(r"^Message-ID:\s*(\S+)", str(payload), re.IGNORECASE | re.MULTILINE)
    return _OUR_ID.search(line[1]) if line else None
