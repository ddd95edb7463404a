"""What a call was, from its ledger events alone: pure functions, the same result however often they run.

Times come from channel events (microseconds); queue_log only says which agent's name belongs to a leg and how a
caller left without an answer. Sources of the rules: docs/glossary.md (words), "Call patterns" tried on Asterisk 22.
Lines may come in any order and in part: what is not known yet is None or ``open``.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from callcenter.asterisk import variables
from callcenter.asterisk.ledger import CelRecord, QueueLogRecord, endpoint_of, seat_of_channel
from callcenter.asterisk.spy_ids import is_spy_id
from callcenter.calls.channels import Channel, Span, overlap, read_channels, without_joints
from callcenter.calls.clock_steps import in_order
from callcenter.calls.offers import find_offer, held_by
from callcenter.calls.parties import direction_of, hung_up_by, is_out, last_agent, main_channel
from callcenter.calls.ratings import mark_of, rate_visits
from callcenter.calls.visits import DerivedVisit, answered_by, derive_visits

AgentAt = Callable[[str, datetime], str | None]
"""(seat, time) to the number of the agent who sat there."""

_MEMBER = re.compile(r"^agent-(?P<number>[A-Za-z0-9]+)$")
_PURPOSE = re.compile(r"^[a-z_]{1,40}$")
_DAY = re.compile(r"^\d{8}$")
_NUMBER = re.compile(r"^[1-9]\d{0,3}$")
_QUEUE = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")
_AGENT = re.compile(r"^[A-Za-z0-9]{1,20}$")
FALLBACK = "fallback"
_STEP_EVENTS = frozenset({variables.EVENT_STEP, variables.EVENT_FALLBACK})
WAY_EVENTS = _STEP_EVENTS | {variables.EVENT_WAY, variables.EVENT_WHO}
"""Of the ledger, what :func:`derive_way` reads."""
LINES_LOST = "LINES_LOST"
"""A finding of ours among the events (calls/lost_lines.py): the call is over, its last lines never came."""


@dataclass(frozen=True, slots=True)
class DerivedLeg:
    """One channel; columns of :class:`callcenter.calls.models.Leg`."""

    uniqueid: str
    channel: str
    role: str
    seat_name: str | None
    agent_number: str | None
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    hangup_cause: int | None
    queue_name: str | None = None
    offer: str | None = None
    held: tuple[tuple[datetime, datetime], ...] | None = None
    transferred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DerivedStep:
    """A finished step of the flow; ``flow`` is ``fallback`` where the dialplan acted without the service."""

    number: int
    at: datetime
    flow: str
    step: str
    outcome: str


@dataclass(frozen=True, slots=True)
class DerivedRecording:
    """A recording that was begun; ``file`` is relative to the PBX's recordings folder."""

    file: str
    purpose: str
    queue_name: str | None
    agent_number: str | None
    """On whose leg it was made; None: on the caller's."""
    started_at: datetime


@dataclass(frozen=True, slots=True)
class DerivedCall:
    """A call; columns of :class:`callcenter.calls.models.Call` and what belongs to it."""

    id: str
    direction: str
    caller_number: str | None
    dialled_number: str | None
    flow: str | None
    flow_revision: str | None
    language: str | None
    patient_id: UUID | None
    verified: bool
    vip_grade: str | None
    agent_number: str | None
    queue_name: str | None
    state: str
    outcome: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    wait_seconds: float
    talk_seconds: float
    hold_seconds: float
    duration_seconds: float
    hung_up_by: str | None
    hangup_cause: int | None
    rating: int | None
    about_agent_number: str | None
    legs: tuple[DerivedLeg, ...]
    visits: tuple[DerivedVisit, ...]
    steps: tuple[DerivedStep, ...]
    recordings: tuple[DerivedRecording, ...]


def seats_in(events: Iterable[CelRecord]) -> set[tuple[str, datetime]]:
    """The (seat, time) pairs that :func:`derive_call` will ask ``agent_at`` about."""
    channels = read_channels(in_order(events))
    return {(seat, one.started_at) for one in channels.values() if (seat := seat_of_channel(one.name)) is not None}


def derive_call(
    call_id: str,
    events: Sequence[CelRecord],
    queue_log: Sequence[QueueLogRecord] = (),
    *,
    boots: Iterable[datetime] = (),
    agent_at: AgentAt = lambda _seat, _at: None,
    normalise: Callable[[str], str | None] = lambda number: number or None,
) -> DerivedCall | None:
    """The call made of ``events`` (those of all its linkedids, in the order of the files); None without any.

    ``queue_log``: lines whose callid is one of its channels. ``boots``: starts of its PBX; an unfinished call that
    began before one ended with the PBX, and one with :data:`LINES_LOST` with its last known line. ``normalise``: a
    number as the trunk wrote it, to E.164 or None.
    """
    ordered = _told_apart(in_order([event for event in events if event.kind != LINES_LOST]))
    kinds: dict[str, list[CelRecord]] = {}
    for event in ordered:
        kinds.setdefault(event.kind, []).append(event)
    all_channels = read_channels(ordered)
    channels = without_joints(all_channels)
    if not channels or is_spy_id(call_id):
        return None  # a call-back that only waits: no telephone has rung yet; or a supervisor who listens
    main, is_placed = main_channel(call_id, all_channels, channels)
    finished = any(event.linkedid == call_id for event in kinds.get("LINKEDID_END", ()))
    last_at = ordered[-1].at
    is_cut = any(event.kind == LINES_LOST for event in events)
    lost = not finished and (is_cut or any(boot > main.started_at for boot in boots))
    agents = _agents_of_legs(channels.values(), queue_log, agent_at)
    attended = [event for event in kinds.get("ATTENDEDTRANSFER", ()) if is_out(all_channels.get(event.uniqueid), event)]
    transfers = [*kinds.get("BLINDTRANSFER", ()), *attended]
    visits = tuple(
        visit
        for channel in channels.values()
        for visit in derive_visits(
            channel,
            channels,
            queue_log,
            transfers=transfers,
            agents=agents,
            last_at=last_at,
            lost=lost,
        )
    )
    marks = kinds.get(variables.EVENT_RATING, ())
    stays = main.stays(last_at)
    hold = overlap((stay.span for stay in stays), main.music(last_at))
    started = _payload(kinds.get(variables.EVENT_CALL, ())[:1])
    flows = kinds.get(variables.EVENT_FLOW, ())
    flow = _payload(flows[:1])
    who = _payload(kinds.get(variables.EVENT_WHO, ())[-1:])
    state = "finished" if finished else "node_lost" if lost else "open"
    ended_at = None if state == "open" else last_at
    return DerivedCall(
        id=call_id,
        direction=direction_of(main, is_placed=is_placed),
        caller_number=normalise(started.get("caller", "")),
        dialled_number=started.get("did") or main.extension or None,
        flow=flow.get("flow") or None,
        flow_revision=flow.get("rev") or None,
        language=_payload(flows[-1:]).get("lang") or None,
        patient_id=_uuid(who.get("patient")),
        verified=who.get("verified") == "1",
        vip_grade=who.get("grade") or None,
        agent_number=last_agent(call_id, main, channels, agents, last_at) or answered_by(visits),
        queue_name=visits[-1].queue_name if visits else None,
        state=state,
        outcome=_outcome(state, visits, talked=bool(stays), legs=len(all_channels)),
        started_at=main.started_at,
        answered_at=main.answered_at,
        ended_at=ended_at,
        wait_seconds=math.fsum(visit.wait_seconds for visit in visits),
        talk_seconds=(Span.total(stay.span for stay in stays) - hold).total_seconds(),
        hold_seconds=hold.total_seconds(),
        duration_seconds=(ended_at - main.started_at).total_seconds() if ended_at else 0.0,
        hung_up_by=hung_up_by(main),
        hangup_cause=main.hangup_cause,
        rating=next(filter(None, map(mark_of, reversed(marks))), None),
        about_agent_number=_about_agent(kinds.get(variables.EVENT_COMPLAINT, ())),
        legs=tuple(
            _work(
                leg,
                channel,
                channels.values(),
                visits,
                transfers=transfers,
                last_at=last_at,
                is_over=state != "open",
            )
            for channel in channels.values()
            if channel.is_own or channel is main or is_spy_id(channel.uniqueid)
            for leg in [_leg(channel, agents, caller=None if is_placed else main)]
        ),
        visits=rate_visits(visits, marks),
        steps=_steps(ordered),
        recordings=_recordings(kinds.get(variables.EVENT_RECORD, ()), agents),
    )


@dataclass(frozen=True, slots=True)
class Way:
    """What the flow has told so far of a call that goes on."""

    verified: bool
    steps: tuple[DerivedStep, ...]


def derive_way(events: Sequence[CelRecord]) -> Way:
    """``events``: of a call, those of WAY_EVENTS, in the order of the ledger."""
    apart = _told_apart(events)
    who = _payload([event for event in apart if event.kind == variables.EVENT_WHO][-1:])
    return Way(verified=who.get("verified") == "1", steps=_steps(apart))


def _told_apart(ordered: Sequence[CelRecord]) -> list[CelRecord]:
    """What the flow runner wrote as one event (variables.EVENT_WAY), as the events that it is made of."""
    apart: list[CelRecord] = []
    for event in ordered:
        way = event.extra.get("extra") if event.kind == variables.EVENT_WAY else None
        if isinstance(way, str):
            apart += [event._replace(kind=kind, extra={"extra": said}) for kind, said in variables.parse_way(way)]
        else:
            apart.append(event)
    return apart


def _agents_of_legs(
    channels: Iterable[Channel], queue_log: Iterable[QueueLogRecord], agent_at: AgentAt
) -> Mapping[str, str]:
    """uniqueid to agent number: as app_queue named the member it connected, else who sat at the seat."""
    agents = {}
    for channel in channels:
        seat = seat_of_channel(channel.name)
        number = agent_at(seat, channel.started_at) if seat else None
        if number:
            agents[channel.uniqueid] = number
    for line in queue_log:
        member = _MEMBER.match(line.agent)
        if line.kind == "CONNECT" and len(line.data) > 1 and member:
            agents[line.data[1]] = member["number"]
    return agents


def _leg(channel: Channel, agents: Mapping[str, str], *, caller: Channel | None) -> DerivedLeg:
    seat = seat_of_channel(channel.name)
    if seat:
        role = "agent"
    elif channel is caller:
        role = "caller"
    else:
        role = "trunk" if endpoint_of(channel.name) else "other"
    return DerivedLeg(
        uniqueid=channel.uniqueid,
        channel=channel.name,
        role=role,
        seat_name=seat,
        agent_number=agents.get(channel.uniqueid),
        started_at=channel.started_at,
        # who took the call over had answered before
        answered_at=channel.started_at if is_spy_id(channel.uniqueid) else channel.answered_at,
        ended_at=channel.ended_at,
        hangup_cause=channel.hangup_cause,
    )


def _work(
    leg: DerivedLeg,
    channel: Channel,
    channels: Iterable[Channel],
    visits: Sequence[DerivedVisit],
    *,
    transfers: Iterable[CelRecord],
    last_at: datetime,
    is_over: bool,
) -> DerivedLeg:
    """The leg with what the agent did on it."""
    if leg.role != "agent":
        return leg
    offer = find_offer(channel, visits, last_at, is_over=is_over)
    held = held_by(channel, channels, last_at)
    passed_on = [event.at for event in transfers if event.uniqueid == channel.uniqueid]
    return replace(
        leg,
        queue_name=offer.queue_name if offer else None,
        offer=offer.outcome if offer else None,
        held=tuple((span.start, span.end) for span in held) or None,
        transferred_at=min(passed_on, default=None),
    )


def _outcome(state: str, visits: Sequence[DerivedVisit], *, talked: bool, legs: int) -> str:
    if state == "open":
        return "open"
    if any(visit.outcome == "answered" for visit in visits) or talked:
        return "answered"
    if state == "node_lost":
        return "lost"
    if visits:
        return "abandoned" if visits[-1].outcome == "abandoned" else "not_served"
    return "self_service" if legs == 1 else "not_served"


def _steps(ordered: Iterable[CelRecord]) -> tuple[DerivedStep, ...]:
    steps: list[DerivedStep] = []
    for event in ordered:
        if event.kind not in _STEP_EVENTS:
            continue
        said = event.payload
        if event.kind == variables.EVENT_STEP:
            flow, step, outcome = said.get("flow", ""), said.get("step", ""), said.get("outcome", "")
        else:
            flow, step, outcome = FALLBACK, FALLBACK, said.get("why", "")
        steps.append(DerivedStep(len(steps) + 1, event.at, flow, step, outcome))
    return tuple(steps)


def _recordings(begun: Iterable[CelRecord], agents: Mapping[str, str]) -> tuple[DerivedRecording, ...]:
    found: dict[str, DerivedRecording] = {}
    for event in begun:
        said = event.payload
        purpose, day, number = said.get("purpose", ""), said.get("day", ""), said.get("number", "")
        if not (_PURPOSE.match(purpose) and _DAY.match(day)):
            continue
        queue = said.get("queue", "")
        form = variables.RAW if said.get("form") == variables.RAW else "wav"
        count = int(number) if _NUMBER.match(number) else 0
        file = variables.recording_file(purpose, day, event.uniqueid, count, form=form)
        of_queue = queue if _QUEUE.match(queue) else None
        found.setdefault(file, DerivedRecording(file, purpose, of_queue, agents.get(event.uniqueid), event.at))
    return tuple(found.values())


def _about_agent(complaints: Iterable[CelRecord]) -> str | None:
    """Of two agents complained of on one call the first: the second one talked in it, and sees nothing anyway."""
    named = (event.payload.get("agent", "") for event in complaints)
    return next(filter(_AGENT.match, named), None)


def _payload(one_or_none: Sequence[CelRecord]) -> dict[str, str]:
    return one_or_none[0].payload if one_or_none else {}


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
