"""The audio of what a contact hears: pieces that speech keeps for all who hear the same."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns.models import Campaign, CampaignContact
from callcenter.campaigns.rules import Texts
from callcenter.campaigns.texts import slot_of, spoken_pieces
from callcenter.speech import service as speech
from callcenter.speech.languages import Language
from callcenter.speech.service import SpokenSound


async def list_silent(session: AsyncSession, campaign: Campaign, contacts: Sequence[CampaignContact]) -> set[UUID]:
    """Those of these contacts for whom some audio is not there yet."""
    texts = Texts.model_validate(campaign.texts)
    if not texts.spoken:
        return set()
    slots = {contact.id: contact_slots(texts, contact) for contact in contacts}
    found: dict[str, set[str]] = {}
    for language in {contact.language for contact in contacts}:
        wanted = {slot for one in contacts if one.language == language for slot in slots[one.id]}
        found[language] = set(await speech.find_sounds(session, wanted, cast(Language, language)))
    return {contact.id for contact in contacts if not slots[contact.id] <= found[contact.language]}


def contact_slots(texts: Texts, contact: CampaignContact) -> set[str]:
    """Where the audio of all that this contact may hear is kept."""
    said = spoken_pieces(texts, contact).values()
    return {slot_of(piece, contact.language) for pieces in said for piece in pieces}


async def list_sounds(
    session: AsyncSession, campaign: Campaign, contact: CampaignContact
) -> dict[str, tuple[SpokenSound, ...]]:
    """By the text's name: the pieces to play, in order. A text of which a piece is missing is left out."""
    said = spoken_pieces(Texts.model_validate(campaign.texts), contact)
    slots = {piece: slot_of(piece, contact.language) for pieces in said.values() for piece in pieces}
    sounds = await speech.find_sounds(session, slots.values(), cast(Language, contact.language))
    return {
        name: tuple(sounds[slots[piece]] for piece in pieces)
        for name, pieces in said.items()
        if all(slots[piece] in sounds for piece in pieces)
    }
