"""Recordings are scored by who leads or checks, the agent sees it and answers once, and how a score stood stays."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.agents.models import Agent, AgentMessage
from callcenter.calls.models import Call, Recording
from callcenter.core.audit import AuditEntry
from callcenter.core.config import Settings
from callcenter.core.db import Database
from tests.support.api import api_client, declared_roles
from tests.support.people import asker, given_queue
from tests.support.recordings import PATIENT, Recorded, given_conversation, storer

API = "/api/v1/quality"
OWN = "/api/v1/agents/me/scores"
SHEET = {
    "label_zh": "服务质量",
    "label_en": "Service",
    "sections": [
        {
            "label_zh": "开场",
            "label_en": "Opening",
            "questions": [
                {"key": "greeting", "text_zh": "问候", "text_en": "Greeting", "kind": "yes_no", "weight": 1},
                {"key": "patience", "text_zh": "耐心", "text_en": "Patience", "kind": "scale", "weight": 3},
            ],
        }
    ],
}
GOOD = {"greeting": "yes", "patience": 5}
FAIR = {"greeting": "no", "patience": 4}


@pytest.fixture
async def client(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with database.transaction() as session:
        for name in ("consultation", "vip"):
            await given_queue(session, name)
    async with api_client(database, tmp_path) as client:
        await client.put(f"{API}/sheets/service", json=SHEET, headers=await asker(database, Role.QUALITY))
        yield client


@pytest.fixture
async def recorded(client: httpx.AsyncClient, database: Database, tmp_path: Path) -> Recorded:
    """Of agent 1001 in consultation."""
    settings = Settings(state_dir=tmp_path)
    one = await given_conversation(database, settings.recordings_dir)
    await storer(database, settings).tick()
    return one


async def give(
    client: httpx.AsyncClient, headers: dict[str, str], recording_id: int, answers: dict[str, Any] = GOOD
) -> httpx.Response:
    body = {"recording_id": recording_id, "sheet": "service", "answers": answers, "comment": "很好"}
    return await client.post(f"{API}/scores", json=body, headers=headers)


async def told(database: Database, number: str = "1001") -> list[AgentMessage]:
    async with database.transaction() as session:
        query = select(AgentMessage).join(Agent, Agent.id == AgentMessage.agent_id)
        query = query.where(Agent.number == number, AgentMessage.type == "score").order_by(AgentMessage.sequence)
        return list(await session.scalars(query))


async def test_sheets_have_versions(client: httpx.AsyncClient, database: Database) -> None:
    headers = await asker(database, Role.QUALITY)
    again = await client.put(f"{API}/sheets/service", json=SHEET, headers=headers)
    assert again.json()["version"] == 1  # it says the same
    changed = await client.put(f"{API}/sheets/service", json={**SHEET, "label_zh": "新表"}, headers=headers)
    assert changed.json()["version"] == 2
    (listed,) = (await client.get(f"{API}/sheets", headers=headers)).json()
    assert (listed["version"], listed["content"]["label_zh"]) == (2, "新表")
    first = (await client.get(f"{API}/sheets/service", params={"version": 1}, headers=headers)).json()
    assert first["content"]["label_zh"] == "服务质量"
    for name, version in (("service", 3), ("nothing", 1)):
        missing = await client.get(f"{API}/sheets/{name}", params={"version": version}, headers=headers)
        assert (missing.status_code, missing.json()["code"]) == (404, "score-sheet-not-found")


async def test_scored_seen_answered_and_revised(
    client: httpx.AsyncClient, database: Database, recorded: Recorded
) -> None:
    agent = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
    lead = await asker(database, Role.SUPERVISOR, scope=("consultation",))
    score = (await give(client, lead, recorded.id, FAIR)).json()
    assert (score["total"], score["agent_number"], score["queue_name"]) == (60.0, "1001", "consultation")
    twice = await give(client, lead, recorded.id)
    assert (twice.status_code, twice.json()["code"]) == (409, "already-scored")

    (listed,) = (await client.get(OWN, headers=agent)).json()["items"]
    assert listed["id"] == score["id"]
    answer = await client.post(f"{OWN}/{score['id']}/reply", json={"text": "系统卡顿"}, headers=agent)
    assert (answer.status_code, answer.json()["reply"]) == (200, "系统卡顿")
    second = await client.post(f"{OWN}/{score['id']}/reply", json={"text": "再说"}, headers=agent)
    assert (second.status_code, second.json()["code"]) == (409, "already-replied")

    change = {"answers": GOOD, "comment": "更正", "reason": "听漏"}
    other = await client.put(f"{API}/scores/{score['id']}", json=change, headers=await asker(database, Role.QUALITY))
    assert (other.status_code, other.json()["code"]) == (403, "not-the-scorer")
    await client.put(
        f"{API}/sheets/service",
        json={**SHEET, "label_en": "Later"},
        headers=await asker(database, Role.QUALITY),
    )
    revised = (await client.put(f"{API}/scores/{score['id']}", json=change, headers=lead)).json()
    assert (revised["revision"], revised["total"], revised["sheet_version"]) == (2, 100.0, 1)
    assert [(one["reason"], one["total"]) for one in revised["revisions"]] == [("scored", 60.0), ("听漏", 100.0)]
    seen = (await client.get(f"{OWN}/{score['id']}", headers=agent)).json()
    assert (seen["total"], seen["reply"]) == (100.0, "系统卡顿")

    messages = await told(database)
    assert [(one.before and one.before["total"], one.after and one.after["total"]) for one in messages] == [
        (None, 60.0),
        (60.0, 100.0),
    ]
    async with database.transaction() as session:
        entries = (await session.scalars(select(AuditEntry).where(AuditEntry.action.like("quality.%")))).all()
    by_action = {entry.action: entry.patient_id for entry in entries if entry.action != "quality.put_sheet"}
    assert by_action == dict.fromkeys(["quality.score", "quality.reply", "quality.revise"], PATIENT)


async def test_scope(client: httpx.AsyncClient, database: Database, recorded: Recorded) -> None:
    outside = await asker(database, Role.SUPERVISOR, scope=("vip",))
    assert (await give(client, outside, recorded.id)).status_code == 404
    own = await asker(database, Role.SUPERVISOR, Role.AGENT, agent="1001", queues=("consultation",))
    answer = await give(client, own, recorded.id)
    assert (answer.status_code, answer.json()["code"]) == (403, "own-recording")
    score = (await give(client, await asker(database, Role.QUALITY), recorded.id)).json()
    for address in (f"{API}/scores/{score['id']}", f"{API}/scores"):
        seen = await client.get(address, headers=outside)
        assert seen.status_code == 404 or seen.json()["items"] == []
    colleague = await asker(database, Role.AGENT, agent="1002", queues=("consultation",))
    assert (await client.get(OWN, headers=colleague)).json()["items"] == []
    assert (await client.get(f"{OWN}/{score['id']}", headers=colleague)).status_code == 404
    reply = await client.post(f"{OWN}/{score['id']}/reply", json={"text": "我"}, headers=colleague)
    assert (reply.status_code, reply.json()["code"]) == (404, "score-not-found")
    nobody = await asker(database, Role.AGENT)  # no agent belongs to this user
    assert (await client.get(OWN, headers=nobody)).status_code == 404


@pytest.mark.parametrize("how", ["complained of", "a complaint recorded"])
async def test_an_agent_sees_nothing_of_a_complaint(
    client: httpx.AsyncClient, database: Database, recorded: Recorded, how: str
) -> None:
    async with database.transaction() as session:
        call = (await session.scalars(select(Call).where(Call.id == recorded.call_id))).one()
        if how == "complained of":
            call.about_agent_number = "1001"
        else:
            session.add(Recording(file="c.raw", call_id=call.id, purpose="complaint", started_at=call.started_at))
    agent = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
    score = (await give(client, await asker(database, Role.QUALITY), recorded.id)).json()
    assert (await client.get(OWN, headers=agent)).json()["items"] == []
    assert (await client.get(f"{OWN}/{score['id']}", headers=agent)).status_code == 404
    assert await told(database) == []


async def test_what_cannot_be_scored(client: httpx.AsyncClient, database: Database, recorded: Recorded) -> None:
    headers = await asker(database, Role.QUALITY)
    wrong = await give(client, headers, recorded.id, {"greeting": 3, "patience": 5})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "answers-do-not-fit")
    assert (await give(client, headers, 999)).status_code == 404
    async with database.transaction() as session:
        row = (await session.scalars(select(Recording))).one()
        row.purpose, row.agent_number = "message", None
    message = await give(client, headers, recorded.id)
    assert (message.status_code, message.json()["code"]) == (409, "nothing-to-score")


async def test_pages(client: httpx.AsyncClient, database: Database, tmp_path: Path) -> None:
    headers = await asker(database, Role.QUALITY)
    folder = Settings(state_dir=tmp_path).recordings_dir
    ids = [(await given_conversation(database, folder, number=number)).id for number in range(1, 4)]
    for recording_id in ids:
        await give(client, headers, recording_id)
    first = (await client.get(f"{API}/scores", params={"limit": 2}, headers=headers)).json()
    rest = (await client.get(f"{API}/scores", params={"cursor": first["next_cursor"]}, headers=headers)).json()
    assert [one["recording_id"] for one in first["items"] + rest["items"]] == ids[::-1]
    one = (await client.get(f"{API}/scores", params={"recording_id": ids[0]}, headers=headers)).json()
    assert [score["recording_id"] for score in one["items"]] == [ids[0]]
    none = (await client.get(f"{API}/scores", params={"agent": "1002"}, headers=headers)).json()
    assert none["items"] == []


async def test_who_may_call_what(client: httpx.AsyncClient) -> None:
    judges, judged = ["admin", "quality", "supervisor"], ["admin", "agent", "expert"]
    readers = ["admin", "agent", "expert", "quality", "supervisor"]
    assert await declared_roles(client, "quality_") == {
        "quality_list_sheets": readers,
        "quality_get_sheet": readers,
        "quality_put_sheet": ["admin", "quality"],
        "quality_give_score": judges,
        "quality_revise_score": judges,
        "quality_list_scores": judges,
        "quality_get_score": judges,
        "quality_list_own_scores": judged,
        "quality_get_own_score": judged,
        "quality_reply_to_score": judged,
    }
