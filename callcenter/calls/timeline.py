"""A call told from ring to hang-up, in order, in Chinese and English: a pure function of its record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from callcenter.calls.derive import FALLBACK
from callcenter.calls.models import Call, Leg, QueueVisit
from callcenter.calls.search import CallRecord


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """``kind``: a stable word for programmes; the texts are for people. No numbers, no names."""

    at: datetime
    kind: str
    text_zh: str
    text_en: str


_LEFT = {
    "abandoned": ("来电者在队列{queue}中放弃等待", "The caller gave up waiting in queue {queue}"),
    "overflowed": ("从队列{queue}溢出：{reason}", "Left queue {queue} unanswered: {reason}"),
    "moved": ("由班长移出队列{queue}", "Moved out of queue {queue}"),
    "lost": ("在队列{queue}中等待时服务器中断", "The PBX died while the caller waited in queue {queue}"),
}
_REASONS = {
    "timeout": ("等待超时", "nobody answered in time"),
    "full": ("队列已满", "the queue was full"),
    "nobody_there": ("无人在岗", "nobody was there"),
    "left_empty": ("坐席全部离开", "everybody left"),
    "key": ("来电者按键离开", "the caller pressed a key"),
    "no_such_queue": ("队列不存在", "there is no such queue"),
}
_HUNG_UP_BY = {
    "caller": ("来电者挂机", "The caller hung up"),
    "agent": ("坐席挂机", "The agent hung up"),
    "pbx": ("系统结束通话", "The system ended the call"),
}
_DIRECTIONS = {
    "inbound": ("来电接入，拨打号码{number}", "The call came in for {number}"),
    "outbound": ("呼出", "A call out began"),
    "internal": ("内部呼叫{number}", "A seat dialled {number}"),
}


def tell(record: CallRecord) -> list[TimelineEntry]:
    """The whole way of the call. What happened at the same microsecond keeps the order in which it follows here."""
    entries = [
        *_began(record.call),
        *_steps(record),
        *(entry for visit in record.visits for entry in _visit(visit)),
        *(entry for leg in record.legs for entry in _leg(leg)),
        *_recordings(record),
    ]
    return [*sorted(entries, key=lambda entry: entry.at), *_ended(record.call)]


def _began(call: Call) -> Iterator[TimelineEntry]:
    zh, en = _DIRECTIONS[call.direction]
    number = call.dialled_number or "-"
    yield TimelineEntry(call.started_at, "ring", zh.format(number=number), en.format(number=number))
    if call.answered_at:
        yield TimelineEntry(call.answered_at, "answered", "系统应答", "The hotline answered")


def _steps(record: CallRecord) -> Iterator[TimelineEntry]:
    for step in record.steps:
        if step.flow == FALLBACK:
            yield TimelineEntry(
                step.at,
                "fallback",
                f"流程服务无应答（{step.outcome}），转人工",
                f"The flow service did not decide ({step.outcome}): to a person",
            )
        else:
            name = f"{step.flow}/{step.step}"
            yield TimelineEntry(step.at, "step", f"流程步骤{name}：{step.outcome}", f"Flow step {name}: {step.outcome}")


def _visit(visit: QueueVisit) -> Iterator[TimelineEntry]:
    queue, waited = visit.queue_name, f"{visit.wait_seconds:.0f}"
    yield TimelineEntry(visit.entered_at, "queue_entered", f"进入队列{queue}", f"Entered queue {queue}")
    if visit.left_at is None:
        return
    if visit.outcome == "answered":
        agent = visit.agent_number or "?"
        yield TimelineEntry(
            visit.left_at,
            "agent_answered",
            f"坐席{agent}应答（队列{queue}，等待{waited}秒）",
            f"Agent {agent} answered (queue {queue}, after {waited} s)",
        )
        return
    zh, en = _LEFT[visit.outcome]
    reason_zh, reason_en = _REASONS.get(visit.reason or "", (visit.reason or "-", visit.reason or "-"))
    yield TimelineEntry(
        visit.left_at,
        f"queue_{visit.outcome}",
        zh.format(queue=queue, reason=reason_zh),
        en.format(queue=queue, reason=reason_en),
    )


def _leg(leg: Leg) -> Iterator[TimelineEntry]:
    if leg.role != "agent":
        return
    who_zh = f"坐席{leg.agent_number}" if leg.agent_number else f"座席话机{leg.seat_name}"
    who_en = f"agent {leg.agent_number}" if leg.agent_number else f"seat {leg.seat_name}"
    yield TimelineEntry(leg.started_at, "agent_rung", f"{who_zh}振铃", f"Rang {who_en}")
    if leg.ended_at and leg.answered_at is None:
        yield TimelineEntry(leg.ended_at, "agent_not_answered", f"{who_zh}未接听", f"No answer from {who_en}")
    elif leg.ended_at:
        yield TimelineEntry(leg.ended_at, "agent_left", f"{who_zh}离开通话", f"{who_en.capitalize()} left the call")


def _recordings(record: CallRecord) -> Iterator[TimelineEntry]:
    for recording in record.recordings:
        yield TimelineEntry(recording.started_at, "recording", "开始录音", "Recording began")


def _ended(call: Call) -> Iterator[TimelineEntry]:
    if call.ended_at is None:
        return
    if call.state == "node_lost":
        yield TimelineEntry(
            call.ended_at, "node_lost", "服务器中断，此后情况不明", "The PBX died; nothing is known after this"
        )
        return
    zh, en = _HUNG_UP_BY.get(call.hung_up_by or "", ("通话结束", "The call ended"))
    yield TimelineEntry(call.ended_at, "hangup", zh, en)
