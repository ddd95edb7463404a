"""HTTP of schedules, special days and the hospital's days; and that what is entered counts at once."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from tests.support.api import as_role, declared_roles

Headers = dict[str, str]

DAY = [{"opens_minute": 480, "closes_minute": 1050}]
MORNING = [{"opens_minute": 480, "closes_minute": 720}]
OFFICE: dict[str, Any] = {
    "label_zh": "人工服务",
    "label_en": "Office",
    "hours": {
        **dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), DAY),
        "saturday": MORNING,
    },
}


@pytest.fixture
async def lead(database: Database, client: httpx.AsyncClient) -> Headers:
    """A supervisor, who has entered the schedule ``office``."""
    headers = await as_role(database, Role.SUPERVISOR)
    assert (await client.put("/api/v1/schedules/office", json=OFFICE, headers=headers)).status_code == 201
    return headers


async def state_at(
    client: httpx.AsyncClient, headers: Headers, at: str, name: str = "office"
) -> tuple[str, str | None]:
    answer = await client.get(f"/api/v1/schedules/{name}/opening", params={"at": at}, headers=headers)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return body["state"], body["next_open_at"]


async def audited(database: Database, action: str) -> list[AuditEntry]:
    async with database.transaction() as session:
        found = await session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
        return list(found)


async def test_who_may_do_what(client: httpx.AsyncClient) -> None:
    everybody, lead = sorted(role.value for role in Role), ["admin", "supervisor"]
    assert await declared_roles(client, "calendar_") == {
        "calendar_list_schedules": everybody,
        "calendar_get_schedule": everybody,
        "calendar_put_schedule": lead,
        "calendar_get_opening": everybody,
        "calendar_list_special_days": everybody,
        "calendar_put_special_day": lead,
        "calendar_remove_special_day": lead,
        "calendar_get_calendar_year": everybody,
        "calendar_put_hospital_day": lead,
        "calendar_remove_hospital_day": lead,
        "calendar_list_closures": everybody,
        "calendar_start_closure": lead,
        "calendar_end_closure": lead,
    }


async def test_a_schedule_is_put_and_read(client: httpx.AsyncClient, database: Database, lead: Headers) -> None:
    read = (await client.get("/api/v1/schedules/office", headers=lead)).json()
    assert read == {
        "name": "office",
        **OFFICE,
        "hours": {**OFFICE["hours"], "sunday": [], "public_holiday": []},
        "makeup_weekday": 1,
    }
    again = await client.put("/api/v1/schedules/office", json=OFFICE, headers=lead)
    assert (again.status_code, again.json()) == (200, read)
    (entry,) = await audited(database, "calendar.put_schedule")  # the repetition changed nothing
    assert (entry.subject_id, entry.details) == ("office", {"written": "created"})


async def test_putting_replaces_the_whole_week(client: httpx.AsyncClient, database: Database, lead: Headers) -> None:
    touching = [{"opens_minute": 720, "closes_minute": 1440}, {"opens_minute": 0, "closes_minute": 720}]
    body = {"label_zh": "夜间", "hours": {"sunday": touching}, "makeup_weekday": 7}
    answer = (await client.put("/api/v1/schedules/office", json=body, headers=lead)).json()
    assert answer["hours"].pop("sunday") == [{"opens_minute": 0, "closes_minute": 1440}]
    assert set(map(tuple, answer["hours"].values())) == {()}
    assert (answer["label_en"], answer["makeup_weekday"]) == ("", 7)
    assert [entry.details for entry in await audited(database, "calendar.put_schedule")] == [
        {"written": "created"},
        {"written": "changed"},
    ]


async def test_schedules_are_listed_by_name_in_pages(client: httpx.AsyncClient, lead: Headers) -> None:
    for name in ("b", "a", "c"):
        await client.put(f"/api/v1/schedules/{name}", json=OFFICE, headers=lead)
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/api/v1/schedules", params=params, headers=lead)).json()
        names += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert names == ["a", "b", "c", "office"]


def span(opens: Any, closes: Any) -> dict[str, Any]:
    return {"opens_minute": opens, "closes_minute": closes}


@pytest.mark.parametrize(
    "spans",
    [
        [span(600, 600)],
        [span(1050, 480)],  # over midnight is two spans
        [span(-1, 480)],
        [span(480, 1441)],
        [span(1440, 1440)],
        [span(480, 720), span(719, 900)],
        [span(480, 720), span(480, 720)],
        [span("08:00", 720)],
        [span(480.5, 720)],
        [span(None, 720)],
        [{"opens_minute": 480}],
        [{**span(480, 720), "closed": True}],
        "08:00-12:00",
        [span(minute * 2, minute * 2 + 1) for minute in range(25)],
    ],
)
async def test_hours_that_are_none_are_refused(client: httpx.AsyncClient, lead: Headers, spans: Any) -> None:
    week = await client.put("/api/v1/schedules/office", json={**OFFICE, "hours": {"monday": spans}}, headers=lead)
    day = await client.put(
        "/api/v1/schedules/office/special-days/2026-10-12", json={"spans": spans, "reason_zh": "院庆"}, headers=lead
    )
    assert [(answer.status_code, answer.json()["code"]) for answer in (week, day)] == [(422, "validation-failed")] * 2


@pytest.mark.parametrize(
    "change",
    [
        {"label_zh": ""},
        {"label_zh": "x" * 101},
        {"label_zh": "a\x00b"},
        {"makeup_weekday": 0},
        {"makeup_weekday": 8},
        {"hours": {"holiday": []}},
        {"hours": None},
        {"name": "other"},
    ],
)
async def test_a_schedule_that_is_none_is_refused(
    client: httpx.AsyncClient, lead: Headers, change: dict[str, Any]
) -> None:
    answer = await client.put("/api/v1/schedules/office", json={**OFFICE, **change}, headers=lead)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")


@pytest.mark.parametrize("name", ["Office", "a%20b", "1a", "a%0D%0Ab", "x" * 41, "$%7Ba%7D"])
async def test_names_are_plain(client: httpx.AsyncClient, lead: Headers, name: str) -> None:
    assert (await client.put(f"/api/v1/schedules/{name}", json=OFFICE, headers=lead)).status_code == 422


async def test_what_is_not_there(client: httpx.AsyncClient, lead: Headers) -> None:
    special = {"spans": [], "reason_zh": "院庆"}
    for method, path, body, code in (
        ("GET", "schedules/none", None, "schedule-not-found"),
        ("GET", "schedules/none/opening", None, "schedule-not-found"),
        ("GET", "schedules/none/special-days", None, "schedule-not-found"),
        ("PUT", "schedules/none/special-days/2026-10-12", special, "schedule-not-found"),
        ("DELETE", "schedules/none/special-days/2026-10-12", None, "schedule-not-found"),
        ("DELETE", "schedules/office/special-days/2026-10-12", None, "special-day-not-found"),
        ("DELETE", "calendar/days/2026-10-12", None, "hospital-day-not-found"),
    ):
        answer = await client.request(method, f"/api/v1/{path}", json=body, headers=lead)
        assert (answer.status_code, answer.json()["code"]) == (404, code), path


async def test_the_opening_knows_the_published_holidays(client: httpx.AsyncClient, lead: Headers) -> None:
    assert await state_at(client, lead, "2026-09-30T09:00:00Z") == ("open", None)  # 17:00
    assert await state_at(client, lead, "2026-09-30T17:30:00+08:00") == ("outside_hours", "2026-10-08T00:00:00Z")
    assert (await state_at(client, lead, "2026-10-05T10:00:00+08:00"))[0] == "holiday"
    assert await state_at(client, lead, "2026-10-10T16:00:00+08:00") == ("open", None)  # a make-up Saturday
    assert await state_at(client, lead, "2026-10-17T16:00:00+08:00") == ("outside_hours", "2026-10-19T00:00:00Z")


async def test_now_is_meant_when_no_time_is_given(client: httpx.AsyncClient, lead: Headers) -> None:
    day = [{"opens_minute": 0, "closes_minute": 1440}]
    always = {**OFFICE, "hours": dict.fromkeys([*OFFICE["hours"], "sunday", "public_holiday"], day)}
    await client.put("/api/v1/schedules/always", json=always, headers=lead)
    answer = await client.get("/api/v1/schedules/always/opening", headers=lead)
    assert answer.json() == {"state": "open", "next_open_at": None, "closure_id": None}


@pytest.mark.parametrize(
    "at", ["2026-10-05T10:00:00", "yesterday", "1999-12-31T10:00:00Z", "2100-01-01T10:00:00Z", "9999-12-31T23:59:59Z"]
)
async def test_a_time_that_is_none_is_refused(client: httpx.AsyncClient, lead: Headers, at: str) -> None:
    answer = await client.get("/api/v1/schedules/office/opening", params={"at": at}, headers=lead)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")


async def test_every_day_of_the_calendar_can_be_asked_for(client: httpx.AsyncClient, lead: Headers) -> None:
    for at in (
        "2000-01-01T00:00:00Z",
        "2000-01-01T00:00:00+14:00",
        "2099-12-31T23:59:59Z",
        "2099-12-31T23:59:59-12:00",
    ):
        await state_at(client, lead, at)


async def test_a_special_day_wins_until_it_is_removed(
    client: httpx.AsyncClient, database: Database, lead: Headers
) -> None:
    path = "/api/v1/schedules/office/special-days/2026-10-12"
    body = {"spans": [span(540, 600)], "reason_zh": "院庆", "reason_en": "Anniversary"}
    created = await client.put(path, json=body, headers=lead)
    assert (created.status_code, created.json()) == (201, {"day": "2026-10-12", **body})
    assert (await client.put(path, json=body, headers=lead)).status_code == 200
    assert await state_at(client, lead, "2026-10-12T08:30:00+08:00") == ("special_day", "2026-10-12T01:00:00Z")
    assert await state_at(client, lead, "2026-10-12T09:30:00+08:00") == ("open", None)
    assert (await client.put(path, json={**body, "spans": []}, headers=lead)).json()["spans"] == []
    assert await state_at(client, lead, "2026-10-12T09:30:00+08:00") == ("special_day", "2026-10-13T00:00:00Z")
    assert (await client.delete(path, headers=lead)).status_code == 204
    assert await state_at(client, lead, "2026-10-12T09:30:00+08:00") == ("open", None)
    assert [entry.details for entry in await audited(database, "calendar.put_special_day")] == [
        {"day": "2026-10-12", "written": "created"},
        {"day": "2026-10-12", "written": "changed"},
    ]
    (removed,) = await audited(database, "calendar.remove_special_day")
    assert (removed.subject_id, removed.details) == ("office", {"day": "2026-10-12"})


async def test_a_special_day_is_of_one_schedule(client: httpx.AsyncClient, lead: Headers) -> None:
    await client.put("/api/v1/schedules/other", json=OFFICE, headers=lead)
    path = "/api/v1/schedules/office/special-days/2026-10-12"
    await client.put(path, json={"reason_zh": "院庆"}, headers=lead)
    assert (await state_at(client, lead, "2026-10-12T09:30:00+08:00"))[0] == "special_day"
    assert (await state_at(client, lead, "2026-10-12T09:30:00+08:00", "other"))[0] == "open"


async def test_special_days_are_listed_in_order_and_pages(client: httpx.AsyncClient, lead: Headers) -> None:
    base = "/api/v1/schedules/office/special-days"
    for day in ("2026-12-31", "2026-01-02", "2026-06-01", "2027-01-01"):
        await client.put(f"{base}/{day}", json={"reason_zh": "院庆"}, headers=lead)

    async def listed(**params: str) -> tuple[list[str], str | None]:
        page = (await client.get(base, params=params, headers=lead)).json()
        return [item["day"] for item in page["items"]], page["next_cursor"]

    assert await listed() == (["2026-01-02", "2026-06-01", "2026-12-31", "2027-01-01"], None)
    within = {"first_day": "2026-01-03", "last_day": "2026-12-31"}
    assert await listed(**within) == (["2026-06-01", "2026-12-31"], None)
    first, cursor = await listed(**within, limit="1")
    assert (first, cursor is None) == (["2026-06-01"], False)
    assert await listed(**within, limit="1", cursor=cursor or "") == (["2026-12-31"], None)


@pytest.mark.parametrize("cursor", ["WyJ4Il0", "WzFd", "W10", "WyIyMDI2LTAxLTAyIiwiMSJd", "x"])
@pytest.mark.parametrize("path", ["schedules/office/special-days", "closures"])
async def test_cursors_of_other_lists_are_refused(
    client: httpx.AsyncClient, lead: Headers, path: str, cursor: str
) -> None:
    answer = await client.get(f"/api/v1/{path}", params={"cursor": cursor}, headers=lead)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")


@pytest.mark.parametrize("day", ["2026-02-29", "2026-13-01", "1999-12-31", "2100-01-01", "today"])
async def test_days_that_are_none_are_refused(client: httpx.AsyncClient, lead: Headers, day: str) -> None:
    for path, body in (
        (f"schedules/office/special-days/{day}", {"reason_zh": "院庆"}),
        (f"calendar/days/{day}", {"kind": "holiday", "name_zh": "院庆"}),
    ):
        answer = await client.put(f"/api/v1/{path}", json=body, headers=lead)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed"), path


async def test_what_the_hospital_says_of_a_day_wins_over_the_list(
    client: httpx.AsyncClient, database: Database, lead: Headers
) -> None:
    async def put(day: str, **body: Any) -> int:
        return (
            await client.put(f"/api/v1/calendar/days/{day}", json={"name_zh": "本院安排", **body}, headers=lead)
        ).status_code

    assert await put("2026-10-06", kind="workday") == 201  # a Tuesday of the national holidays
    assert await put("2026-10-10", kind="ordinary") == 201  # a make-up Saturday
    assert await put("2026-10-18", kind="workday", counts_as=6) == 201  # a Sunday, worked as a Saturday
    assert await put("2026-10-20", kind="holiday", name_en="Our own") == 201
    assert await put("2026-10-20", kind="holiday", name_en="Our own") == 200
    assert await state_at(client, lead, "2026-10-06T16:00:00+08:00") == ("open", None)
    assert await state_at(client, lead, "2026-10-10T16:00:00+08:00") == ("outside_hours", "2026-10-12T00:00:00Z")
    assert await state_at(client, lead, "2026-10-18T11:00:00+08:00") == ("open", None)
    assert await state_at(client, lead, "2026-10-18T16:00:00+08:00") == ("outside_hours", "2026-10-19T00:00:00Z")
    assert await state_at(client, lead, "2026-10-20T09:00:00+08:00") == ("holiday", "2026-10-21T00:00:00Z")
    assert (await client.delete("/api/v1/calendar/days/2026-10-10", headers=lead)).status_code == 204
    assert await state_at(client, lead, "2026-10-10T16:00:00+08:00") == ("open", None)
    assert [entry.subject_id for entry in await audited(database, "calendar.put_hospital_day")] == [
        "2026-10-06",
        "2026-10-10",
        "2026-10-18",
        "2026-10-20",
    ]
    assert [entry.subject_id for entry in await audited(database, "calendar.remove_hospital_day")] == ["2026-10-10"]


@pytest.mark.parametrize(
    "change", [{"kind": "weekend"}, {"kind": None}, {"counts_as": 0}, {"counts_as": 8}, {"name_zh": " "}, {"day": "x"}]
)
async def test_a_hospital_day_that_is_none_is_refused(
    client: httpx.AsyncClient, lead: Headers, change: dict[str, Any]
) -> None:
    body = {"kind": "holiday", "name_zh": "院庆", **change}
    answer = await client.put("/api/v1/calendar/days/2026-10-12", json=body, headers=lead)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")


async def test_the_calendar_of_a_year(client: httpx.AsyncClient, lead: Headers) -> None:
    body = {"kind": "workday", "name_zh": "国庆值班", "name_en": "On duty", "counts_as": 1}
    await client.put("/api/v1/calendar/days/2026-10-06", json=body, headers=lead)
    await client.put("/api/v1/calendar/days/2025-12-31", json={"kind": "holiday", "name_zh": "院庆"}, headers=lead)
    year = (await client.get("/api/v1/calendar/2026", headers=lead)).json()
    assert (year["year"], year["list_source"]) == (2026, "published")
    days = {day["day"]: day for day in year["days"]}
    assert list(days) == sorted(days)
    assert len(days) == 39
    assert days["2026-10-06"] == {"day": "2026-10-06", **body, "origin": "hospital"}
    assert days["2026-10-10"] == {
        "day": "2026-10-10",
        "kind": "workday",
        "counts_as": None,
        "name_zh": "国庆节",
        "name_en": "National Day",
        "origin": "list",
    }


async def test_a_year_without_a_published_list(client: httpx.AsyncClient, lead: Headers) -> None:
    year = (await client.get("/api/v1/calendar/2099", headers=lead)).json()
    assert year["list_source"] == "preliminary"
    assert "2099-10-01" in {day["day"] for day in year["days"]}
    assert (await state_at(client, lead, "2099-10-01T10:00:00+08:00"))[0] == "holiday"
    for wrong in ("1999", "2100", "x"):
        assert (await client.get(f"/api/v1/calendar/{wrong}", headers=lead)).status_code == 422


async def test_times_are_instants(client: httpx.AsyncClient, lead: Headers) -> None:
    _, next_open_at = await state_at(client, lead, "2026-09-28T07:00:00+08:00")
    assert next_open_at is not None
    assert datetime.fromisoformat(next_open_at) == datetime(2026, 9, 28, tzinfo=UTC)
