"""The commands that turn Asterisk's members into the ones the database wants."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk.commands import Command, QueueAdd, QueuePause, QueueRemove
from callcenter.asterisk.events import QueueMember, parse_event
from callcenter.queues.service import Member, member_of, plan_corrections, plan_renewals

QUEUES = ("complaint", "consultation", "vip")
SEATS = ("seat-lotus", "seat-maple", "seat-rose")
NAMES = ("agent-1001", "agent-1002", "agent-1003")


@st.composite
def wished(draw: st.DrawFn) -> set[Member]:
    """As the database has it: one agent a seat, paused in all their queues or in none."""
    agents = {seat: (draw(st.sampled_from(NAMES)), draw(st.booleans())) for seat in SEATS}
    places = draw(st.sets(st.tuples(st.sampled_from(QUEUES), st.sampled_from(SEATS))))
    return {
        Member(queue, seat, name, draw(st.integers(0, 2)), paused)
        for queue, seat in sorted(places)
        for name, paused in [agents[seat]]
    }


@st.composite
def found(draw: st.DrawFn) -> set[Member]:
    """As an outage, or somebody at Asterisk's console, may have left it."""
    places = draw(st.sets(st.tuples(st.sampled_from(QUEUES), st.sampled_from((*SEATS, "seat-stranger")))))
    return {
        Member(queue, seat, draw(st.sampled_from((*NAMES, "bot"))), draw(st.integers(0, 2)), draw(st.booleans()))
        for queue, seat in sorted(places)
    }


def carried_out(commands: Iterable[Command], members: set[Member]) -> set[Member]:
    """What app_queue makes of them; fails for what it would refuse."""
    places = {(member.queue, member.seat): member for member in members}
    for command in commands:
        match command:
            case QueueRemove():
                del places[command.queue, command.seat]
            case QueueAdd():
                assert (command.queue, command.seat) not in places, "Already there"
                places[command.queue, command.seat] = Member(
                    command.queue, command.seat, command.member_name, command.penalty, command.paused
                )
            case QueuePause():
                hit = [member for member in places.values() if member.seat == command.seat]
                assert hit, "Interface not found"
                for member in hit:
                    places[member.queue, member.seat] = Member(
                        member.queue, member.seat, member.member_name, member.penalty, command.paused
                    )
            case _:
                raise AssertionError(command)
    return set(places.values())


@given(wished(), found())
def test_carried_out_the_plan_gives_what_was_wished(wish: set[Member], actual: set[Member]) -> None:
    assert carried_out(plan_corrections(wish, actual), actual) == wish


@given(wished())
def test_where_nothing_differs_nothing_is_done(wish: set[Member]) -> None:
    assert plan_corrections(wish, set(wish)) == []


@given(wished(), found())
def test_who_is_right_already_is_left_alone(wish: set[Member], actual: set[Member]) -> None:
    """Removed and added, a member would lose the wrap-up that keeps the next call away."""
    touched = {(c.queue, c.seat) for c in plan_corrections(wish, actual) if isinstance(c, QueueAdd | QueueRemove)}
    assert touched.isdisjoint({(member.queue, member.seat) for member in wish & actual})


@given(wished(), found())
def test_the_same_plan_whatever_the_order(wish: set[Member], actual: set[Member]) -> None:
    plan = plan_corrections(sorted(wish), sorted(actual))
    assert plan == plan_corrections(sorted(wish, reverse=True), sorted(actual, reverse=True))


def test_a_seat_whose_name_ends_as_channels_do_is_itself() -> None:
    """Its interface was once read as that of another seat, and corrected every three seconds."""
    headers = {"Event": "QueueMember", "Queue": "vip", "Name": "agent-1001", "Location": "PJSIP/seat-cafebabe"}
    row = parse_event(headers)
    assert isinstance(row, QueueMember)
    assert member_of(row) == Member("vip", "seat-cafebabe", "agent-1001", 0, paused=False)


def row(name: str, seat: str, *, last_call_at: datetime | None, in_call: bool = False) -> QueueMember:
    headers = {
        "Event": "QueueMember",
        "Queue": "vip",
        "Name": name,
        "Location": f"PJSIP/{seat}",
        "Penalty": "0",
        "LastCall": str(int(last_call_at.timestamp())) if last_call_at else "0",
        "InCall": "1" if in_call else "0",
        "Status": "1",
        "Paused": "0",
    }
    parsed = parse_event(headers)
    assert isinstance(parsed, QueueMember)
    return parsed


def test_whose_last_call_is_still_to_come_goes_out_and_in_again() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    soon, before = at + timedelta(minutes=5), at - timedelta(minutes=5)
    stuck = row("agent-1001", "seat-lotus", last_call_at=soon)
    others = [
        row("agent-1002", "seat-maple", last_call_at=before),
        row("agent-1003", "seat-rose", last_call_at=soon, in_call=True),  # at its end it gets the new time
        row("agent-1004", "seat-stranger", last_call_at=None),
    ]
    rows = [stuck, *others]
    wish = {member_of(one) for one in rows}
    assert plan_renewals(wish, others, at) == []
    commands = plan_renewals(wish, rows, at)
    assert commands == [
        QueueRemove(queue="vip", seat="seat-lotus"),
        QueueAdd(queue="vip", seat="seat-lotus", member_name="agent-1001", penalty=0, paused=False),
    ]
    assert carried_out(commands, set(wish)) == wish
