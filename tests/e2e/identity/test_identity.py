"""Check codes on a real telephone: five wrong ones lock the card, and none of what is keyed in stays anywhere."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text

from callcenter.calls.models import Call
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.patients.models import CodeCounter
from demo.hospital import COMPLAINT_LINE, HOTLINE, PATIENTS, SamplePatient
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Step, Wait
from tests.e2e.hotline import Hotline, agent

VIP = next(patient for patient in PATIENTS if patient.vip_grade == "gold")
VIP_ID, VIP_CARD, VIP_CARD_DIGITS = "P000006", "JZ00000006", "00000006"
RIGHT = "9071826354"
WRONG = ("8392017561", "7283910465", "6174829305", "5938271640", "4827361950")
STRANGER, STRANGERS_GUESS = SamplePatient("陌生人", "13611112222"), "3716482950"
PLANTED = SamplePatient("标记", "13577665544")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    settings.flows_dir = Path(__file__).parent / "flows"
    return settings


@pytest.fixture
async def client(hotline: Hotline) -> httpx.AsyncClient:
    """An administrator's; the service runs, the VIP's card has a code that cannot be found by chance."""
    service = await hotline.stack.start_service()
    client = await hotline.api(service)
    card = {"number": VIP_CARD, "check_code": RIGHT}
    (await client.put(f"/api/v1/patients/{await patient_id(client)}/cards", json=card)).raise_for_status()
    return client


async def patient_id(client: httpx.AsyncClient) -> str:
    found = await client.post("/api/v1/patients/search", json={"external_id": VIP_ID})
    return str(found.json()["items"][0]["id"])


def keyed(hotline: Hotline, codes: Sequence[str]) -> list[Step]:
    """Each code when it is asked for: after the refusal of the one before."""
    steps: list[Step] = []
    for code in codes:
        steps += [Wait(2.0), Press(f"{code}#"), Wait(hotline.seconds("code_refused"))]
    return steps


async def steps_of_last_call(hotline: Hotline, count: int) -> list[str]:
    return await hotline.steps((await hotline.all_finished(count))[-1])


async def test_a_locked_vip_reaches_a_person_until_staff_unlock_the_card(
    hotline: Hotline, client: httpx.AsyncClient
) -> None:
    await hotline.agent_sits_down(agent("1001"))

    first = await hotline.call(VIP, HOTLINE, [*keyed(hotline, WRONG[:3]), StayUntilHangUp()])
    await first.done(90)
    assert await steps_of_last_call(hotline, 1) == ["code:refused", "goodbye:next", "bye:hangup"]

    second = await hotline.call(VIP, HOTLINE, [*keyed(hotline, [*WRONG[3:], RIGHT]), StayUntilHangUp()])
    await second.done(90)
    assert await steps_of_last_call(hotline, 2) == ["code:locked", "person:answered", "bye:hangup"]
    call = (await hotline.calls())[-1]
    assert (call.verified, call.agent_number) == (False, "1001")

    (locked,) = (await client.get("/api/v1/locked-cards")).json()["items"]
    assert locked["cards_masked"] == ["****0006"]
    unlocked = await client.post(f"/api/v1/patients/{locked['patient_id']}/cards/unlock")
    assert unlocked.json() == {"unlocked": 1}
    third = await hotline.call(VIP, HOTLINE, [Wait(2.0), Press(f"{RIGHT}#"), StayUntilHangUp()])
    await third.done(60)
    assert await steps_of_last_call(hotline, 3) == ["code:verified", "right:next", "bye:hangup"]
    assert (await hotline.calls())[-1].verified


async def test_what_is_keyed_in_stands_nowhere_afterwards(
    hotline: Hotline, client: httpx.AsyncClient, database: Database
) -> None:
    guessing = await hotline.call(VIP, HOTLINE, [*keyed(hotline, [WRONG[0], RIGHT]), StayUntilHangUp()])
    by_card = await hotline.call(
        STRANGER,
        COMPLAINT_LINE,
        [
            Wait(2.0),
            Press(f"{VIP_CARD_DIGITS}#"),
            Wait(1.0),
            Press(f"{STRANGERS_GUESS}#"),
            Wait(hotline.seconds("card_refused") + 1.5),
            Press(f"{VIP_CARD_DIGITS}#"),
            Wait(1.0),
            Press(f"{RIGHT}#"),
            StayUntilHangUp(),
        ],
    )
    planted = await hotline.call(PLANTED, HOTLINE, [Wait(2.0), HangUp()])
    alarm = await hotline.call(PATIENTS[0], HOTLINE, [Wait(2.0), Press("*"), Wait(3.0), HangUp()])
    for phone in (guessing, by_card, planted, alarm):
        await phone.done(90)
    calls = {call.caller_number: call for call in await hotline.all_finished(4)}
    assert await hotline.steps(calls[VIP.e164]) == ["code:verified", "right:next", "bye:hangup"]
    assert await hotline.steps(calls[STRANGER.e164]) == ["card:verified", "right:next", "bye:hangup"]
    assert (await hotline.steps(calls[PATIENTS[0].e164]))[0] == "code:emergency"
    assert_is_the_vip(calls[STRANGER.e164], await patient_id(client))

    async with database.transaction() as session:
        trunks = await session.scalars(select(CodeCounter.subject).where(CodeCounter.scope == "trunk"))
        assert trunks.all() == ["trunk"]  # Asterisk's name of it

    files = list(everything_written(hotline.settings.state_dir))
    assert {"ledger.jsonl", "queue_log", "messages.log", "astdb.sqlite3"} <= {name for name, _ in files}
    assert [name for name, _ in files if name.startswith("service")]
    tables = await everything_stored(database)
    figures = [("metrics", (await client.get("/metrics")).content)]
    for code in (RIGHT, WRONG[0], STRANGERS_GUESS):
        assert [name for name, content in [*files, *tables, *figures] if code.encode() in content] == []
    # the search finds what is there
    for places in (files, tables):
        assert [name for name, content in places if PLANTED.number.encode() in content] != []


def assert_is_the_vip(call: Call, vip_id: str) -> None:
    """From a stranger's telephone, by the card."""
    assert (str(call.patient_id), call.vip_grade, call.verified) == (vip_id, "gold", True)


def everything_written(directory: Path) -> Iterator[tuple[str, bytes]]:
    """Each file of the installation: Asterisk's logs, ledger, database and spool, the service's logs."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.name, path.read_bytes()


async def everything_stored(database: Database) -> list[tuple[str, bytes]]:
    """Each table, all columns as text."""
    async with database.transaction() as session:
        names = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        tables = []
        for name in names.all():
            rows = await session.scalars(text(f'SELECT CAST(one AS text) FROM "{name}" AS one'))  # noqa: S608
            tables.append((name, "\n".join(rows).encode()))
    return tables
