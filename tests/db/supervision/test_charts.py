"""Figures of the charts, over a day of the past and the same weekday before."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from callcenter.accounts.models import Role
from callcenter.core.db import Database
from tests.db.supervision.conftest import given_call
from tests.support.people import asker

API = "/api/v1/supervision/charts"
NINE = datetime(2026, 1, 12, 1, 0, tzinfo=UTC)
"""On the hospital's clock."""


@pytest.fixture(autouse=True)
async def two_mondays(database: Database) -> None:
    for number, (queue, outcome, wait_seconds, at) in enumerate(
        [
            ("mine", "answered", 5, NINE),
            ("mine", "abandoned", 25, NINE + timedelta(minutes=14)),
            ("mine", "overflowed", 600, NINE + timedelta(minutes=14)),
            ("theirs", "answered", 700, NINE + timedelta(minutes=15)),
            ("mine", "answered", 10, NINE - timedelta(days=7)),
            ("mine", "answered", 10, NINE - timedelta(days=1)),
        ]
    ):
        await given_call(
            database,
            f"pbx1-1.{number}",
            queue=queue,
            visit=outcome,
            at=at,
            wait_seconds=wait_seconds,
            state="finished",
        )


async def lead(database: Database, *scope: str) -> dict[str, str]:
    return await asker(database, Role.SUPERVISOR, scope=scope)


@pytest.mark.parametrize(("scope", "params", "second"), [((), {}, 1), (("mine",), {}, 0), ((), {"queue": "mine"}, 0)])
async def test_calls_by_quarter(
    client: httpx.AsyncClient, database: Database, scope: tuple[str, ...], params: dict[str, str], second: int
) -> None:
    answer = await client.get(
        f"{API}/calls", headers=await lead(database, *scope), params={"day": "2026-01-12", **params}
    )
    chart = answer.json()
    assert len(chart["quarters"]) == 96
    assert chart["quarters"][0]["at"] == "2026-01-11T16:00:00Z", "midnight at the hospital"
    nine, quarter_past = chart["quarters"][36:38]
    assert nine["today"] == {"offered": 3, "answered": 1, "abandoned": 1}
    assert nine["week_before"] == {"offered": 1, "answered": 1, "abandoned": 0}
    assert quarter_past["today"]["offered"] == second
    assert sum(quarter["today"]["offered"] for quarter in chart["quarters"]) == 3 + second


async def test_waiting_times(client: httpx.AsyncClient, database: Database) -> None:
    answer = await client.get(f"{API}/waits", headers=await lead(database), params={"day": "2026-01-12"})
    classes = {one["from_seconds"]: (one["answered"], one["abandoned"]) for one in answer.json()["classes"]}
    assert classes == {
        0: (1, 0), 10: (0, 0), 20: (0, 1), 30: (0, 0), 60: (0, 0), 120: (0, 0), 300: (0, 0), 600: (1, 0),
    }  # fmt: skip
    assert [one["to_seconds"] for one in answer.json()["classes"]] == [10, 20, 30, 60, 120, 300, 600, None]


@pytest.mark.parametrize("chart", ["calls", "waits"])
async def test_charts_of_others(client: httpx.AsyncClient, database: Database, chart: str) -> None:
    headers = await lead(database, "mine")
    outside = await client.get(f"{API}/{chart}", headers=headers, params={"queue": "theirs"})
    assert (outside.status_code, outside.json()["code"]) == (403, "outside-queue-scope")
    assert (await client.get(f"{API}/{chart}", headers=headers)).status_code == 200
