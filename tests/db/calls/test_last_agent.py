"""Who last talked with a caller: by the verified patient, else by the number; never whoever only took a complaint."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from callcenter.calls.service import find_last_agent
from callcenter.core.db import Database
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import T0, scenario, table

NUMBER, PATIENT = "+8613800000001", UUID("0190b1b2-0000-7000-8000-000000000001")
OTHER = UUID("0190b1b2-0000-7000-8000-000000000002")


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[LedgerFolder]:
    yield LedgerFolder(tmp_path)


async def last(
    database: Database,
    *,
    e164: str | None = NUMBER,
    patient_id: UUID | None = None,
    since: datetime = T0 - timedelta(days=30),
) -> str | None:
    async with database.transaction() as session:
        return await find_last_agent(session, e164=e164, patient_id=patient_id, since=since)


async def test_nobody_yet(folder: LedgerFolder, database: Database) -> None:
    folder.append(scenario("caller_hangs_up_waiting"))
    folder.append(scenario("caller_hangs_up_ringing", series=2, start=10))
    await read_all(folder, database)
    assert await last(database) is None
    assert await last(database, e164=None) is None


async def test_the_newest_call_and_in_it_the_last_agent(folder: LedgerFolder, database: Database) -> None:
    folder.append(scenario("blind_to_queue"))
    folder.append(scenario("agent_hangs_up", series=2, start=100))
    folder.append(scenario("timeout", series=3, start=200))
    await read_all(folder, database)
    assert await last(database) == "1001"
    assert await last(database, since=T0 + timedelta(seconds=150)) is None


async def test_in_one_call_the_last_of_two(folder: LedgerFolder, database: Database) -> None:
    folder.append(scenario("blind_to_queue"))
    await read_all(folder, database)
    assert await last(database) == "1002"


async def test_a_verified_patient_before_the_number(folder: LedgerFolder, database: Database) -> None:
    folder.append(scenario("blind_to_queue"))
    await read_all(folder, database)
    assert await last(database, e164=None, patient_id=PATIENT) == "1002"
    assert await last(database, e164="+8613900000000", patient_id=PATIENT) == "1002"
    assert await last(database, e164=NUMBER, patient_id=OTHER) == "1002"
    assert await last(database, e164=None, patient_id=OTHER) is None


async def test_whoever_only_took_a_complaint_is_not_meant(folder: LedgerFolder, database: Database) -> None:
    """The caller complains, is cut off, and calls again to complain of the same agent as before."""
    folder.append(scenario("agent_hangs_up"))
    folder.append(scenario("blind_to_queue", series=2, start=100))
    recorded = "0.1 CC_RECORD PJSIP/trunk-00000010 pbx1-2.32 pbx1-2.32 purpose=complaint:day=20260105"
    folder.append(table(recorded, start=100))
    await read_all(folder, database)
    assert await last(database) == "1001"
