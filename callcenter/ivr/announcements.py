"""Emergency announcements: what callers of a number, of a queue, or all callers hear first, until it is switched off.

A key cuts one short and is the answer to the menu that follows, so that 0 leads to a person as ever. Its audio is
there some seconds after it was started; until then callers hear nothing of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.core.audit import Actor, record_audit
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.ivr.errors import AnnouncementNotFound, AnnouncementOpen, DatabaseAway
from callcenter.ivr.limits import limited
from callcenter.ivr.line import Sound
from callcenter.ivr.models import Announcement
from callcenter.ivr.recent import Recent
from callcenter.speech import service as speech
from callcenter.speech.languages import LANGUAGES, Language

log = structlog.get_logger(__name__)

Scope = Literal["all", "number", "queue"]
_Found = Mapping[tuple[str, str, Language], Sound]


class Announcements(Protocol):
    """No question fails: who cannot be asked has nothing to announce."""

    async def of_number(self, did: str, language: Language) -> Sequence[Sound]:
        """What all callers hear, and those who dialled ``did``."""

    async def of_queue(self, queue: str, language: Language) -> Sequence[Sound]:
        """What callers hear before they wait in ``queue``."""


class DatabaseAnnouncements:
    """:class:`Announcements` in PostgreSQL, as they were a moment ago."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: Recent[_Found] = Recent()

    async def of_number(self, did: str, language: Language) -> Sequence[Sound]:
        return await self._find([("all", "", language), ("number", did, language)])

    async def of_queue(self, queue: str, language: Language) -> Sequence[Sound]:
        return await self._find([("queue", queue, language)])

    async def _find(self, wanted: Sequence[tuple[str, str, Language]]) -> Sequence[Sound]:
        try:
            found = await limited(self._recent.get("open", self._read))
        except DatabaseAway as error:
            log.warning("announcements_not_found", reason=error.message)
            return ()
        return [found[one] for one in wanted if one in found]

    async def _read(self) -> _Found:
        async with self._database.transaction() as session:
            slots = {announcement_slot(one.id): one for one in await list_announcements(session, open_only=True)}
            return {
                (slots[slot].scope, slots[slot].name, language): Sound(sound.file, sound.seconds)
                for language in LANGUAGES
                for slot, sound in (await speech.find_sounds(session, slots.keys(), language)).items()
            }


def announcement_slot(announcement_id: UUID) -> str:
    """The slot of the spoken text."""
    return f"announcement:{announcement_id}"


async def start_announcement(
    session: AsyncSession, actor: Actor, scope: Scope, name: str, texts: Mapping[Language, str], *, at: datetime
) -> Announcement:
    """Played to callers from the next call on, as soon as it is spoken. Raises AnnouncementOpen, InvalidSpokenText."""
    announcement_id = new_id()
    values = {
        "id": announcement_id,
        "scope": scope,
        "name": name,
        "text_zh": texts["zh"],
        "text_en": texts["en"],
        "started_at": at,
        "started_by": actor.name,
    }
    new = insert(Announcement).values(values).on_conflict_do_nothing().returning(Announcement.id)
    if (await session.execute(new)).first() is None:
        raise AnnouncementOpen(scope=scope, name=name)
    await speech.put_text(session, announcement_slot(announcement_id), texts)
    record_audit(
        session, actor, "supervision.start_announcement", subject_id=str(announcement_id), scope=scope, to=name
    )
    return await get_announcement(session, announcement_id)


async def end_announcement(session: AsyncSession, actor: Actor, announcement_id: UUID, *, at: datetime) -> Announcement:
    """Switched off from the next call on. One that is over stays as it is. Raises AnnouncementNotFound."""
    announcement = await session.get(Announcement, announcement_id, with_for_update=True)
    if announcement is None:
        raise AnnouncementNotFound(announcement_id=str(announcement_id))
    if announcement.ended_at is None:
        announcement.ended_at, announcement.ended_by = at, actor.name
        await speech.remove_texts(session, [announcement_slot(announcement_id)])
        record_audit(session, actor, "supervision.end_announcement", subject_id=str(announcement_id))
    return announcement


async def get_announcement(session: AsyncSession, announcement_id: UUID) -> Announcement:
    """Raises AnnouncementNotFound."""
    announcement = await session.get(Announcement, announcement_id)
    if announcement is None:
        raise AnnouncementNotFound(announcement_id=str(announcement_id))
    return announcement


async def list_announcements(
    session: AsyncSession, *, open_only: bool, before: UUID | None = None, limit: int = 1_000
) -> Sequence[Announcement]:
    """Newest first."""
    query = select(Announcement).order_by(Announcement.id.desc()).limit(limit)
    if open_only:
        query = query.where(Announcement.ended_at.is_(None))
    if before is not None:
        query = query.where(Announcement.id < before)
    return (await session.scalars(query)).all()
