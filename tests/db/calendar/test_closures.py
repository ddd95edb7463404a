"""Emergency closures: one call closes and says why, another opens; at most one of each scope."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.calendar import closures
from callcenter.calendar.errors import ClosureAlreadyOpen, ScheduleNotFound
from callcenter.calendar.models import Closure
from callcenter.calendar.public_days import Place
from callcenter.calendar.service import PUBLIC_HOLIDAY, WEEKDAYS, get_opening, put_schedule
from callcenter.calendar.spans import ALL_DAY
from callcenter.core.audit import SYSTEM, AuditEntry
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.speech.models import SpokenText
from tests.support.api import as_role

Headers = dict[str, str]

TEXTS = {"announcement_zh": "因停电，人工服务暂停。", "announcement_en": "Our service is interrupted by a power cut."}
WEEK = (*WEEKDAYS, PUBLIC_HOLIDAY)
AT = datetime(2026, 9, 28, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
async def lead(database: Database) -> Headers:
    """A supervisor of a hospital with two schedules, open day and night."""
    async with database.transaction() as session:
        for name in ("office", "night"):
            await put_schedule(session, SYSTEM, name, label_zh=name, label_en=name, hours=dict.fromkeys(WEEK, ALL_DAY))
    return await as_role(database, Role.SUPERVISOR)


async def close(client: httpx.AsyncClient, headers: Headers, **body: Any) -> httpx.Response:
    return await client.post("/api/v1/closures", json={**TEXTS, **body}, headers=headers)


async def opening(client: httpx.AsyncClient, headers: Headers, name: str = "office") -> dict[str, Any]:
    body: dict[str, Any] = (await client.get(f"/api/v1/schedules/{name}/opening", headers=headers)).json()
    return body


async def slots(database: Database) -> dict[tuple[str, str], str]:
    async with database.transaction() as session:
        return {(row.slot, row.language): row.text for row in await session.scalars(select(SpokenText))}


async def test_one_call_closes_and_another_opens(client: httpx.AsyncClient, database: Database, lead: Headers) -> None:
    answer = await close(client, lead, schedule_name="office")
    assert answer.status_code == 201
    closure = answer.json()
    assert (closure["schedule_name"], closure["until_at"], closure["ended_at"]) == ("office", None, None)
    assert await opening(client, lead) == {"state": "closure", "next_open_at": None, "closure_id": closure["id"]}
    assert (await opening(client, lead, "night"))["state"] == "open"
    slot = f"closure:{closure['id']}"
    assert await slots(database) == {(slot, "zh"): TEXTS["announcement_zh"], (slot, "en"): TEXTS["announcement_en"]}

    ended = await client.post(f"/api/v1/closures/{closure['id']}/end", headers=lead)
    assert ended.status_code == 200
    assert ended.json()["ended_at"] is not None
    assert ended.json()["ended_by"] == closure["started_by"]
    assert (await opening(client, lead))["state"] == "open"
    assert await slots(database) == {}

    again = await client.post(f"/api/v1/closures/{closure['id']}/end", headers=lead)
    assert (again.status_code, again.json()) == (200, ended.json())  # it is over, and stays as it was
    async with database.transaction() as session:
        entries = await session.scalars(
            select(AuditEntry).where(AuditEntry.action.like("calendar.%_closure")).order_by(AuditEntry.id)
        )
        assert [(entry.action, entry.subject_id, entry.details) for entry in entries] == [
            ("calendar.start_closure", closure["id"], {"schedule": "office", "until_at": None}),
            ("calendar.end_closure", closure["id"], {}),
        ]


async def test_all_schedules_at_once(client: httpx.AsyncClient, lead: Headers) -> None:
    closure = (await close(client, lead)).json()
    assert closure["schedule_name"] is None
    for name in ("office", "night"):
        assert (await opening(client, lead, name))["closure_id"] == closure["id"]
    own = (await close(client, lead, schedule_name="night")).json()
    assert (await opening(client, lead, "night"))["closure_id"] == own["id"]  # what is said of this very service
    await client.post(f"/api/v1/closures/{own['id']}/end", headers=lead)
    assert (await opening(client, lead, "night"))["closure_id"] == closure["id"]


async def test_at_most_one_of_each_scope(client: httpx.AsyncClient, lead: Headers) -> None:
    for scope in (None, "office"):
        first = await close(client, lead, schedule_name=scope)
        second = await close(client, lead, schedule_name=scope)
        assert first.status_code == 201
        assert (second.status_code, second.json()["code"]) == (409, "closure-already-open")
        assert first.json()["id"] in second.text
        await client.post(f"/api/v1/closures/{first.json()['id']}/end", headers=lead)
        assert (await close(client, lead, schedule_name=scope)).status_code == 201


async def test_two_who_close_at_the_same_moment(database: Database, lead: Headers) -> None:
    async def start() -> Closure:
        async with database.transaction() as session:
            return await closures.start_closure(session, SYSTEM, schedule_name=None, until_at=None, at=now(), **TEXTS)

    results = await asyncio.gather(*(start() for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(result, Closure) for result in results) == 1
    assert sum(isinstance(result, ClosureAlreadyOpen) for result in results) == 3


async def test_until_a_given_time(database: Database, lead: Headers, tmp_path: Any) -> None:
    place = Place.of(Settings(state_dir=tmp_path))
    async with database.transaction() as session:
        first = await closures.start_closure(
            session, SYSTEM, schedule_name="office", until_at=AT + HOUR, at=AT, **TEXTS
        )
        for at, state, next_open_at in (
            (AT - HOUR, "open", None),
            (AT, "closure", AT + HOUR),
            (AT + HOUR - timedelta(seconds=1), "closure", AT + HOUR),
            (AT + HOUR, "open", None),
        ):
            found = await get_opening(session, "office", at, place=place)
            assert (found.state, found.next_open_at) == (state, next_open_at)
    async with database.transaction() as session:  # over by itself: it stands in nobody's way
        await closures.start_closure(session, SYSTEM, schedule_name="office", until_at=None, at=AT + 2 * HOUR, **TEXTS)
    async with database.transaction() as session:
        over = await closures.get_closure(session, first.id)
        assert (over.ended_at, over.ended_by) == (AT + HOUR, None)
        assert (await get_opening(session, "office", AT, place=place)).closure_id == first.id  # as it was then
    assert {slot for slot, _ in await slots(database)}.isdisjoint({closures.announcement_slot(first.id)})


async def test_a_closure_ended_early_opens_early(database: Database, lead: Headers, tmp_path: Any) -> None:
    place = Place.of(Settings(state_dir=tmp_path))
    async with database.transaction() as session:
        closure = await closures.start_closure(
            session, SYSTEM, schedule_name=None, until_at=AT + 3 * HOUR, at=AT, **TEXTS
        )
        await closures.end_closure(session, SYSTEM, closure.id, at=AT + HOUR)
        assert (await get_opening(session, "office", AT + HOUR, place=place)).state == "open"
        settled = await closures.end_closure(session, SYSTEM, closure.id, at=AT + 5 * HOUR)
        assert settled.ended_at == AT + HOUR


async def test_what_is_over_by_itself_is_settled(database: Database, lead: Headers) -> None:
    async with database.transaction() as session:
        closure = await closures.start_closure(session, SYSTEM, schedule_name=None, until_at=AT + HOUR, at=AT, **TEXTS)
        await closures.settle_closures(session, AT + HOUR - timedelta(seconds=1))
        assert (await closures.get_closure(session, closure.id)).ended_at is None
        await closures.settle_closures(session, AT + HOUR)
        assert (await closures.get_closure(session, closure.id)).ended_at == AT + HOUR
    assert await slots(database) == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"announcement_en": ""}, "validation-failed"),
        ({"announcement_zh": "  "}, "validation-failed"),
        ({"announcement_zh": "停" * 501}, "validation-failed"),
        ({"announcement_zh": "停\x00电"}, "validation-failed"),
        ({"announcement_zh": "……"}, None),  # nothing to speak
        ({"announcement_zh": None}, "validation-failed"),
        ({"schedule_name": "Office"}, "validation-failed"),
        ({"schedule_name": "none"}, "unknown-schedule"),
        ({"until_at": "2026-09-28T10:00:00"}, "validation-failed"),
        ({"until_at": "2001-01-01T00:00:00Z"}, "closure-ends-too-soon"),
        ({"until_at": "9999-12-31T23:59:59Z"}, "validation-failed"),
        ({"closed": True}, "validation-failed"),
    ],
)
async def test_a_closure_that_is_none_is_refused_and_closes_nothing(
    client: httpx.AsyncClient, database: Database, lead: Headers, change: dict[str, Any], code: str | None
) -> None:
    answer = await close(client, lead, **change)
    assert answer.status_code == 422
    assert code is None or answer.json()["code"] == code
    assert (await opening(client, lead))["state"] == "open"
    assert await slots(database) == {}


async def test_an_announcement_in_one_language_is_not_enough(client: httpx.AsyncClient, lead: Headers) -> None:
    for missing in TEXTS:
        body = {name: text for name, text in TEXTS.items() if name != missing}
        assert (await client.post("/api/v1/closures", json=body, headers=lead)).status_code == 422


async def test_a_closure_that_is_not_there(client: httpx.AsyncClient, lead: Headers) -> None:
    answer = await client.post("/api/v1/closures/00000000-0000-0000-0000-000000000000/end", headers=lead)
    assert (answer.status_code, answer.json()["code"]) == (404, "closure-not-found")


async def test_closures_are_listed_newest_first_in_pages(
    client: httpx.AsyncClient, database: Database, lead: Headers
) -> None:
    ids = []
    for number in range(3):
        async with database.transaction() as session:
            closure = await closures.start_closure(
                session, SYSTEM, schedule_name=("office", "night", None)[number], until_at=None, at=now(), **TEXTS
            )
        ids.append(str(closure.id))
    agent = await as_role(database, Role.AGENT)
    page = (await client.get("/api/v1/closures", params={"limit": 2}, headers=agent)).json()
    rest = (await client.get("/api/v1/closures", params={"cursor": page["next_cursor"]}, headers=agent)).json()
    assert [item["id"] for item in page["items"] + rest["items"]] == sorted(
        ids, reverse=True
    )  # ids sort by the millisecond
    assert rest["next_cursor"] is None


async def test_a_closure_of_all_also_closes_what_has_no_schedule(database: Database) -> None:
    async with database.transaction() as session:
        assert (await get_opening(session, None, AT)).state == "open"
        with pytest.raises(ScheduleNotFound):
            await get_opening(session, "nowhere", AT)
        await closures.start_closure(session, SYSTEM, schedule_name=None, until_at=None, at=AT, **TEXTS)
        for name in (None, "nowhere"):
            assert (await get_opening(session, name, AT)).state == "closure"
