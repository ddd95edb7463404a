"""Workload of days written by hand: every cell of every row."""

import csv
import io
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from callcenter.accounts.models import Role, User
from callcenter.agents import service as agents
from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from callcenter.workorders.models import WorkOrder
from tests.support.people import asker, given_agent, given_queue, given_reason
from tests.support.workload import at, given_history, given_leg, given_rated_visit, given_watched

URL = "/api/v1/workload"
MORNING = """
    8:00:00    paused              idle
    8:10:00    available           idle
    8:30:00    available           ringing  c1
    8:30:05.25 available           on_call  c1
    9:10:00    available           wrap_up
    9:10:30    available           idle
    9:20:00    available           ringing  c2
    9:20:15    available           idle
    9:30:00    paused:lunch        idle
    9:45:00    paused:lunch        ringing  c3
    9:45:05    paused:lunch        on_call  c3
    9:55:05    paused:lunch        idle
    10:30:00   logged_out          idle
"""
NOTHING = {
    "logged_in_seconds": 0.0,
    "available_seconds": 0.0,
    "paused_seconds": 0.0,
    "paused_seconds_by_reason": {},
    "ringing_seconds": 0.0,
    "talk_seconds": 0.0,
    "hold_seconds": 0.0,
    "wrap_up_seconds": 0.0,
    "unobserved_seconds": 0.0,
    "offered": 0,
    "answered": 0,
    "missed": 0,
    "withdrawn": 0,
    "transferred": 0,
    "rated": 0,
    "average_rating": None,
    "work_orders_taken": 0,
    "work_orders_closed": 0,
}


@pytest.fixture
async def quality(database: Database) -> dict[str, str]:
    return await asker(database, Role.QUALITY)


@pytest.fixture
async def morning(database: Database) -> dict[str, str]:
    """Agent 1001 in the queue ``consultation``, and the headers of their log-in."""
    async with database.transaction() as session:
        await given_queue(session, "consultation")
        await given_queue(session, "vip")
        await given_reason(session, "lunch")
    own = await asker(database, Role.AGENT, agent="1001", queues=("consultation",))
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001")
        await given_history(session, agent, MORNING)
        await given_leg(session, "1001", "c1", "8:30:00", held=[("8:50:00", "9:05:00")], transferred="9:10:00")
        await given_leg(session, "1001", "c2", "9:20:00", offer="missed")
        await given_leg(session, "1001", "c3", "9:45:00", queue="vip")
        await given_leg(session, "1001", "c4", "9:45:00", queue=None, offer=None)  # a call of the agent's own
        await given_rated_visit(session, "1001", "c1", entered="8:29:00", answered="8:30:05.3", rating=4)
        await given_rated_visit(session, "1001", "c3", entered="9:44:00", answered="9:45:05.2", rating=5)
    return own


async def ask(client: httpx.AsyncClient, who: dict[str, str], **query: Any) -> httpx.Response:
    period = {"from": "2026-01-05T00:00:00+08:00", "until": "2026-01-06T00:00:00+08:00"}
    return await client.get(URL, params={**period, **query}, headers=who)


async def rows_of(client: httpx.AsyncClient, who: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = await ask(client, who, **query)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["items"]
    for row in rows:
        states = ("available", "paused", "ringing", "talk", "hold", "wrap_up", "unobserved")
        assert sum(row[f"{state}_seconds"] for state in states) == pytest.approx(row["logged_in_seconds"], abs=1e-6)
        assert sum(row["paused_seconds_by_reason"].values()) == pytest.approx(row["paused_seconds"], abs=1e-6)
    return rows


def row(start: str, end: str, *, number: str | None = "1001", queue: str | None = None, **cells: Any) -> dict[str, Any]:
    return {
        **NOTHING,
        "start": f"2026-01-05T{start}:00+08:00",
        "end": f"2026-01-05T{end}:00+08:00",
        "agent_number": number,
        "display_name": f"坐席{number}" if number else None,
        "queue_name": queue,
        **cells,
    }


async def test_every_cell_by_the_hour(
    client: httpx.AsyncClient, quality: dict[str, str], morning: dict[str, str]
) -> None:
    assert await rows_of(client, quality, interval="hour") == [
        row(
            "08:00",
            "09:00",
            logged_in_seconds=3600.0,
            available_seconds=1200.0,
            paused_seconds=600.0,
            paused_seconds_by_reason={"-": 600.0},
            ringing_seconds=5.25,
            talk_seconds=1794.75 - 600.0,
            hold_seconds=600.0,
            offered=1,
            answered=1,
            transferred=1,
            rated=1,
            average_rating=4.0,
        ),
        row(
            "09:00",
            "10:00",
            logged_in_seconds=3600.0,
            available_seconds=570.0 + 585.0,
            paused_seconds=900.0 + 295.0,
            paused_seconds_by_reason={"lunch": 1195.0},
            ringing_seconds=20.0,
            talk_seconds=300.0 + 600.0,
            hold_seconds=300.0,
            wrap_up_seconds=30.0,
            offered=2,
            answered=1,
            missed=1,
            rated=1,
            average_rating=5.0,
        ),
        row(
            "10:00",
            "11:00",
            logged_in_seconds=1800.0,
            paused_seconds=1800.0,
            paused_seconds_by_reason={"lunch": 1800.0},
        ),
    ]


async def test_by_queue_what_is_of_no_queue_stands_beside_it(
    client: httpx.AsyncClient, quality: dict[str, str], morning: dict[str, str]
) -> None:
    found = await rows_of(client, quality, interval="period", group="agent,queue")
    assert [{**one, "start": "", "end": ""} for one in found] == [
        {**one, "start": "", "end": ""}
        for one in (
            row(
                "",
                "",
                logged_in_seconds=2355.0 + 3595.0,
                available_seconds=1200.0 + 1155.0,
                paused_seconds=3595.0,
                paused_seconds_by_reason={"-": 600.0, "lunch": 2995.0},
            ),
            row(
                "",
                "",
                queue="consultation",
                logged_in_seconds=2445.0,
                ringing_seconds=20.25,
                talk_seconds=2394.75 - 900.0,
                hold_seconds=900.0,
                wrap_up_seconds=30.0,
                offered=2,
                answered=1,
                missed=1,
                transferred=1,
                rated=2,
                average_rating=4.5,
            ),
            row(
                "",
                "",
                queue="vip",
                logged_in_seconds=605.0,
                ringing_seconds=5.0,
                talk_seconds=600.0,
                offered=1,
                answered=1,
            ),
        )
    ]


async def test_what_nobody_watched_is_unobserved(
    client: httpx.AsyncClient, database: Database, quality: dict[str, str], morning: dict[str, str]
) -> None:
    """The engine was away from 8:40 to 9:05, and from 9:50 on for the rest of the day."""
    async with database.transaction() as session:
        await given_watched(session, ("7:00:00", "8:40:00"), ("9:05:00", "9:50:00"), ("23:00:00", "23:59:00"))
    assert await rows_of(client, quality, interval="day") == [
        row(
            "00:00",
            "00:00",
            logged_in_seconds=9000.0,
            available_seconds=1200.0 + 1155.0,
            paused_seconds=600.0 + 900.0 + 2095.0,
            paused_seconds_by_reason={"-": 600.0, "lunch": 2995.0},
            ringing_seconds=25.25,
            talk_seconds=594.75 + 300.0 + 295.0,
            wrap_up_seconds=30.0,
            unobserved_seconds=25 * 60 + 305.0,
            offered=3,
            answered=2,
            missed=1,
            transferred=1,
            rated=2,
            average_rating=4.5,
        )
        | {"end": "2026-01-06T00:00:00+08:00"}
    ]


async def test_quarter_hours_days_weeks_and_months_add_up_to_the_period(
    client: httpx.AsyncClient, database: Database, quality: dict[str, str], morning: dict[str, str]
) -> None:
    async with database.transaction() as session:
        other = await given_agent(session, "1002", queues=["consultation"])
        await given_history(session, other, "23:50:00 available idle\n23:59:59.999999 logged_out idle")
        await given_watched(session, ("0:00:00", "9:07:03.000123"), ("9:08:00", "23:55:00"))
    (whole,) = await rows_of(client, quality, interval="period", group="none")
    assert whole["logged_in_seconds"] == 9000.0 + 599.999999
    for interval in ("quarter_hour", "hour", "day", "week", "month"):
        for group in ("agent", "queue", "agent,queue", "none"):
            rows = await rows_of(client, quality, interval=interval, group=group, limit=500)
            for cell, total in whole.items():
                if isinstance(total, float) and cell != "average_rating":
                    assert sum(one[cell] for one in rows) == pytest.approx(total, abs=1e-6), (interval, group, cell)
                elif isinstance(total, int):
                    assert sum(one[cell] for one in rows) == total, (interval, group, cell)


async def test_pages_have_every_row_once(
    client: httpx.AsyncClient, database: Database, quality: dict[str, str], morning: dict[str, str]
) -> None:
    async with database.transaction() as session:
        other = await given_agent(session, "1002")
        await given_history(session, other, "8:20:00 available idle\n9:50:00 logged_out idle")
    wanted = {"interval": "quarter_hour", "group": "agent,queue"}
    whole = await rows_of(client, quality, **wanted, limit=500)
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await ask(client, quality, **wanted, limit=3, cursor=cursor)).json()
        assert len(page["items"]) <= 3
        seen += page["items"]
        cursor = page["next_cursor"]
    assert seen == whole
    assert len(whole) > 20


async def test_work_orders_are_of_who_took_and_closed_them(
    client: httpx.AsyncClient, database: Database, quality: dict[str, str], morning: dict[str, str]
) -> None:
    async with database.transaction() as session:
        agent = await agents.get_agent(session, "1001")
        user = await session.get_one(User, agent.user_id)
        for number, (taken, closed) in enumerate([("8:05:00", "9:01:00"), ("8:59:59.9", None), (None, None)]):
            session.add(
                WorkOrder(
                    kind="message",
                    state="open",
                    call_id=f"c{number}",
                    queue_name="consultation",
                    opened_at=at("8:00:00"),
                    due_at=at("9:00:00"),
                    taken_at=at(taken) if taken else None,
                    taken_by=user.username if taken else None,
                    closed_at=at(closed) if closed else None,
                    closed_by=user.username if closed else None,
                )
            )
    rows = await rows_of(client, quality, interval="hour", group="agent,queue")
    counts = {
        (one["start"][11:16], one["queue_name"]): (one["work_orders_taken"], one["work_orders_closed"])
        for one in rows
        if one["work_orders_taken"] or one["work_orders_closed"]
    }
    assert counts == {("08:00", "consultation"): (2, 0), ("09:00", "consultation"): (0, 1)}


# -- who sees what


async def test_a_supervisor_sees_agents_of_the_own_queues_and_no_other_queue_by_name(
    client: httpx.AsyncClient, database: Database, morning: dict[str, str]
) -> None:
    async with database.transaction() as session:
        other = await given_agent(session, "1002", queues=["vip"])
        await given_history(session, other, "8:00:00 available idle\n9:00:00 logged_out idle")
    of_vip = await asker(database, Role.SUPERVISOR, scope=("vip",))
    of_consultation = await asker(database, Role.SUPERVISOR, scope=("consultation",))
    of_all = await asker(database, Role.SUPERVISOR)

    async def seen(who: dict[str, str], **query: Any) -> list[tuple[str, str | None]]:
        rows = await rows_of(client, who, interval="period", group="agent,queue", **query)
        return [(one["agent_number"], one["queue_name"]) for one in rows]

    assert await seen(of_vip) == [("1002", None)]
    assert await seen(of_consultation) == [("1001", None), ("1001", "consultation")]
    assert await seen(of_all) == [("1001", None), ("1001", "consultation"), ("1001", "vip"), ("1002", None)]
    assert await seen(of_vip, agent="1001") == []
    assert await seen(of_all, queue="vip") == [("1002", None)]
    # what is of the other queue is not lost: it stands with what is of none
    rows = await rows_of(client, of_consultation, interval="period", group="agent,queue")
    assert (rows[0]["talk_seconds"], rows[0]["offered"]) == (600.0, 1)


async def test_an_agent_sees_the_own_row(
    client: httpx.AsyncClient, database: Database, morning: dict[str, str]
) -> None:
    async with database.transaction() as session:
        other = await given_agent(session, "1002", queues=["consultation"])
        await given_history(session, other, "8:00:00 available idle\n9:00:00 logged_out idle")
    assert [one["agent_number"] for one in await rows_of(client, morning)] == ["1001"]
    assert await rows_of(client, morning, agent="1002") == []
    assert await rows_of(client, await asker(database, Role.AGENT)) == []
    assert (await ask(client, await asker(database, Role.SCHEDULER))).status_code == 403


# -- files


async def test_csv(client: httpx.AsyncClient, database: Database, morning: dict[str, str]) -> None:
    boss = await asker(database, Role.SUPERVISOR)
    async with database.transaction() as session:
        (await agents.get_agent(session, "1001")).display_name = "=HYPERLINK(1)"
    answer = await ask(client, boss, interval="hour", format="csv", language="en")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0] == {
        "From": "2026-01-05T08:00:00+08:00",
        "Until": "2026-01-05T09:00:00+08:00",
        "Agent": "1001",
        "Name": "'=HYPERLINK(1)",
        "Logged in (s)": "3600.000000",
        "Available (s)": "1200.000000",
        "Paused (s)": "600.000000",
        "Paused: not yet available (s)": "600.000000",
        "Paused: lunch (s)": "0.000000",
        "Ringing (s)": "5.250000",
        "Talking (s)": "1194.750000",
        "On hold (s)": "600.000000",
        "Wrap-up (s)": "0.000000",
        "Unobserved (s)": "0.000000",
        "Offered": "1",
        "Answered": "1",
        "Missed": "0",
        "Withdrawn": "0",
        "Transferred": "1",
        "Marks": "1",
        "Average mark": "4.0",
        "Work orders taken": "0",
        "Work orders closed": "0",
    }
    assert [one["From"][11:16] for one in rows] == ["08:00", "09:00", "10:00"]
    async with database.transaction() as session:
        audited = (await session.scalars(select(AuditEntry))).all()
    assert [(entry.action, entry.details["format"]) for entry in audited] == [("workload.export", "csv")]


async def test_xlsx_in_chinese(client: httpx.AsyncClient, quality: dict[str, str], morning: dict[str, str]) -> None:
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer = await ask(client, quality | {"Accept": xlsx}, interval="hour", group="agent,queue")
    assert answer.headers["content-type"] == xlsx
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    headings, first, *others = sheet.iter_rows(values_only=True)
    assert headings[:6] == ("开始", "结束", "工号", "姓名", "队列", "签入时长")
    assert [str(value) for value in first[:6]] == [
        "2026-01-05 08:00:00",
        "2026-01-05 09:00:00",
        "1001",
        "坐席1001",
        "None",
        "0:30:00",
    ]
    assert len(others) == 5


async def test_what_cannot_be_asked_says_why(client: httpx.AsyncClient, quality: dict[str, str]) -> None:
    async def refusal(**query: Any) -> tuple[int, str]:
        answer = await ask(client, quality, **query)
        return answer.status_code, answer.json()["code"]

    assert await refusal(until="2026-01-05T00:00:00+08:00") == (422, "invalid-report-period")
    assert await refusal(until="9999-12-31T23:59:59Z") == (422, "invalid-report-period")
    assert await refusal(**{"from": "0001-01-01T00:00:00+14:00"}) == (422, "invalid-report-period")
    assert await refusal(until="2026-02-06T00:00:00+08:00", interval="quarter_hour") == (422, "too-many-intervals")
    assert await refusal(interval="year") == (422, "validation-failed")
    assert await refusal(until="2026-01-06T00:00:00") == (422, "validation-failed")
    assert await refusal(group="agent,team") == (422, "validation-failed")
    assert await refusal(cursor="!") == (422, "invalid-cursor")
