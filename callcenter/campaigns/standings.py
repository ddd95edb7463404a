"""What the governor must know of the persons of a batch, and which days differ: a few statements, however many."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.calendar import service as calendar
from callcenter.calendar.policy import LOOK_AHEAD_DAYS, DayFact
from callcenter.calendar.public_days import Place
from callcenter.callouts import do_not_call
from callcenter.callouts.policy import Home
from callcenter.campaigns import queries
from callcenter.campaigns.governor import Standing
from callcenter.campaigns.models import CampaignContact
from callcenter.patients import service as patients
from callcenter.workorders import service as workorders


async def read(
    session: AsyncSession, today: date, contacts: Sequence[CampaignContact], at: datetime, *, claimed: bool = True
) -> dict[UUID, Standing]:
    """By contact. ``claimed``: an attempt is made for each of them in this transaction, and is not counted."""
    own = int(claimed)
    known = {contact.patient_id for contact in contacts if contact.patient_id is not None}
    states = await patients.list_states(session, known) if known else {}
    unwilling = await do_not_call.list_unwilling(session, known, at) if known else set()
    complaining = await workorders.list_complaining(session, known) if known else set()
    numbers = {contact.id: contact.address for contact in contacts}
    counts = await queries.count_today(session, today, {one.person for one in contacts}, set(numbers.values()))
    found = {}
    for contact in contacts:
        state = states.get(contact.patient_id) if contact.patient_id is not None else None
        found[contact.id] = Standing(
            deceased=state is not None and state.deceased,
            unwilling=contact.patient_id in unwilling,
            in_hospital=state is not None and state.in_hospital,
            open_complaint=contact.patient_id in complaining,
            attempts_of_number=max(counts.attempts_of_number.get(numbers.get(contact.id, ""), 0) - own, 0),
            attempts_of_person=max(counts.attempts_of_person.get(contact.person, 0) - own, 0),
            conversations=counts.conversations.get(contact.person, 0),
            last_conversation_at=counts.last_conversation_at.get(contact.person),
        )
    return found


async def days_around(session: AsyncSession, at: datetime, home: Home) -> dict[date, DayFact]:
    """The days that are not as their weekday, from the day before ``at`` in any time zone, as far as we look ahead."""
    first = at.astimezone(UTC).date() - timedelta(days=2)
    last = first + timedelta(days=LOOK_AHEAD_DAYS + 31)
    return await calendar.list_day_facts(session, Place(zone=home.zone, country=home.country), first, last)
