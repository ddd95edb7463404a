"""Rows of pbx_commands on their way to an Asterisk: committed, claimed, sent once, answered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from callcenter.asterisk.campaign_commands import PlaceCampaignCall
from callcenter.asterisk.commands import (
    TOPIC,
    Command,
    QueueAdd,
    QueuePause,
    QueueRemove,
    Reload,
    Render,
    claim_commands,
    request_command,
    request_commands,
)
from callcenter.asterisk.errors import AmiUnavailable
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.asterisk.sender import TOO_LATE, CommandSender
from callcenter.core.bus import connect
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError, InvalidInput
from callcenter.retention import keep_to_retention
from tests.support.ami_peer import Action, AmiLink, AmiPeer, eventually, session, silent
from tests.support.people import PBX
from tests.support.polling import becomes

REMOVE = QueueRemove(queue="vip", seat="seat-rose")
ADD = QueueAdd(queue="vip", seat="seat-rose", member_name="agent-1001", penalty=0, paused=False)
PAUSE = QueuePause(seat="seat-rose", paused=True, reason="lunch")
Performers = Mapping[str, Callable[[Command], Awaitable[str]]]


async def given_requested(database: Database, *commands: Command, pbx: str = PBX) -> None:
    async with database.transaction() as transaction:
        for command in commands:
            await request_command(transaction, pbx, command, cause="test")


async def rows(database: Database) -> Sequence[PbxCommand]:
    async with database.transaction() as transaction:
        return (await transaction.scalars(select(PbxCommand).order_by(PbxCommand.id))).all()


async def states(database: Database) -> list[str]:
    return [row.state for row in await rows(database)]


async def reaches(database: Database, *wanted: str) -> None:
    await becomes(lambda: states(database), lambda found: found == list(wanted))


@pytest.fixture
async def peer() -> AsyncIterator[AmiPeer]:
    async with AmiPeer() as peer:
        yield peer


@asynccontextmanager
async def sender_of(
    database: Database, peer: AmiPeer, performers: Performers | None = None, *, timeout_seconds: float = 5.0
) -> AsyncIterator[CommandSender]:
    """Connected, not running."""
    async with session(peer, action_timeout_seconds=timeout_seconds) as ami:
        yield CommandSender(database, ami, PBX, performers or {})


def answering(response: str, message: str) -> Callable[[AmiLink, Action], bool]:
    def answer(link: AmiLink, action: Action) -> bool:
        link.respond(action, response, Message=message)
        return True

    return answer


# -- asked for


async def test_what_is_rolled_back_leaves_no_row_and_no_word(database: Database) -> None:
    heard: list[object] = []
    listener = await connect(database.url, application_name="test")
    await listener.add_listener(TOPIC, lambda *args: heard.append(args[3]))
    with pytest.raises(CallcenterError):
        async with database.transaction() as transaction:
            await request_command(transaction, PBX, REMOVE, cause="test")
            await transaction.flush()
            raise CallcenterError
    assert await rows(database) == []
    await given_requested(database, REMOVE, pbx="pbx2")
    await eventually(lambda: heard)
    assert heard == ["pbx2"], "the word of the rolled back one would have come first"
    await listener.close()


async def test_a_row_holds_all_that_is_needed(database: Database) -> None:
    await given_requested(database, PAUSE)
    (row,) = await rows(database)
    assert (row.pbx, row.action, row.cause, row.state) == (PBX, "queue_pause", "test", "pending")
    assert row.arguments == {"seat": "seat-rose", "paused": True, "reason": "lunch"}
    assert (row.sent_at, row.finished_at, row.answer) == (None, None, None)


# -- claimed


async def test_claims_are_in_order_limited_and_of_one_pbx(database: Database) -> None:
    await given_requested(database, REMOVE, pbx="pbx2")
    await given_requested(database, *[ADD] * 5)
    async with database.transaction() as transaction:
        claimed = await claim_commands(transaction, PBX, limit=3)
        assert [row.id for row in claimed] == sorted(row.id for row in claimed)
    assert await states(database) == ["pending", "sent", "sent", "sent", "pending", "pending"]
    async with database.transaction() as transaction:
        assert len(await claim_commands(transaction, PBX, limit=3)) == 2


async def test_two_who_claim_at_once_never_claim_the_same(database: Database) -> None:
    await given_requested(database, *[ADD] * 4)
    async with database.transaction() as first:
        mine = {row.id for row in await claim_commands(first, PBX, limit=2)}
        async with database.transaction() as second, asyncio.timeout(5):
            others = {row.id for row in await claim_commands(second, PBX, limit=4)}
    assert len(mine) == len(others) == 2
    assert mine.isdisjoint(others)


# -- sent


async def test_commands_arrive_in_order_and_are_done(database: Database, peer: AmiPeer) -> None:
    await given_requested(database, REMOVE, ADD, PAUSE, Reload(module="app_queue.so"))
    async with sender_of(database, peer) as sender:
        assert await sender.send_pending() == 4
        assert await sender.send_pending() == 0
    names = [action["Action"] for action in peer.link.actions if action["Action"] not in ("Login", "Ping")]
    assert names == ["QueueRemove", "QueueAdd", "QueuePause", "Reload"]
    for row in await rows(database):
        assert (row.state, row.answer) == ("done", "done")
        assert row.sent_at is not None
        assert row.finished_at is not None


async def test_a_command_is_marked_sent_before_asterisk_hears_of_it(database: Database, peer: AmiPeer) -> None:
    """Seen from another connection at the moment of the action."""
    peer.on_action = silent
    await given_requested(database, REMOVE)
    async with sender_of(database, peer) as sender:
        sending = asyncio.create_task(sender.send_pending())
        await eventually(lambda: peer.seen("QueueRemove"))
        assert await states(database) == ["sent"]
        sending.cancel()
        await asyncio.wait({sending})


async def test_a_sender_killed_before_the_answer_leaves_unknown_and_nobody_sends_again(
    database: Database, peer: AmiPeer
) -> None:
    peer.on_action = silent
    await given_requested(database, REMOVE, ADD)
    async with sender_of(database, peer) as sender:
        sending = asyncio.create_task(sender.send_pending())
        await eventually(lambda: peer.seen("QueueRemove"))
        sending.cancel()
        await asyncio.wait({sending})
    assert await states(database) == ["sent", "sent"]
    peer.on_action = lambda link, action: False
    async with sender_of(database, peer) as successor:
        await successor.settle()
        assert await states(database) == ["unknown", "unknown"]
        assert await successor.send_pending() == 0
        await given_requested(database, PAUSE)
        assert await successor.send_pending() == 1
        await successor.settle()
    assert await states(database) == ["unknown", "unknown", "done"]
    assert len(peer.seen("QueueRemove")) == 1
    assert peer.seen("QueueAdd") == []


async def test_settling_leaves_other_pbxs_and_what_waits_alone(database: Database, peer: AmiPeer) -> None:
    await given_requested(database, REMOVE, pbx="pbx2")
    async with database.transaction() as transaction:
        await claim_commands(transaction, "pbx2", limit=1)
    await given_requested(database, ADD)
    async with sender_of(database, peer) as sender:
        await sender.settle()
    assert await states(database) == ["sent", "pending"]


async def test_no_answer_in_time_is_unknown(database: Database, peer: AmiPeer) -> None:
    peer.on_action = silent
    await given_requested(database, REMOVE)
    async with sender_of(database, peer, timeout_seconds=0.05) as sender:
        await sender.send_pending()
        assert await sender.send_pending() == 0
    (row,) = await rows(database)
    assert row.state == "unknown"
    assert row.finished_at is not None
    assert len(peer.seen("QueueRemove")) == 1


@pytest.mark.parametrize(
    ("command", "message", "state"),
    [
        (ADD, "Unable to add interface to queue: No such queue", "failed"),
        (ADD, "Unable to add interface: Already there", "done"),
        (REMOVE, "Unable to remove interface: Not there", "done"),
        (REMOVE, "Unable to remove interface from queue: No such queue", "failed"),
        (PAUSE, "Interface not found", "failed"),
    ],
)
async def test_what_asterisk_refuses_is_failed_unless_it_is_so_already(
    database: Database, peer: AmiPeer, command: Command, message: str, state: str
) -> None:
    peer.on_action = answering("Error", message)
    await given_requested(database, command)
    async with sender_of(database, peer) as sender:
        await sender.send_pending()
    (row,) = await rows(database)
    assert (row.state, row.answer) == (state, message)


async def test_a_link_that_breaks_leaves_one_unknown_and_the_rest_waiting(database: Database, peer: AmiPeer) -> None:
    """Asterisk has surely not heard of the rest: they are sent, in order, when it is back."""

    def breaks(link: AmiLink, action: Action) -> bool:
        if action["Action"] == "QueueAdd":
            link.drop()
            return True
        return False

    peer.on_action = breaks
    await given_requested(database, REMOVE, ADD, PAUSE, REMOVE)
    async with sender_of(database, peer) as sender:
        running = asyncio.create_task(sender.run())
        await eventually(lambda: peer.seen("QueueAdd"))
        peer.on_action = lambda link, action: False
        await reaches(database, "done", "unknown", "done", "done")
        running.cancel()
        await asyncio.wait({running})
    assert len(peer.seen("QueueAdd")) == 1
    names = [action["Action"] for action in peer.link.actions if action["Action"].startswith("Queue")]
    assert names == ["QueuePause", "QueueRemove"]


async def test_while_asterisk_is_away_rows_wait(database: Database, peer: AmiPeer) -> None:
    async with sender_of(database, peer) as sender:
        peer.stop()
        running = asyncio.create_task(sender.run())
        await eventually(lambda: peer.link.closed)
        await given_requested(database, REMOVE, ADD)
        for _ in range(20):
            sender.wake()
            await asyncio.sleep(0)
        assert set(await states(database)) == {"pending"}
        await peer.listen()
        await reaches(database, "done", "done")
        running.cancel()
        await asyncio.wait({running})


async def test_a_row_of_another_version_fails_alone(database: Database, peer: AmiPeer) -> None:
    async with database.transaction() as transaction:
        for action, arguments in [("dance", {}), ("queue_remove", {"queue": "vip", "seat": "a|b"}), ("queue_add", {})]:
            transaction.add(
                PbxCommand(
                    pbx=PBX,
                    action=action,
                    arguments=arguments,
                    cause="test",
                    state=CommandState.PENDING,
                    created_at=now(),
                )
            )
            await transaction.flush()
    await given_requested(database, REMOVE)
    async with sender_of(database, peer) as sender:
        assert await sender.send_pending() == 4
    assert await states(database) == ["failed", "failed", "failed", "done"]
    assert [action["Interface"] for action in peer.seen("QueueRemove")] == ["PJSIP/seat-rose"]


async def test_a_long_answer_is_cut(database: Database, peer: AmiPeer) -> None:
    peer.on_action = answering("Error", "x" * 900)
    await given_requested(database, PAUSE)
    async with sender_of(database, peer) as sender:
        await sender.send_pending()
    assert (await rows(database))[0].answer == "x" * 500


# -- performed by the engine itself


async def test_the_engine_performs_what_is_no_ami_action(database: Database, peer: AmiPeer) -> None:
    async def renders(command: Command) -> str:
        assert command == Render()
        return "changed: nothing"

    async def refuses(_command: Command) -> str:
        raise InvalidInput("seat name 'x y' cannot stand in the PBX configuration.")

    for performer, state in [(renders, "done"), (refuses, "failed")]:
        await given_requested(database, Render())
        async with sender_of(database, peer, {"render": performer}) as sender:
            await sender.send_pending()
        assert (await states(database))[-1] == state
    first, second = await rows(database)
    assert (first.answer, "'x y'" in (second.answer or "")) == ("changed: nothing", True)


async def test_a_rendering_that_nobody_finished_is_asked_for_anew(database: Database, peer: AmiPeer) -> None:
    """Unlike Asterisk's members, nothing else would ever find the difference."""
    begun, performed = asyncio.Event(), 0

    async def hangs(_command: Command) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    async def renders(_command: Command) -> str:
        nonlocal performed
        performed += 1
        return "changed: pjsip.conf"

    await given_requested(database, Render(), Render(), REMOVE)
    async with sender_of(database, peer, {"render": hangs}) as sender:
        sending = asyncio.create_task(sender.send_pending())
        await begun.wait()
        sending.cancel()
        await asyncio.wait({sending})
    async with sender_of(database, peer, {"render": renders}) as successor:
        await successor.settle()
        await successor.send_pending()
        await successor.settle()
    assert await states(database) == ["unknown", "unknown", "unknown", "done"]
    assert ((await rows(database))[-1].cause, performed) == ("reconcile", 1)


@pytest.mark.parametrize("sent", [False, True])
async def test_a_rendering_whose_link_broke_waits_for_the_next(database: Database, peer: AmiPeer, sent: bool) -> None:
    tries = 0

    async def renders(_command: Command) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise AmiUnavailable(sent=sent)
        return "changed: nothing"

    await given_requested(database, Render())
    async with sender_of(database, peer, {"render": renders}) as sender:
        assert await sender.send_pending() == 0
        assert await states(database) == ["pending"]
        assert await sender.send_pending() == 1
    assert await states(database) == ["done"]


@pytest.mark.parametrize(("waited_seconds", "state"), [(9.0, "done"), (11.0, "failed")])
async def test_a_campaign_s_call_that_waited_too_long_is_not_made(
    database: Database, peer: AmiPeer, waited_seconds: float, state: str
) -> None:
    """Its hour may be over, and its attempt will be settled as never placed."""
    call = PlaceCampaignCall(
        attempt="pbx1-ca-gggggggggggggggggggggggggggggggh",
        number="13800000001",
        did="8000",
        language="zh",
        ring_seconds=30,
    )
    async with database.transaction() as transaction:
        await request_commands(transaction, PBX, [call], cause="campaign")
        at = now() - timedelta(seconds=waited_seconds)
        await transaction.execute(update(PbxCommand).values(created_at=at))
    async with sender_of(database, peer) as sender:
        await sender.send_pending()
    (row,) = await rows(database)
    assert (row.state, row.answer == TOO_LATE) == (state, state == "failed")


async def test_a_notification_wakes_the_sender(database: Database, peer: AmiPeer) -> None:
    async with sender_of(database, peer) as sender:
        running = asyncio.create_task(sender.run())
        await given_requested(database, REMOVE)
        sender.wake([PBX])
        await reaches(database, "done")
        running.cancel()
        await asyncio.wait({running})


async def test_old_commands_are_forgotten_and_open_ones_stay(database: Database) -> None:
    await given_requested(database, REMOVE, ADD)
    async with database.transaction() as transaction:
        done, _ = await claim_commands(transaction, PBX, limit=2)
        done.state, done.finished_at = CommandState.DONE, now()
    await keep_to_retention(database, Settings(command_retention_days=1), now() + timedelta(days=2))
    async with database.transaction() as transaction:
        left = (await transaction.scalars(select(PbxCommand))).all()
    assert [command.action for command in left] == [ADD.action]
