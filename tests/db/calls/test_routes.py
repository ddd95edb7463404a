"""Calls over HTTP: who sees which, how numbers look, pages, CSV, audit."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from callcenter.accounts.models import Role, User
from callcenter.agents.models import Agent
from callcenter.calls.models import Leg
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.queues.models import Queue
from tests.support.api import declared_roles, given_token
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import T0, scenario, table

NAMES = ["agent_hangs_up", "blind_to_queue", "timeout", "feature_code", "caller_hangs_up_waiting"]
PATIENT = "0190b1b2-0000-7000-8000-000000000001"
COMPLAINT = """
    3.0 CC_RECORD  PJSIP/trunk-00000010  pbx1-1.16 pbx1-1.16 purpose=complaint:day=20260105
"""
READERS = ["admin", "agent", "expert", "integration", "quality", "supervisor"]


@pytest.fixture
async def folder(tmp_path: Path, database: Database) -> AsyncIterator[LedgerFolder]:
    """Five calls, ten seconds apart."""
    folder = LedgerFolder(tmp_path)
    for number, name in enumerate(NAMES, start=1):
        folder.append(scenario(name, series=number, start=number * 10))
    await read_all(folder, database)
    yield folder


async def headers(database: Database, *roles: Role, queue_scope: tuple[str, ...] = ()) -> dict[str, str]:
    return {"Authorization": f"Bearer {await given_token(database, *roles, queue_scope=queue_scope)}"}


async def agent_headers(database: Database, number: str) -> dict[str, str]:
    """The agent with this number, logged in."""
    found = await headers(database, Role.AGENT)
    async with database.transaction() as session:
        user = (await session.scalars(select(User).order_by(User.created_at.desc()).limit(1))).one()
        session.add(
            Agent(
                number=number,
                display_name=number,
                user_id=user.id,
                wanted_since=now(),
                activity_since=now(),
                sequence=0,
            )
        )
    return found


async def ids(client: httpx.AsyncClient, asker: dict[str, str], **criteria: Any) -> list[str]:
    answer = await client.get("/api/v1/calls", params=criteria, headers=asker)
    assert answer.status_code == 200, answer.text
    return [call["id"] for call in answer.json()["items"]]


async def audited(database: Database) -> list[AuditEntry]:
    async with database.transaction() as session:
        return list(await session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


@pytest.mark.usefixtures("folder")
class TestList:
    async def test_newest_first_in_pages(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.QUALITY)
        everything = await ids(client, asker)
        assert everything == ["pbx1-5.11", "pbx1-4.37", "pbx1-3.14", "pbx1-2.32", "pbx1-1.16"]
        paged: list[str] = []
        cursor = None
        while True:
            page = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            answer = (await client.get("/api/v1/calls", params=page, headers=asker)).json()
            paged += [call["id"] for call in answer["items"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        assert paged == everything

    @pytest.mark.parametrize(
        ("criteria", "found"),
        [
            ({"queue": "consultation"}, ["pbx1-2.32", "pbx1-1.16"]),
            ({"agent": "1002"}, ["pbx1-2.32"]),
            ({"agent": "1001"}, ["pbx1-2.32", "pbx1-1.16"]),
            ({"outcome": "abandoned"}, ["pbx1-5.11"]),
            ({"direction": "internal"}, ["pbx1-4.37"]),
            ({"patient_id": "00000000-0000-0000-0000-000000000000"}, []),
        ],
    )
    async def test_filters(
        self, client: httpx.AsyncClient, database: Database, criteria: dict[str, str], found: list[str]
    ) -> None:
        asker = await headers(database, Role.QUALITY)
        assert await ids(client, asker, **criteria) == found

    async def test_period(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.QUALITY)
        every = (await client.get("/api/v1/calls", headers=asker)).json()["items"]
        third = every[2]
        assert await ids(client, asker, started_from=third["started_at"]) == [call["id"] for call in every[:3]]
        assert await ids(client, asker, started_to=third["started_at"]) == [call["id"] for call in every[3:]]

    async def test_by_number_in_any_form_in_a_body(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.SUPERVISOR)
        answer = await client.post(
            "/api/v1/calls/search", json={"caller_number": "138 0000 0001", "queue": "idle"}, headers=asker
        )
        assert [call["id"] for call in answer.json()["items"]] == ["pbx1-5.11", "pbx1-3.14"]
        assert answer.json()["items"][0]["caller_number"] == "+8613800000001"
        answer = await client.post("/api/v1/calls/search", json={"caller_number": "x'--"}, headers=asker)
        assert answer.status_code == 422
        in_url = await client.get("/api/v1/calls", params={"caller_number": "13800000001"}, headers=asker)
        assert in_url.status_code == 422

    async def test_csv(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.SUPERVISOR)
        for answer in (
            await client.get("/api/v1/calls", params={"format": "csv"}, headers=asker),
            await client.get("/api/v1/calls", headers={**asker, "Accept": "text/csv"}),
        ):
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            rows = list(csv.DictReader(io.StringIO(answer.text)))
            assert [row["id"] for row in rows] == await ids(client, asker)
            assert rows[0]["caller_number"] == "'+8613800000001"  # no formula
            assert rows[1]["caller_number"] == "'-"
        assert [entry.action for entry in await audited(database)].count("calls.export") == 2

    async def test_a_bad_cursor_is_refused(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.QUALITY)
        for cursor in ("x", "WyJhIl0", "WyJhIiwiYiJd", "WzEsMl0"):
            answer = await client.get("/api/v1/calls", params={"cursor": cursor}, headers=asker)
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")


@pytest.mark.usefixtures("folder")
class TestWhoSeesWhat:
    async def test_numbers_are_masked_for_those_who_need_not_call_back(
        self, client: httpx.AsyncClient, database: Database
    ) -> None:
        shown = {}
        for role in (Role.SUPERVISOR, Role.INTEGRATION, Role.QUALITY, Role.ADMIN):
            answer = await client.get("/api/v1/calls/pbx1-1.16", headers=await headers(database, role))
            shown[role] = answer.json()["caller_number"]
        assert shown == {
            Role.SUPERVISOR: "+8613800000001",
            Role.INTEGRATION: "+8613800000001",
            Role.QUALITY: "+86138****0001",
            Role.ADMIN: "+8613800000001",
        }

    async def test_a_supervisor_sees_the_queues_steered(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.SUPERVISOR, queue_scope=("idle",))
        assert await ids(client, asker) == ["pbx1-5.11", "pbx1-3.14"]
        assert (await client.get("/api/v1/calls/pbx1-1.16", headers=asker)).status_code == 404

    async def test_an_agent_sees_calls_talked_in_only(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await agent_headers(database, "1002")
        assert await ids(client, asker) == ["pbx1-2.32"]
        detail = await client.get("/api/v1/calls/pbx1-2.32", headers=asker)
        assert detail.json()["caller_number"] == "+86138****0001"
        assert (await client.get("/api/v1/calls/pbx1-1.16", headers=asker)).status_code == 404

    async def test_a_user_who_is_no_agent_yet_sees_none(self, client: httpx.AsyncClient, database: Database) -> None:
        assert await ids(client, await headers(database, Role.AGENT)) == []

    async def test_an_agent_does_not_see_the_complaint_that_followed(
        self, client: httpx.AsyncClient, database: Database, folder: LedgerFolder
    ) -> None:
        asker = await agent_headers(database, "1001")
        assert "pbx1-1.16" in await ids(client, asker)
        folder.append(table(COMPLAINT, start=10))
        await read_all(folder, database)
        assert "pbx1-1.16" not in await ids(client, asker)
        assert (await client.get("/api/v1/calls/pbx1-1.16", headers=asker)).status_code == 404
        async with database.transaction() as session:  # whoever took the complaint sees it
            await session.execute(update(Leg).where(Leg.call_id == "pbx1-1.16").values(started_at=T0.replace(hour=23)))
        assert "pbx1-1.16" in await ids(client, asker)


@pytest.mark.usefixtures("folder")
class TestDetail:
    async def test_the_whole_way(self, client: httpx.AsyncClient, database: Database) -> None:
        answer = await client.get("/api/v1/calls/pbx1-2.32", headers=await headers(database, Role.SUPERVISOR))
        call = answer.json()
        assert (call["outcome"], call["agent_number"], call["flow"], call["language"]) == (
            "answered",
            "1002",
            "main",
            "zh",
        )
        assert [visit["queue_name"] for visit in call["visits"]] == ["consultation", "two"]
        assert [leg["role"] for leg in call["legs"]] == ["caller", "agent", "agent"]
        assert [entry["kind"] for entry in call["timeline"]] == [
            "ring",
            "answered",
            "step",
            "queue_entered",
            "agent_rung",
            "agent_answered",
            "queue_entered",
            "agent_left",
            "agent_rung",
            "agent_answered",
            "agent_left",
            "hangup",
        ]
        assert all(entry["text_zh"] and entry["text_en"] for entry in call["timeline"])
        times = [entry["at"] for entry in call["timeline"][:-1]]
        assert times == sorted(times)

    async def test_looking_at_a_patients_call_is_audited(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.QUALITY)
        await client.get("/api/v1/calls/pbx1-4.37", headers=asker)  # names nobody
        await client.get("/api/v1/calls/pbx1-1.16", headers=asker)
        entries = await audited(database)
        assert [(entry.action, entry.subject_id, str(entry.patient_id)) for entry in entries] == [
            ("calls.read", "pbx1-1.16", PATIENT)
        ]
        await ids(client, asker)
        (listed,) = [entry for entry in await audited(database) if entry.action == "calls.list"]
        assert listed.details["patients"] == [PATIENT]

    async def test_no_such_call(self, client: httpx.AsyncClient, database: Database) -> None:
        answer = await client.get("/api/v1/calls/nothing", headers=await headers(database, Role.QUALITY))
        assert (answer.status_code, answer.json()["code"]) == (404, "call-not-found")


@pytest.mark.usefixtures("folder")
class TestFigures:
    PATH = "/api/v1/queues/consultation/figures"
    DAY = {"from": "2026-01-01T00:00:00+08:00", "to": "2026-01-31T00:00:00+08:00"}

    @pytest.fixture(autouse=True)
    async def queue(self, database: Database) -> None:
        async with database.transaction() as session:
            session.add(Queue(name="consultation", label_zh="咨询", label_en="Consultation"))

    async def test_figures(self, client: httpx.AsyncClient, database: Database) -> None:
        answer = await client.get(self.PATH, params=self.DAY, headers=await headers(database, Role.SUPERVISOR))
        figures = answer.json()
        assert (figures["offered"], figures["answered"], figures["service_level"]) == (2, 2, 1.0)
        assert (figures["service_level_seconds"], figures["short_abandon_seconds"]) == (20, 5)

    async def test_not_of_queues_that_others_steer(self, client: httpx.AsyncClient, database: Database) -> None:
        asker = await headers(database, Role.SUPERVISOR, Role.AGENT, queue_scope=("vip",))
        assert (await client.get(self.PATH, params=self.DAY, headers=asker)).status_code == 404

    async def test_an_empty_period_is_refused(self, client: httpx.AsyncClient, database: Database) -> None:
        params = {"from": self.DAY["from"], "to": self.DAY["from"]}
        answer = await client.get(self.PATH, params=params, headers=await headers(database, Role.QUALITY))
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-period")


async def test_who_may_call_what(client: httpx.AsyncClient) -> None:
    assert await declared_roles(client, "calls_") == {
        "calls_list_call_records": READERS,
        "calls_search_calls": READERS,
        "calls_get_call": READERS,
        "calls_get_queue_figures": ["admin", "integration", "quality", "supervisor"],
        "calls_get_rating_figures": ["admin", "integration", "quality", "supervisor"],
    }
