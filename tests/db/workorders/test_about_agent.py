"""The agent complained of sees nothing of it: no order, no recording, no call, no alarm; whatever their roles."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from callcenter.accounts.models import Role, User
from callcenter.calls.models import Call, Leg
from callcenter.calls.service import LedgerHandlers
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.workorders.handlers import EVENT_HANDLERS, on_calls
from callcenter.workorders.models import WorkOrder
from tests.support.api import api_client, given_token
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import T0, Ledger, table
from tests.support.people import given_agent, given_queue
from tests.support.sounds import speech, write_wav

HANDLERS = LedgerHandlers(on_event=EVENT_HANDLERS, on_calls=(on_calls,))
COMPLAINT = table(
    """
    0.1 CHAN_START   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 exten=8001
    0.2 CC_CALL      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 did=8001:caller=13800000001
    0.3 CC_RECORD    PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 purpose=complaint:day=20260105
    0.4 CC_COMPLAINT PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 patient=:agent=1001
    0.5 CC_QUEUE     PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 visit=1:queue=complaint:prio=1
    0.6 CC_RECORD    PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 purpose=message:day=20260105:number=1:queue=complaint
    0.7 CC_MESSAGE   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 queue=complaint:patient=:number=1
    9.0 HANGUP       PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {"hangupcause":16}
    9.0 LINKEDID_END PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1
    """
)


@pytest.fixture
async def client(tmp_path: Path, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The complaint was made; its recordings are there."""
    folder = LedgerFolder(tmp_path)
    async with database.transaction() as session:
        await given_queue(session, "complaint")
    folder.append(COMPLAINT)
    await read_all(folder, database, HANDLERS)
    recordings = Settings(state_dir=tmp_path).recordings_dir
    for file in ("20260105/complaint-pbx1-1.1.wav", "message-pbx1-1.1-1.wav"):
        write_wav(recordings / file, speech(2))
    async with api_client(database, tmp_path) as client:
        yield client


async def asker(database: Database, agent: str, *roles: Role) -> dict[str, str]:
    token = await given_token(database, *roles)
    async with database.transaction() as session:
        user = (await session.scalars(select(User).order_by(User.created_at.desc()).limit(1))).one()
        await given_agent(session, agent, queues=("complaint",), user_id=user.id)
    return {"Authorization": f"Bearer {token}"}


async def count(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> int:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return len(answer.json()["items"])


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.QUALITY, Role.ADMIN])
async def test_nothing_for_the_agent_complained_of(client: httpx.AsyncClient, database: Database, role: Role) -> None:
    about = await asker(database, "1001", role)
    for path in ("/api/v1/work-orders", "/api/v1/recordings", "/api/v1/calls"):
        assert await count(client, path, about) == 0, path
    for number in (1001, 1002):
        path = f"/api/v1/work-orders/{number}"
        assert (await client.get(path, headers=about)).status_code == 404
        assert (await client.patch(path, json={"note": "x"}, headers=about)).status_code == 404
        assert (await client.post(f"{path}/take", headers=about)).status_code == 404
        assert (await client.post(f"{path}/close", json={"note": "x"}, headers=about)).status_code == 404
    for recording in (1, 2):
        answer = await client.get(f"/api/v1/recordings/{recording}/audio", headers=about)
        assert (answer.status_code, answer.json()["code"]) == (404, "recording-not-found")
    assert (await client.get("/api/v1/calls/pbx1-1.1", headers=about)).status_code == 404


async def test_nor_for_whoever_talked_on_that_call(client: httpx.AsyncClient, database: Database) -> None:
    """No agent was named; the message left after the complaint may be about whoever talked."""
    async with database.transaction() as session:
        await session.execute(update(WorkOrder).values(about_agent_number=None))
        await session.execute(update(Call).values(about_agent_number=None))
        leg = Leg(uniqueid="pbx1-1.2", call_id="pbx1-1.1", channel="PJSIP/seat-a-1", role="agent", agent_number="1001")
        leg.started_at = leg.answered_at = T0
        session.add(leg)
    talked, other = await asker(database, "1001", Role.AGENT), await asker(database, "1002", Role.AGENT)
    for path, seen in (("/api/v1/work-orders", 2), ("/api/v1/recordings", 1)):
        assert (await count(client, path, talked), await count(client, path, other)) == (0, seen), path


async def test_others_see_it(client: httpx.AsyncClient, database: Database) -> None:
    lead = await asker(database, "1002", Role.SUPERVISOR)
    assert await count(client, "/api/v1/work-orders", lead) == 2
    assert await count(client, "/api/v1/recordings", lead) == 2
    assert await count(client, "/api/v1/calls", lead) == 1
    order = (await client.get("/api/v1/work-orders/1001", headers=lead)).json()
    assert (order["kind"], order["about_agent_number"]) == ("complaint", "1001")


async def test_an_agent_may_not_answer_a_complaint(client: httpx.AsyncClient, database: Database) -> None:
    agent = await asker(database, "1002", Role.AGENT)
    answer = await client.post("/api/v1/work-orders/1001/take", headers=agent)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-your-work")


async def test_alarms_are_not_for_agents(client: httpx.AsyncClient, database: Database) -> None:
    assert (await client.get("/api/v1/alarms", headers=await asker(database, "1001", Role.AGENT))).status_code == 403


async def test_the_agent_may_be_named_later_in_the_call(tmp_path: Path, database: Database) -> None:
    folder = LedgerFolder(tmp_path)
    unnamed = [line.replace(b":agent=1001", b"") for line in COMPLAINT.cel[:4]]
    for lines in (unnamed, COMPLAINT.cel[3:4], unnamed[3:]):
        folder.append(Ledger(lines, []))
        await read_all(folder, database, HANDLERS)
    async with database.transaction() as session:
        (order,) = await session.scalars(select(WorkOrder))
    assert order.about_agent_number == "1001"
