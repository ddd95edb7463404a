"""What is said to a contact: a text with its variables filled in, cut into pieces that many contacts share.

Each clause is one piece of audio: "your appointment is at nine" is spoken once for all who come at nine. Figures,
dates and money become words where speech is rendered (callcenter.speech.spoken_forms).
"""

import re
from collections.abc import Mapping

from callcenter.campaigns.errors import UnknownVariable
from callcenter.campaigns.models import CampaignContact
from callcenter.campaigns.rules import Texts
from callcenter.speech.service import fingerprint

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]{0,39})\}")
_BETWEEN_CLAUSES = re.compile(r"(?<=[，。！？；\n])(?![，。！？；\n])|(?<=[,!?;])(?=\s)")
"""The comma of ``1,200`` is none of these."""
_BRACES = re.compile(r"[{}]")


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
