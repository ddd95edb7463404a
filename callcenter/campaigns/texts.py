"""What is said or written to a contact: a text with its variables filled in. What is said is cut into pieces that many
contacts share.

Each clause is one piece of audio: "your appointment is at nine" is spoken once for all who come at nine. Figures,
dates and money become words where speech is rendered (callcenter.speech.spoken_forms).
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from callcenter.campaigns.errors import UnknownVariable
from callcenter.campaigns.models import CampaignContact, Channel
from callcenter.campaigns.rules import Texts
from callcenter.speech.service import fingerprint

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")
_BETWEEN_CLAUSES = re.compile(r"(?<=[，。！？；\n])(?![，。！？；\n])|(?<=[,!?;])(?=\s)")
"""The comma of ``1,200`` is none of these."""
_BRACES = re.compile(r"[{}]")
_UNSEEN = {"Cc", "Zl", "Zp"}
"""Kinds of characters that end a line, or do worse."""
_TURNED = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""These turn round how the rest of a line reads."""


def variables_of(text: str) -> frozenset[str]:
    """The names in braces."""
    return frozenset(_VARIABLE.findall(text))


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Raises UnknownVariable. What stands in a value is text and nothing else: its braces are left out."""
    missing = sorted(variables_of(text) - variables.keys())
    if missing:
        raise UnknownVariable(names=missing)
    return _VARIABLE.sub(lambda match: _BRACES.sub("", variables[match[1]]), text)


def pieces(text: str) -> tuple[str, ...]:
    """The clauses of a filled text, each with something to say."""
    found = (clause.strip() for clause in _BETWEEN_CLAUSES.split(text))
    return tuple(piece for piece in found if any(character.isalnum() for character in piece))


def slot_of(piece: str, language: str) -> str:
    """Where speech keeps the audio of a piece, for whoever says the same."""
    return f"said:{language}:{fingerprint(piece)[:40]}"


def spoken_pieces(texts: Texts, contact: CampaignContact) -> dict[str, tuple[str, ...]]:
    """By the text's name: what this contact is to hear. Raises UnknownVariable."""
    values = contact_variables(contact)
    return {name: pieces(fill(text.of(contact.language), values)) for name, text in texts.spoken.items()}


def contact_variables(contact: CampaignContact) -> dict[str, str]:
    """``name`` and what came with the contact, as texts."""
    return {"name": contact.name, **{name: str(value) for name, value in contact.variables.items()}}


@dataclass(frozen=True, slots=True)
class Letter:
    """What is written to one contact. ``variables``: those that the text names, for a gateway's own template."""

    text: str
    subject: str = ""
    template: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def letter(texts: Texts, channel: Channel, contact: CampaignContact) -> Letter | None:
    """In the contact's language; None: the campaign has no text for this channel. Raises UnknownVariable."""
    values = {name: _plain(value) for name, value in contact_variables(contact).items()}
    if channel is Channel.EMAIL and texts.email is not None:
        subject = fill(texts.email.subject.of(contact.language), values)
        return Letter(fill(texts.email.text.of(contact.language), values), _plain(subject))
    if channel is Channel.SMS and texts.sms is not None:
        text = texts.sms.of(contact.language)
        used = {name: _BRACES.sub("", values[name]) for name in sorted(variables_of(text)) if name in values}
        return Letter(fill(text, values), template=texts.sms.template, variables=used)
    return None


def _plain(value: str) -> str:
    """One line that reads as it stands: whoever wrote it, it begins no line, header or text of its own."""
    kept = "".join(
        " " if unicodedata.category(character) in _UNSEEN else character
        for character in value
        if character not in _TURNED
    )
    return " ".join(kept.split())
