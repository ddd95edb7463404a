"""What Asterisk tells of queues and their agents, as the engine takes it: events in batches, and snapshots."""

from typing import Any

from callcenter.asterisk.events import Event, QueueCallerJoin, QueueEntry, QueueMember, parse_event
from callcenter.core.db import Database
from callcenter.queues import handlers, queries
from tests.support.people import PBX, given_agent, given_queue, given_seats, history_of

CALL, OTHER_CALL = "pbx1-1763754631.12", "pbx1-1763754640.15"


async def given_hotline(database: Database) -> None:
    """Two seats, two queues, two agents."""
    async with database.transaction() as session:
        await given_seats(session, "seat-rose", "seat-lotus", registered=False)
        await given_queue(session, "vip", wrap_up_seconds=20)
        await given_queue(session, "consultation", wrap_up_seconds=0)
        await given_agent(session, "1001", queues=["vip", "consultation"])
        await given_agent(session, "1002", queues=["vip"])


def event(kind: type[Event], call: str = CALL, **headers: object) -> Event:
    given: dict[str, Any] = {"Event": kind.__name__, "Queue": "vip", "Uniqueid": call, "Linkedid": call}
    parsed = parse_event({name: str(value) for name, value in (given | headers).items()})
    assert parsed is not None
    return parsed


def at_agent(kind: type[Event], number: str = "1001", call: str = CALL, **headers: object) -> Event:
    return event(kind, call, Interface="PJSIP/seat-rose", MemberName=f"agent-{number}", **headers)


def join(call: str, priority: int, queue: str = "vip", *, app_queue: str = "") -> Event:
    """``priority``: the highest goes first."""
    variables = f"CC_QUEUE={queue}\nCC_PRIO={priority}"
    return event(
        QueueCallerJoin, call, Queue=app_queue or queue, Position=1, CallerIDNum="13800000001", ChanVariable=variables
    )


async def happens(database: Database, *events: Event) -> None:
    """As the consumer does it: all in one transaction."""
    async with database.transaction() as session, handlers.batch(events, session):
        for one in events:
            await handlers.HANDLERS[type(one)](one, session)


async def activities(database: Database, number: str = "1001") -> list[str]:
    return [change.activity for change in await history_of(database, number)]


async def waiting(database: Database, queue: str = "vip") -> list[str]:
    async with database.transaction() as session:
        callers = await queries.list_waiting(session, queue)
    return [caller.uniqueid for caller in callers]


def entry(call: str, position: int, **values: object) -> QueueEntry:
    given = event(QueueEntry, call, Position=position, Wait=30, **values)
    assert isinstance(given, QueueEntry)
    return given


def member(number: str, *, in_call: bool = False, device_status: int = 1) -> QueueMember:
    given = event(
        QueueMember,
        Name=f"agent-{number}",
        Location="PJSIP/seat-rose",
        InCall=int(in_call),
        Status=device_status,
    )
    assert isinstance(given, QueueMember)
    return given


async def correct(
    database: Database,
    *,
    entries: list[QueueEntry] | None = None,
    members: list[QueueMember] | None = None,
    contacts: set[str] | None = None,
) -> None:
    async with database.transaction() as session:
        await handlers.correct_live(session, PBX, entries or [], members or [], contacts or set())
