"""What a contact is to hear is spoken before the contact is dialled: nobody answers a call that has nothing to say."""

from datetime import datetime
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.campaigns import queries
from callcenter.campaigns.errors import UnknownVariable
from callcenter.campaigns.models import Campaign, CampaignContact, Channel, ContactResult, ContactState
from callcenter.campaigns.placing import decision_row, finish, has_channel
from callcenter.campaigns.rules import Texts
from callcenter.campaigns.texts import letter, slot_of, spoken_pieces
from callcenter.speech import service as speech
from callcenter.speech.languages import Language

BATCH = 100


async def prepare(session: AsyncSession, campaign: Campaign, at: datetime) -> int:
    """Ask for the audio of the contacts that come next; returns how many contacts were looked at.

    A contact whose texts cannot be filled in is finished, with the reason.
    """
    contacts = await queries.lock_new(session, campaign.id, limit=BATCH)
    texts = Texts.model_validate(campaign.texts)
    wanted: dict[str, tuple[str, str]] = {}
    failed: list[dict[str, object]] = []
    for contact in contacts:
        try:
            found = spoken_pieces(texts, contact)
            _try_to_write(campaign, texts, contact)
        except UnknownVariable:
            finish(contact, ContactResult.FAILED, "unknown_variable", at)
            failed.append(decision_row(contact, "finished", "unknown_variable", at))
            continue
        contact.state = ContactState.WAITING
        for piece in {piece for said in found.values() for piece in said}:
            wanted[slot_of(piece, contact.language)] = (contact.language, piece)
    await queries.insert_decisions(session, failed)
    for language in {language for language, _ in wanted.values()}:
        slots = [slot for slot, (of, _) in wanted.items() if of == language]
        there = await speech.find_sounds(session, slots, cast(Language, language))
        for slot in sorted(set(slots) - there.keys()):
            await speech.put_text(session, slot, {cast(Language, language): wanted[slot][1]})
    return len(contacts)


def _try_to_write(campaign: Campaign, texts: Texts, contact: CampaignContact) -> None:
    """Raises UnknownVariable for a message that could not be written when its turn comes."""
    for channel in map(Channel, campaign.channels):
        if has_channel(contact, channel):
            letter(texts, channel, contact)
