"""What an agent's wish asks of the PBX, committed together with it."""

import pytest

from callcenter.agents import service as agents
from callcenter.agents.models import Skill
from callcenter.asterisk.commands import QueueAdd, QueuePause, QueueRemove, Render
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from callcenter.queues import service as queues
from callcenter.queues.errors import QueueNotFound
from callcenter.queues.models import Queue
from tests.support.people import (
    BY_AGENT,
    PBX,
    commands_of,
    given_agent,
    given_queue,
    given_reason,
    given_seats,
    history_of,
    state_of,
)

SEAT, OTHER_SEAT = "seat-rose", "seat-lotus"


@pytest.fixture(autouse=True)
async def hotline(database: Database) -> None:
    async with database.transaction() as session:
        await given_seats(session, SEAT, OTHER_SEAT)
        await given_reason(session, "lunch")
        await given_queue(session, "vip")
        await given_queue(session, "consultation")
        await given_queue(session, "night", active=False)
        await given_agent(session, queues=["vip", "consultation", "night"])


async def log_in(database: Database, seat: str = SEAT) -> None:
    async with database.transaction() as session:
        await queues.log_in(session, await agents.get_agent(session, "1001", lock=True), seat, pbx=PBX, **BY_AGENT)


def add(queue: str, seat: str = SEAT, *, penalty: int = 0, paused: bool = True) -> QueueAdd:
    return QueueAdd(queue=queue, seat=seat, member_name="agent-1001", penalty=penalty, paused=paused)


async def test_log_in_joins_the_active_queues_paused(database: Database) -> None:
    await log_in(database)
    assert await commands_of(database) == [add("consultation"), add("vip")]


async def test_log_in_at_another_seat_leaves_the_queues_of_the_first(database: Database) -> None:
    await log_in(database)
    await log_in(database, OTHER_SEAT)
    assert (await commands_of(database))[2:] == [
        QueueRemove(queue="consultation", seat=SEAT),
        QueueRemove(queue="vip", seat=SEAT),
        add("consultation", OTHER_SEAT),
        add("vip", OTHER_SEAT),
    ]


async def test_available_pause_and_log_out_are_carried_out(database: Database) -> None:
    await log_in(database)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.set_available(session, agent, pbx=PBX, **BY_AGENT)
        await queues.pause(session, agent, "lunch", pbx=PBX, **BY_AGENT)
        await queues.log_out(session, agent, pbx=PBX, **BY_AGENT)
        await queues.log_out(session, agent, pbx=PBX, **BY_AGENT)
    assert (await commands_of(database))[2:] == [
        QueuePause(seat=SEAT, paused=False, reason=None),
        QueuePause(seat=SEAT, paused=True, reason="lunch"),
        QueueRemove(queue="consultation", seat=SEAT),
        QueueRemove(queue="vip", seat=SEAT),
    ]


async def test_a_wish_that_is_rolled_back_asks_nothing(database: Database) -> None:
    with pytest.raises(CallcenterError):
        async with database.transaction() as session:
            agent = await agents.get_agent(session, "1001", lock=True)
            await queues.log_in(session, agent, SEAT, pbx=PBX, **BY_AGENT)
            raise CallcenterError
    assert await commands_of(database) == []
    assert await history_of(database) == []
    assert (await state_of(database)).seat_name is None


async def test_membership_of_who_sits_somewhere_is_carried_out_at_once(database: Database) -> None:
    async with database.transaction() as session:
        await given_queue(session, "complaint")
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.set_membership(session, agent, "complaint", 3, pbx=PBX, cause="boss")
    assert await commands_of(database) == [], "who is not there joins with the next log-in"
    await log_in(database)
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.remove_membership(session, agent, "complaint", pbx=PBX, cause="boss")
        await queues.remove_membership(session, agent, "complaint", pbx=PBX, cause="boss")
        await queues.set_membership(session, agent, "complaint", 5, pbx=PBX, cause="boss")
    asked = await commands_of(database)
    assert add("complaint", penalty=3) in asked
    after = asked[3:]
    assert after[0] == QueueRemove(queue="complaint", seat=SEAT)
    assert after[-1] == add("vip")
    assert add("complaint", penalty=5) in after
    async with database.transaction() as session:
        with pytest.raises(QueueNotFound):
            await queues.set_membership(session, agent, "nowhere", 0, pbx=PBX, cause="boss")


async def test_desired_members_are_who_sits_somewhere_in_active_queues(database: Database) -> None:
    async with database.transaction() as session:
        assert await queues.desired_members(session) == set()
    await log_in(database)
    async with database.transaction() as session:
        await given_agent(session, "1002", queues=["vip"])
        await queues.set_available(session, await agents.get_agent(session, "1001", lock=True), pbx=PBX, **BY_AGENT)
    async with database.transaction() as session:
        assert await queues.desired_members(session) == {
            queues.Member(name, SEAT, "agent-1001", 0, paused=False) for name in ("consultation", "vip")
        }


async def test_the_better_at_the_queue_s_skill_the_earlier_an_agent_is_rung(database: Database) -> None:
    """On top of the penalty of the place; who has none of it is rung last; other queues are as they were."""
    await log_in(database)
    async with database.transaction() as session:
        session.add(Skill(code="cantonese", label_zh="粤语", label_en="Cantonese"))
        (await session.get_one(Queue, "vip")).skill = "cantonese"
        await session.flush()
        agent = await agents.get_agent(session, "1001", lock=True)
        await queues.set_membership(session, agent, "vip", 10, pbx=PBX, cause="boss")

    async def penalties() -> dict[str, int]:
        async with database.transaction() as session:
            return {member.queue: member.penalty for member in await queues.desired_members(session)}

    assert await penalties() == {"vip": 15, "consultation": 0}
    for level, penalty in ((1, 14), (5, 10)):
        async with database.transaction() as session:
            agent = await agents.get_agent(session, "1001", lock=True)
            await agents.set_skills(session, agent, {"cantonese": level})
        assert await penalties() == {"vip": penalty, "consultation": 0}


# -- queues that only Asterisk has


async def test_places_in_the_queues_that_only_asterisk_has(database: Database) -> None:
    """A personal queue for the queue that asks for it, and the shadows of the others' complaints; paused, and gone."""
    async with database.transaction() as session:
        (await queues.get_queue(session, "consultation")).last_agent_first = True
        (await queues.get_queue(session, "vip")).excludes_complained_agent = True
        await given_agent(session, "1002", queues=["vip"])
    await log_in(database)
    expected = [add("consultation"), add("vip"), add("vip--not-1002"), add("own-1001")]
    assert sorted(await commands_of(database), key=str) == sorted(expected, key=str)
    async with database.transaction() as session:
        desired = await queues.desired_members(session)
        configuration = await queues.get_pbx_configuration(session)
        configuration.check()
    assert {member.queue for member in desired} == {"consultation", "vip", "vip--not-1002", "own-1001"}
    assert queues.plan_corrections(desired, desired) == []
    assert {queue.name: queue.without for queue in configuration.queues} == {
        "consultation": (),
        "vip": ("1001", "1002"),
    }
    assert [personal.agent_number for personal in configuration.personal_queues] == ["1001"]

    async with database.transaction() as session:
        await queues.log_out(session, await agents.get_agent(session, "1001", lock=True), pbx=PBX, **BY_AGENT)
    removed = {command.queue for command in (await commands_of(database))[4:] if isinstance(command, QueueRemove)}
    assert removed == {"consultation", "vip", "vip--not-1002", "own-1001"}


async def test_a_change_of_members_renders_what_it_changes(database: Database) -> None:
    """First the queue, then who stands in it."""
    async with database.transaction() as session:
        (await queues.get_queue(session, "vip")).excludes_complained_agent = True
        agent = await given_agent(session, "1002")
    await log_in(database)
    before = len(await commands_of(database))
    async with database.transaction() as session:
        await queues.set_membership(session, agent, "vip", 0, pbx=PBX, cause="test")
        await queues.set_membership(session, await agents.get_agent(session, "1001"), "vip", 5, pbx=PBX, cause="test")
    asked = (await commands_of(database))[before:]
    assert asked[:2] == [Render(), Render()]
    assert add("vip--not-1002", penalty=5) in asked
    before = len(await commands_of(database))
    async with database.transaction() as session:
        await queues.remove_membership(session, await agents.get_agent(session, "1001"), "vip", pbx=PBX, cause="test")
    asked = (await commands_of(database))[before:]
    assert asked == [
        QueueRemove(queue="vip", seat=SEAT),
        QueueRemove(queue="vip--not-1002", seat=SEAT),
        Render(),
    ]
