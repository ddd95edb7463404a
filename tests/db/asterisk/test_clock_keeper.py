"""The clock is set while Asterisk is away: told once, and waiting callers are woken when it is back."""

from sqlalchemy import select

from callcenter.asterisk.manager import AmiSession
from callcenter.clock_keeper import ClockKeeper
from callcenter.core.alarms import Alarm
from callcenter.core.clock import ClockWatch
from callcenter.core.db import Database
from tests.support.ami_peer import Action, AmiLink, AmiPeer, message, session
from tests.support.people import PBX


class Hands:
    """Of a clock that a test sets."""

    wall = 1_000.0
    monotonic = 50.0

    def watch(self) -> ClockWatch:
        return ClockWatch(lambda: self.wall, lambda: self.monotonic)


async def told(database: Database) -> list[tuple[str, int, float]]:
    async with database.transaction() as transaction:
        return [
            (alarm.kind, alarm.occurrences, alarm.details["seconds"])
            for alarm in await transaction.scalars(select(Alarm))
        ]


async def test_while_asterisk_is_away(database: Database) -> None:
    hands = Hands()
    away = AmiSession(host="127.0.0.1", port=1, username="u", secret="s", name="commands")
    keeper = ClockKeeper(database, away, PBX, hands.watch())
    await keeper.look()
    assert await told(database) == []
    hands.wall -= 300
    for _ in range(3):
        await keeper.look()
    assert await told(database) == [("clock_stepped", 1, -300.0)]


def one_waits(link: AmiLink, action: Action) -> bool:
    if action["Action"] == "QueueStatus":
        number = action["ActionID"]
        link.respond(action, Message="Queue status will follow", EventList="start")
        link.write(
            message(
                Event="QueueEntry", ActionID=number, Queue="vip", Position="1", Channel="PJSIP/trunk-00000001",
                Uniqueid="pbx1-1.1", CallerIDNum="138", Wait="5", Priority="1",
            )
        )  # fmt: skip
        link.event("QueueStatusComplete", ActionID=number, EventList="Complete")
        return True
    return False


async def test_who_waits_is_woken_once_it_can_be_told(database: Database) -> None:
    hands = Hands()
    async with AmiPeer() as peer:
        peer.on_action = one_waits
        async with session(peer) as commands:
            keeper = ClockKeeper(database, commands, PBX, hands.watch())
            hands.wall += 300
            await keeper.look()
            assert not peer.seen("ControlPlayback"), "forward: nobody waits longer for it"
            hands.wall -= 300
            for _ in range(2):
                await keeper.look()
            (woken,) = peer.seen("ControlPlayback")
    assert (woken["Channel"], woken["Control"]) == ("PJSIP/trunk-00000001", "stop")
