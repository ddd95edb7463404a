"""A call as the agent may see it at whose telephone it rings, or who talks or has talked in it.

While it rings its record is not written yet: what the live events say (who waits, which call is whose) and the ledger
lines read so far are put together. Live is live: nothing of this is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.agents.models import Activity, Agent, AgentStateChange
from callcenter.callbacks import queries as callback_queries
from callcenter.callbacks.placing import is_attempt_id
from callcenter.calls import queries as call_queries
from callcenter.calls.derive import DerivedCall
from callcenter.calls.errors import CallNotFound
from callcenter.calls.present import find_present
from callcenter.calls.queries import COMPLAINT
from callcenter.calls.search import CallRecord, CallScope, get_record
from callcenter.campaigns import called_by_agents
from callcenter.core.phone_numbers import NumberPlan
from callcenter.desk.dial_models import AgentDial
from callcenter.queues import queries as queue_queries

_REMEMBERED = timedelta(days=1)
"""So long the agent's own history shows a call before its legs must: they come within seconds."""


class Stage(StrEnum):
    """What the call is for this agent now."""

    RINGING = "ringing"
    TALKING = "talking"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WayStep:
    """A finished step of the flow."""

    at: datetime
    flow: str
    step: str
    outcome: str


@dataclass(frozen=True, slots=True)
class QueueStay:
    """A stay in a queue. ``wait_seconds`` None: goes on. ``agent_number``: who answered it."""

    queue_name: str
    entered_at: datetime
    wait_seconds: float | None
    agent_number: str | None


@dataclass(frozen=True, slots=True)
class OwnCall:
    """``id``: as calls know it; ``ids``: with the linkedids that an attended transfer joined to it.

    ``patient_id``: a hint, or a proof when ``verified``. ``is_way_known``: lines of the ledger have been read; without
    them the steps are not known yet. ``queue_names``: all that it was in.
    """

    id: str
    ids: frozenset[str]
    stage: Stage
    direction: str
    caller_number: str | None
    dialled_number: str | None
    language: str | None
    patient_id: UUID | None
    verified: bool
    vip_grade: str | None
    started_at: datetime | None
    stay: QueueStay | None
    steps: tuple[WayStep, ...]
    is_way_known: bool
    queue_names: tuple[str, ...]


async def get_own_call(session: AsyncSession, agent: Agent, call_id: str, plan: NumberPlan) -> OwnCall:
    """Raises CallNotFound: not the agent's, or somebody complained there of the agent or after talking to them."""
    known_as = await call_queries.find_call_id(session, call_id) or call_id
    ids = frozenset({known_as, call_id, *await call_queries.list_linkedids(session, known_as)})
    stage = _stage(agent, ids)
    call = await _find_call(session, known_as, plan)
    is_own = stage is not Stage.ENDED or _talked(call, agent.number) or await _has_talked(session, agent, ids)
    if not is_own or (call is not None and _is_hidden(call, agent.number)):
        raise CallNotFound(call_id=call_id)
    own = _of_record(call, known_as, ids, stage, agent.number)
    if own.caller_number is None or own.stay is None:
        own = await _with_live_facts(session, own, plan)
    return own


Told = DerivedCall | CallRecord


async def _find_call(session: AsyncSession, call_id: str, plan: NumberPlan) -> Told | None:
    """From its lines, which are ahead of its rows; of an old call only those are left."""
    present = await find_present(session, call_id, plan)
    if present is not None:
        return present
    try:
        return await get_record(session, call_id, CallScope(everything=True))
    except CallNotFound:
        return None


def _stage(agent: Agent, ids: frozenset[str]) -> Stage:
    if agent.activity_call_id in ids and agent.activity == Activity.RINGING:
        return Stage.RINGING
    if agent.activity_call_id in ids and agent.activity == Activity.ON_CALL:
        return Stage.TALKING
    return Stage.ENDED


def _talked(call: Told | None, agent_number: str) -> bool:
    return call is not None and any(
        leg.agent_number == agent_number and leg.answered_at is not None for leg in call.legs
    )


async def _has_talked(session: AsyncSession, agent: Agent, ids: frozenset[str]) -> bool:
    """As the agent's own history of late says: the ledger may be some seconds behind."""
    since = agent.activity_since - _REMEMBERED
    talked = exists().where(
        AgentStateChange.agent_id == agent.id,
        AgentStateChange.at >= since,
        AgentStateChange.activity == Activity.ON_CALL,
        AgentStateChange.call_id.in_(ids),
    )
    return bool(await session.scalar(select(talked)))


def _is_hidden(call: Told, agent_number: str) -> bool:
    """The same rule as calls.search.hidden_from."""
    about = call.call.about_agent_number if isinstance(call, CallRecord) else call.about_agent_number
    complained_at = [one.started_at for one in call.recordings if one.purpose == COMPLAINT]
    own_legs = [leg.started_at for leg in call.legs if leg.agent_number == agent_number]
    return about == agent_number or any(leg < complaint for leg in own_legs for complaint in complained_at)


def _of_record(told: Told | None, call_id: str, ids: frozenset[str], stage: Stage, agent_number: str) -> OwnCall:
    if told is None:
        return OwnCall(
            id=call_id,
            ids=ids,
            stage=stage,
            direction="inbound",
            caller_number=None,
            dialled_number=None,
            language=None,
            patient_id=None,
            verified=False,
            vip_grade=None,
            started_at=None,
            stay=None,
            steps=(),
            is_way_known=False,
            queue_names=(),
        )
    call = told.call if isinstance(told, CallRecord) else told
    stays = [
        QueueStay(
            visit.queue_name,
            visit.entered_at,
            None if visit.left_at is None else visit.wait_seconds,
            visit.agent_number,
        )
        for visit in told.visits
    ]
    return OwnCall(
        id=call_id,
        ids=ids,
        stage=stage,
        direction=call.direction,
        caller_number=call.caller_number,
        dialled_number=call.dialled_number,
        language=call.language,
        patient_id=call.patient_id,
        verified=call.verified,
        vip_grade=call.vip_grade,
        started_at=call.started_at,
        stay=_stay_of(stays, stage, agent_number),
        steps=tuple(WayStep(step.at, step.flow, step.step, step.outcome) for step in told.steps),
        is_way_known=True,
        queue_names=tuple(dict.fromkeys(stay.queue_name for stay in stays)),
    )


def _stay_of(stays: Sequence[QueueStay], stage: Stage, agent_number: str) -> QueueStay | None:
    """The one that brought the call to this agent; while it goes on, the last one."""
    answered = [stay for stay in stays if stay.agent_number == agent_number]
    if answered and stage is not Stage.RINGING:
        return answered[-1]
    return stays[-1] if stays else None


async def _with_live_facts(session: AsyncSession, own: OwnCall, plan: NumberPlan) -> OwnCall:
    """What the ledger does not tell yet: from the callers who wait now, the call-back that is placed, or the dial."""
    attempt = next((one for one in own.ids if is_attempt_id(one)), None)
    callback = await callback_queries.find_callback_of_attempt(session, attempt) if attempt else None
    if callback is not None:
        stay = QueueStay(callback.queue_name, callback.requested_at, None, None)
        return _filled(own, callback.e164, callback.patient_id, callback.did, stay, direction="outbound")
    called = await called_by_agents.find_called(session, own.ids)
    if called is not None and called.queue_name is not None:
        stay = QueueStay(called.queue_name, called.claimed_at, None, None)
        return _filled(own, called.e164, called.patient_id, called.did, stay, direction="outbound")
    waiting = await queue_queries.find_waiting(session, own.ids)
    if waiting is None:
        return await _with_own_dial(session, own)
    stay = QueueStay(waiting.queue_name, waiting.joined_at, None, None)
    return _filled(own, plan.normalise(waiting.caller_number), None, None, stay, direction=own.direction)


async def _with_own_dial(session: AsyncSession, own: OwnCall) -> OwnCall:
    """A call that an agent asked to be dialled: whose number it is."""
    dial = (await session.scalars(select(AgentDial).where(AgentDial.id.in_(own.ids)).limit(1))).first()
    if dial is None:
        return own
    return replace(
        own,
        direction="outbound",
        caller_number=own.caller_number or dial.e164,
        patient_id=own.patient_id or dial.patient_id,
        queue_names=own.queue_names or (dial.queue_name,),
    )


def _filled(
    own: OwnCall, e164: str | None, patient_id: UUID | None, did: str | None, stay: QueueStay, *, direction: str
) -> OwnCall:
    return replace(
        own,
        direction=direction,
        caller_number=own.caller_number or e164,
        patient_id=own.patient_id or patient_id,
        dialled_number=own.dialled_number or did,
        stay=own.stay or stay,
        queue_names=own.queue_names or (stay.queue_name,),
    )
