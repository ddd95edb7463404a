"""/workload over days written by hand: what stands in the cells, that it adds up, and what comes down as files."""

import csv
import io
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import update

from callcenter.accounts import service as accounts
from callcenter.accounts.models import Role
from callcenter.agents import service as agents
from callcenter.agents.models import Agent
from callcenter.core.audit import SYSTEM
from callcenter.queues.models import Queue
from tests.support.workload import ZONE, given_history, given_leg, given_rated_visit
from tests.web.scene import Scene

READER, PASSWORD = "reader", "reader of this test"
PATIENCE_MILLISECONDS = 30_000
"""A report is four requests, and tests run beside others."""
NOON = datetime(2026, 1, 5, 12, tzinfo=ZONE)
"""A Monday."""
HOSTILE = "<img src=x onerror=\"document.title='owned'\">{{7*7}}"
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
    10:30:00   logged_out          idle
"""
BEFORE = "9:00:00 available idle\n9:30:00.6 logged_out idle"
OpenWorkload = Callable[..., Page]


async def _seed(scene: Scene, role: Role) -> None:
    """1001 on Monday morning, 1002 for half an hour of it and for half an hour of the day before."""
    async with scene.site.database.transaction() as session:
        await accounts.create_user(
            session, SYSTEM, username=READER, password=PASSWORD, display_name="陈静", roles=[role], queue_scope=[]
        )
        first, second = await agents.get_agent(session, "1001"), await agents.get_agent(session, "1002")
        await given_history(session, first, MORNING)
        await given_leg(session, "1001", "c1", "8:30:00", held=[("8:50:00", "9:05:00")], transferred="9:10:00")
        await given_leg(session, "1001", "c2", "9:20:00", offer="missed")
        await given_rated_visit(session, "1001", "c1", entered="8:29:00", answered="8:30:05.3", rating=4)
        await given_history(session, second, BEFORE, day="2026-01-04")
        await given_history(session, second, BEFORE)


@pytest.fixture
def workload(scene: Scene, page: Page) -> OpenWorkload:
    """The page of a reader, at noon of that Monday; ``at`` another page."""

    def open_workload(role: Role = Role.SUPERVISOR, at: Page | None = None) -> Page:
        scene.site.run(_seed(scene, role))
        shown = at or page
        shown.clock.set_fixed_time(NOON)
        scene.log_in(shown, "/workload", READER, PASSWORD)
        expect(shown.get_by_test_id("total")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        return shown

    return open_workload


def cells(row: Locator) -> dict[str, str]:
    found: list[tuple[str, str]] = row.locator("[data-cell]").evaluate_all(
        "cells => cells.map(cell => [cell.dataset.cell, cell.textContent.trim()])"
    )
    return dict(found)


def seconds(text: str) -> int:
    hours, minutes, rest = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def choose(page: Page, name: str, value: str) -> None:
    """And wait for the answer."""
    page.get_by_test_id(name).select_option(value)
    expect(page.locator("main")).to_have_attribute("aria-busy", "false", timeout=PATIENCE_MILLISECONDS)


def test_every_cell_of_today_and_the_totals(workload: OpenWorkload) -> None:
    page = workload()
    assert cells(page.locator('tr[data-agent="1001"]')) == {
        "logged_in": "2:30:00",
        "available": "0:39:15",
        "paused": "1:10:00",
        "ringing": "0:00:20",
        "talk": "0:24:55",
        "hold": "0:15:00",
        "wrap_up": "0:00:30",
        "unobserved": "0:00:00",
        "offered": "2",
        "answered": "1",
        "missed": "1",
        "withdrawn": "0",
        "transferred": "1",
        "rated": "1",
        "average_rating": "4.00",
        "work_orders_taken": "0",
        "work_orders_closed": "0",
    }
    total = cells(page.get_by_test_id("total"))
    assert (total["logged_in"], total["available"], total["average_rating"]) == ("3:00:01", "1:09:16", "4.00")
    page.get_by_test_id("reasons").check()
    with_reasons = cells(page.locator('tr[data-agent="1001"]'))
    assert (with_reasons["paused:-"], with_reasons["paused:lunch"]) == ("0:10:00", "1:00:00")
    expect(page.get_by_test_id("workload").locator("thead")).to_contain_text("午餐")
    expect(page.locator("#chart canvas")).to_be_visible()


def test_rows_add_up_across_and_down(workload: OpenWorkload) -> None:
    page = workload()
    choose(page, "group", "agent,queue")
    choose(page, "interval", "quarter_hour")
    expect(page.locator("tbody tr[data-start]").first).to_contain_text("2026-01-05 08:00–08:15")
    rows = [cells(row) for row in page.locator("tbody tr[data-start]").all()]
    assert len(rows) > 10
    states = ("available", "paused", "ringing", "talk", "hold", "wrap_up", "unobserved")
    total = cells(page.get_by_test_id("total"))
    for row in [*rows, total]:
        assert seconds(row["logged_in"]) == sum(seconds(row[state]) for state in states)
    for count in ("offered", "answered", "missed", "withdrawn", "transferred", "rated"):
        assert int(total[count]) == sum(int(row[count]) for row in rows), count
    for state in (*states, "logged_in"):  # each cell of a second at most
        assert seconds(total[state]) == pytest.approx(sum(seconds(row[state]) for row in rows), abs=len(rows)), state
    page.get_by_test_id("chart-calls").click()
    expect(page.locator(".u-legend")).to_contain_text("漏接")


def test_periods_agents_and_queues_are_chosen(workload: OpenWorkload) -> None:
    page = workload()
    choose(page, "period", "yesterday")
    expect(page.get_by_test_id("from")).to_have_value("2026-01-04")
    expect(page.locator("tbody tr[data-start]")).to_have_count(1)
    choose(page, "period", "this_month")
    expect(page.get_by_test_id("until")).to_have_value("2026-01-31")
    choose(page, "interval", "week")
    expect(page.locator("tbody tr[data-start]").first).to_contain_text("2026-01-01 – 01-04")
    choose(page, "agent", "1002")
    assert page.locator("tbody tr[data-start]").evaluate_all("rows => rows.map(row => row.dataset.agent)") == [
        "1002",
        "1002",
    ]
    choose(page, "agent", "")
    choose(page, "queue", "complaint")
    expect(page.get_by_test_id("error")).to_be_empty()
    choose(page, "queue", "")
    page.get_by_test_id("from").fill("2026-01-05")
    page.get_by_test_id("until").fill("2026-01-04")
    expect(page.get_by_test_id("error")).to_contain_text("结束不能早于开始")
    page.get_by_test_id("until").fill("2026-01-05")
    expect(page.get_by_test_id("error")).to_be_empty()
    expect(page.get_by_test_id("period")).to_have_value("today")
    page.get_by_test_id("from").fill("2010-01-01")
    page.get_by_test_id("until").fill("2010-01-02")
    expect(page.get_by_test_id("nothing")).to_be_visible(timeout=PATIENCE_MILLISECONDS)


def test_long_tables_come_in_parts_and_totals_are_of_all(scene: Scene, workload: OpenWorkload) -> None:
    async def stay() -> None:
        async with scene.site.database.transaction() as session:
            await given_history(session, await agents.get_agent(session, "1003"), "0:00:00 available idle")

    scene.site.run(stay())
    page = workload()
    choose(page, "agent", "1003")
    page.get_by_test_id("until").fill("2026-01-07")
    choose(page, "interval", "quarter_hour")
    rows = page.locator("tbody tr[data-start]")
    expect(rows).to_have_count(200)
    assert cells(page.get_by_test_id("total"))["available"] == "72:00:00"
    page.get_by_test_id("more").click()
    expect(page.get_by_test_id("more")).to_have_count(0, timeout=PATIENCE_MILLISECONDS)
    expect(rows).to_have_count(3 * 24 * 4)


def test_days_are_the_hospitals_wherever_the_browser_is(workload: OpenWorkload, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN", timezone_id="America/New_York")
    page = workload(at=context.new_page())
    expect(page.get_by_test_id("from")).to_have_value("2026-01-05")
    choose(page, "interval", "hour")
    expect(page.locator("tbody tr[data-start]").first).to_have_attribute("data-start", "2026-01-05T08:00")
    context.close()


def test_files_have_all_rows_in_the_readers_language(workload: OpenWorkload, tmp_path: Path) -> None:
    page = workload(Role.QUALITY)
    with page.expect_download() as chinese:
        page.get_by_test_id("xlsx").click()
    assert chinese.value.suggested_filename == "workload-2026-01-05.xlsx"
    chinese.value.save_as(tmp_path / "workload.xlsx")
    sheet = load_workbook(tmp_path / "workload.xlsx").active
    assert sheet is not None
    headings, *rows = sheet.iter_rows(values_only=True)
    assert headings[2:4] == ("工号", "姓名")
    assert [row[2] for row in rows] == ["1001", "1002"]
    page.get_by_test_id("language").click()
    choose(page, "interval", "hour")
    with page.expect_download() as english:
        page.get_by_test_id("csv").click()
    english.value.save_as(tmp_path / "workload.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "workload.csv").read_text("utf-8-sig"))))
    assert [line["Agent"] for line in lines] == ["1001", "1001", "1002", "1001"]
    assert sum(float(line["Logged in (s)"]) for line in lines) == 3 * 3600 + 0.6


def test_both_languages(workload: OpenWorkload) -> None:
    page = workload()
    expect(page).to_have_title(re.compile("工作量"))
    expect(page.get_by_test_id("workload").locator("thead")).to_contain_text("话后处理")
    page.get_by_test_id("language").click()
    expect(page).to_have_title(re.compile("Workload"))
    expect(page.locator(".u-legend")).to_contain_text("Wrap-up")
    page.get_by_test_id("reasons").check()
    for part in (page.locator("form"), page.locator("thead"), page.locator("tfoot"), page.locator(".u-legend")):
        told = re.sub(r"\d{4} \S+", "", part.inner_text())  # agents' names are as they are
        assert not re.search("[\u4e00-\u9fff]", told), told


def test_names_are_texts_and_nothing_else(scene: Scene, workload: OpenWorkload) -> None:
    async def rename() -> None:
        async with scene.site.database.transaction() as session:
            await session.execute(update(Agent).values(display_name=HOSTILE))
            await session.execute(update(Queue).values(label_zh=HOSTILE))

    scene.site.run(rename())
    page = workload()
    choose(page, "group", "agent,queue")
    expect(page.locator('tr[data-queue="consultation"]')).to_contain_text("<img src=x")
    page.locator("#chart .u-over").hover()
    expect(page.locator(".u-legend")).to_contain_text("{{7*7}}")
    expect(page.locator("main img")).to_have_count(0)
    assert "owned" not in page.title()


def test_agents_find_their_own_day(scene: Scene, page: Page) -> None:
    scene.site.run(_seed(scene, Role.SUPERVISOR))
    page.clock.set_fixed_time(NOON)
    scene.log_in(page, "/workload")
    expect(page.locator("tbody tr[data-start]")).to_have_count(1, timeout=PATIENCE_MILLISECONDS)
    expect(page.locator("tbody tr[data-start]")).to_have_attribute("data-agent", "1001")
