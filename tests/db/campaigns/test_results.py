"""What campaigns have come to: standings, counts, files; and what a campaign can be made of."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from tests.support.api import declared_roles
from tests.support.campaign_results import Attempted, given_campaign, given_contacts

READERS = ["admin", "quality", "scheduler", "supervisor"]
NOON = datetime(2026, 1, 5, 4, tzinfo=UTC)
"""Noon in Shanghai."""


@pytest.fixture
async def survey(database: Database) -> str:
    """Four contacts: reached with answers at the second try, refused, waiting, and one with a hostile name."""
    async with database.transaction() as session:
        campaign = await given_campaign(session, kind="survey", state="running")
        await given_contacts(
            session,
            campaign,
            Attempted(
                "A1",
                "张伟",
                outcomes=("hung_up_early", "completed"),
                answers=({"satisfied": "2"}, {"satisfied": "5", "recommend": "1"}),
                status="completed",
                result="reached",
                at=NOON,
            ),
            Attempted("A2", "王芳", outcomes=("opted_out",), status="refused", result="refused", at=NOON),
            Attempted("A3", "刘洋", outcomes=("busy",), status="registered", at=NOON + timedelta(hours=2)),
            Attempted("A4", '=HYPERLINK("x")', status="registered", at=NOON),
        )
        return str(campaign.id)


async def get(client: httpx.AsyncClient, who: dict[str, str], path: str, **params: Any) -> Any:
    answer = await client.get(f"/api/v1{path}", headers=who, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_who_may_read_them(client: httpx.AsyncClient) -> None:
    declared = await declared_roles(client, "campaigns_export", "campaigns_get_campaign_results")
    assert set(map(tuple, declared.values())) == {tuple(READERS)}
    assert len(declared) == 3
    more = await declared_roles(client, "campaigns_get_campaign_choices", "campaigns_list_campaign_standings")
    assert list(more.values()) == [READERS, READERS]


async def test_standings_of_several_campaigns(
    client: httpx.AsyncClient, database: Database, scheduler: dict[str, str], survey: str
) -> None:
    async with database.transaction() as session:
        empty = str((await given_campaign(session)).id)
    found = await get(client, scheduler, "/campaigns/standings", campaign=[survey, empty])
    assert found == [{"campaign_id": survey, "contacts": 4, "due": 2, "dialling": 0, "finished": 2, "reached": 1}]
    refused = await client.get("/api/v1/campaigns/standings", headers=scheduler)
    assert refused.status_code == 422


async def test_counts_for_the_charts(client: httpx.AsyncClient, scheduler: dict[str, str], survey: str) -> None:
    found = await get(client, scheduler, f"/campaigns/{survey}/results")
    assert found["by_status"] == {"completed": 1, "refused": 1, "registered": 2}
    assert found["by_result"] == {"reached": 1, "refused": 1}
    assert found["by_outcome"] == {"busy": 1, "completed": 1, "hung_up_early": 1, "opted_out": 1}
    assert found["questions"] == [
        {"question": "recommend", "answers": {"1": 1}},
        {"question": "satisfied", "answers": {"5": 1}},  # the later answer of the same person
    ]
    assert [(one["start"], one["attempts"], one["conversations"]) for one in found["hours"]] == [
        ("2026-01-05T04:00:00Z", 3, 3),
        ("2026-01-05T06:00:00Z", 1, 0),
    ]
    missing = await client.get("/api/v1/campaigns/00000000-0000-0000-0000-000000000000/results", headers=scheduler)
    assert missing.json()["code"] == "campaign-not-found"


async def test_a_csv_has_a_row_for_each_contact(
    client: httpx.AsyncClient, database: Database, scheduler: dict[str, str], survey: str
) -> None:
    answer = await client.get(f"/api/v1/campaigns/{survey}/results.csv?language=en", headers=scheduler)
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="campaign-results.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Key"] for row in rows] == ["A1", "A2", "A3", "A4"]
    first = rows[0]
    assert (first["Result"], first["Status"], first["Last outcome"]) == ("Reached", "Completed", "Completed")
    assert (first["Answer: satisfied"], first["Answer: recommend"]) == ("5", "1")
    assert first["Last attempt at"].startswith("2026-01-05T12:")  # on the campaign's clock
    assert rows[2]["Last outcome"] == "Busy"
    assert rows[3]["Name"].startswith("'=")
    async with database.transaction() as session:
        (entry,) = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "campaigns.export"))).all()
    assert (entry.subject_id, entry.details["format"]) == (survey, "csv")


async def test_a_spreadsheet_in_the_reader_s_language(
    client: httpx.AsyncClient, scheduler: dict[str, str], survey: str
) -> None:
    headers = {**scheduler, "Accept-Language": "zh-CN"}
    answer = await client.get(f"/api/v1/campaigns/{survey}/results.xlsx", headers=headers)
    sheet = load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    headings, *rows = sheet.iter_rows(values_only=True)
    assert headings[:2] == ("编号", "姓名")
    assert "回答：satisfied" in headings
    assert rows[0][headings.index("结果")] == "已联系到"
    assert len(rows) == 4


async def test_a_long_list_comes_in_pages(
    client: httpx.AsyncClient, database: Database, scheduler: dict[str, str]
) -> None:
    async with database.transaction() as session:
        campaign = await given_campaign(session)
        await given_contacts(session, campaign, *(Attempted(f"K{number:04}", "") for number in range(2_000)))
    answer = await client.get(f"/api/v1/campaigns/{campaign.id}/results.csv", headers=scheduler)
    lines = answer.text.splitlines()
    assert len(lines) == 2_001
    assert lines[-1].startswith("K1999,")


async def test_what_a_campaign_can_be_made_of(
    client: httpx.AsyncClient, database: Database, scheduler: dict[str, str]
) -> None:
    async with database.transaction() as session:
        await given_campaign(session)  # brings its number
    found = await get(client, scheduler, "/campaigns/choices")
    reminder = next(one for one in found["flows"] if one["name"] == "campaign_reminder")
    assert reminder["texts"][:2] == ["greeting", "reminder"]
    assert [one["name"] for one in found["caller_ids"]] == ["8000"]
    assert found["pacing"]["mode"] == "automatic"
    assert len(found["windows"]["week"]) == 7
    assert found["retry"]["after"]["busy"]["times"] == 2
    assert not {"completed", "opted_out"} & found["retry"]["after"].keys()
