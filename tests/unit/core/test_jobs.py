"""Background work goes on after faults of the world and ends with a defect."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from callcenter.core import jobs
from callcenter.core.errors import Unavailable
from callcenter.core.jobs import is_world_fault, keep_running, run_every


class DriverError(Exception):
    """As SQLAlchemy hands on what asyncpg raised."""

    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate


def of_database(sqlstate: str | None, *, invalidated: bool = False, kind: type[DBAPIError] = DBAPIError) -> DBAPIError:
    return kind("SELECT 1", {}, DriverError(sqlstate), connection_invalidated=invalidated)


WORLD = [
    asyncpg.AdminShutdownError("x"),
    ConnectionRefusedError(),
    TimeoutError(),
    PoolTimeout(),
    asyncpg.CannotConnectNowError("starting up"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("another operation is in progress"),  # the server ended it in the middle of an answer
    of_database("57P01"),
    of_database(None, invalidated=True),
]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_DELAY_SECONDS", 0.0)
    monkeypatch.setattr(jobs, "LONGEST_DELAY_SECONDS", 0.0)


def failing(*faults: Exception) -> tuple[Callable[[], Awaitable[None]], list[None]]:
    """Work that fails with each of ``faults``, then ends well; and the list of its runs."""
    pending, runs = list(faults), list[None]()

    async def work() -> None:
        runs.append(None)
        if pending:
            raise pending.pop(0)

    return work, runs


@pytest.mark.parametrize("fault", [*WORLD, Unavailable()], ids=lambda fault: type(fault).__name__)
async def test_work_is_taken_up_again_when_the_world_fails_it(fault: Exception) -> None:
    work, runs = failing(fault, fault)
    await asyncio.wait_for(keep_running("test", work), 10)
    assert len(runs) == 3


@pytest.mark.parametrize("defect", [KeyError("x"), TypeError(), AssertionError(), ValueError()])
async def test_a_defect_ends_the_work_and_is_seen(defect: Exception) -> None:
    work, runs = failing(OSError(), defect)
    with pytest.raises(type(defect)):
        await asyncio.wait_for(keep_running("test", work), 10)
    assert len(runs) == 2


async def test_work_ends_when_told() -> None:
    task = asyncio.create_task(keep_running("test", asyncio.Event().wait))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_pause_grows_and_stays_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    paused: list[float] = []

    async def note(seconds: float) -> None:
        paused.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    work, _ = failing(*[OSError()] * 8)
    await keep_running("test", work)
    assert paused[0] == jobs.FIRST_DELAY_SECONDS
    assert paused == sorted(paused)
    assert paused[-1] == jobs.LONGEST_DELAY_SECONDS


async def test_a_tick_that_fails_costs_only_time() -> None:
    done = asyncio.Event()
    work, runs = failing(OSError(), Unavailable(), of_database("57P01"))

    async def job() -> None:
        await work()
        done.set()

    task = asyncio.create_task(run_every("test", 0, job))
    await asyncio.wait_for(done.wait(), 10)
    assert len(runs) >= 4
    task.cancel()
    await asyncio.wait({task})


async def test_a_defect_in_a_tick_is_seen() -> None:
    work, _ = failing(KeyError("x"))
    with pytest.raises(KeyError):
        await asyncio.wait_for(run_every("test", 0, work), 10)


@pytest.mark.parametrize("fault", WORLD, ids=lambda fault: type(fault).__name__)
def test_what_may_do_later(fault: Exception) -> None:
    assert is_world_fault(fault)


@pytest.mark.parametrize("sqlstate", ["08006", "40P01", "40001", "53100", "53300", "57P01", "57P03", "58030"])
def test_states_of_postgresql_that_pass(sqlstate: str) -> None:
    assert is_world_fault(of_database(sqlstate))


@pytest.mark.parametrize(
    "fault",
    [
        of_database("23505", kind=IntegrityError),
        of_database("22P02"),
        of_database("42P01"),
        of_database(None),
        asyncpg.UniqueViolationError("x"),
        asyncpg.InvalidTextRepresentationError("x"),
        KeyError("x"),
        Unavailable(),
    ],
)
def test_what_will_not_do_later_either(fault: Exception) -> None:
    assert not is_world_fault(fault)
