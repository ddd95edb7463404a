"""/console as a supervisor uses it: boards that move by themselves, actions and their results, alarms."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from callcenter.agents.models import Activity, Agent, Seat
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.core.alarms import Alarm, raise_alarm
from callcenter.core.clock import now
from callcenter.patients.models import Patient
from callcenter.queues.models import Queue
from callcenter.supervision import alarm_rules
from callcenter.supervision.models import DayMembership
from tests.db.supervision.conftest import does, given_call, seated, waits
from tests.web.scene import SEAT, SUPERVISOR, SUPERVISOR_PASSWORD, Scene

CALL = "pbx1-1763754631.12"
HOSTILE = "<img src=x onerror=\"document.title='owned'\">{{7*7}}"
OpenConsole = Callable[..., Page]


async def _begin(scene: Scene) -> None:
    async with scene.site.database.transaction() as session:
        await alarm_rules.ensure_shipped(session)  # as an engine does when it begins
        for seat in await session.scalars(select(Seat)):
            seat.registered = True


@pytest.fixture
def console(scene: Scene, page: Page) -> OpenConsole:
    """A supervisor of ``scope`` (none: all queues) opens the page; 1001 sits at a telephone and is available."""

    def open_console(*scope: str) -> Page:
        scene.given_supervisor(*scope)
        scene.site.run(_begin(scene))
        scene.site.run(seated(scene.site.database, "1001", SEAT))
        scene.log_in(page, "/console", SUPERVISOR, SUPERVISOR_PASSWORD)
        expect(page.get_by_test_id("queues").locator("tbody tr").first).to_be_visible()
        return page

    return open_console


def test_the_board_moves_by_itself(scene: Scene, console: OpenConsole) -> None:
    page, database = console(), scene.site.database
    agent = page.locator('[data-agent="1001"]')
    expect(agent).to_contain_text("可接听")
    scene.site.run(given_call(database, CALL, queue="consultation", visit="open"))
    scene.site.run(waits(database, CALL, "consultation"))
    caller, queue = page.locator(f'[data-caller="{CALL}"]'), page.locator('tr[data-queue="consultation"]')
    expect(caller).to_contain_text("咨询")
    expect(caller).not_to_contain_text("13800000001")
    expect(queue.locator("td").nth(1)).to_have_text("1")
    scene.site.run(does(database, "1001", Activity.ON_CALL, CALL))
    expect(agent).to_contain_text("通话中")
    scene.site.run(given_call(database, "pbx1-1763754632.14"))
    expect(page.locator('[data-call="pbx1-1763754632.14"]')).to_contain_text("greet")
    page.get_by_test_id("language").click()
    expect(agent).to_contain_text("On a call")
    assert not re.search("[\u4e00-\u9fff]", page.get_by_test_id("queues").inner_text()), "Chinese on the English page"


def test_a_forced_pause_is_seen_and_the_refusal_says_why(scene: Scene, console: OpenConsole) -> None:
    page = console()
    page.locator('[data-agent="1001"]').get_by_test_id("agent-actions").click()
    page.locator("#force-reason").select_option("lunch")
    page.get_by_test_id("force-paused").click()
    expect(page.get_by_test_id("notice").first).to_contain_text("午餐")
    page.keyboard.press("Escape")
    expect(page.locator('[data-agent="1001"]')).to_contain_text("午餐")

    async def unplug() -> None:
        async with scene.site.database.transaction() as session:
            await session.execute(update(Seat).values(registered=False))

    scene.site.run(unplug())
    page.locator('[data-agent="1001"]').get_by_test_id("agent-actions").click()
    page.get_by_test_id("force-available").click()
    expect(page.locator(".notice.bad")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator('[data-agent="1001"]')).to_contain_text("午餐")


def test_a_queue_is_closed_only_after_a_yes(scene: Scene, console: OpenConsole) -> None:
    page = console()
    queue = page.locator('tr[data-queue="consultation"]')
    queue.get_by_test_id("queue-actions").click()
    page.get_by_test_id("close-queue").click()
    page.keyboard.press("Enter")  # the way back has the focus
    expect(queue).not_to_contain_text("班长已关闭")
    page.get_by_test_id("close-queue").click()
    page.get_by_test_id("sure-yes").click()
    expect(queue).to_contain_text("班长已关闭")
    page.get_by_test_id("open-queue").click()
    expect(queue).not_to_contain_text("班长已关闭")


def test_what_asterisk_says_of_a_command_is_shown(scene: Scene, console: OpenConsole) -> None:
    page, database = console(), scene.site.database
    scene.site.run(given_call(database, CALL, queue="consultation", visit="open"))
    scene.site.run(waits(database, CALL, "consultation"))
    page.locator(f'[data-caller="{CALL}"]').get_by_test_id("waiting-actions").click()
    page.locator("#move-to").select_option("vip")
    page.get_by_test_id("move").click()

    async def refuse() -> int:
        async with database.transaction() as session:
            done = await session.execute(
                update(PbxCommand)
                .where(PbxCommand.cause == SUPERVISOR)
                .values(state=CommandState.FAILED, answer="the telephone system said no", finished_at=now())
            )
            return int(done.rowcount)  # type: ignore[attr-defined]

    for _ in range(200):
        if scene.site.run(refuse()):
            break
        page.wait_for_timeout(50)
    expect(page.locator(".notice.bad")).to_contain_text("the telephone system said no")


def test_alarms_are_acknowledged_by_name(scene: Scene, console: OpenConsole) -> None:
    page = console()

    async def alarm() -> None:
        async with scene.site.database.transaction() as session:
            await raise_alarm(session, "node_lost", key="pbx1", severity="critical", pbx="pbx1", calls=3)

    scene.site.run(alarm())
    strip = page.get_by_test_id("alarms")
    expect(strip).to_contain_text("电话交换机异常终止")
    expect(page).to_have_title(re.compile(r"^\(1\)"))
    strip.get_by_test_id("acknowledge").click()
    expect(strip).to_be_hidden()

    async def who() -> str | None:
        async with scene.site.database.transaction() as session:
            return (await session.scalars(select(Alarm.acknowledged_by))).one()

    assert scene.site.run(who()) == SUPERVISOR
    page.get_by_test_id("view-alarms").click()
    expect(page.get_by_test_id("alarm-history")).to_contain_text(SUPERVISOR)
    rule = page.locator('[data-rule="longest-wait"]')
    expect(rule).to_contain_text("> 120 秒")
    rule.get_by_test_id("rule-open").click()
    page.get_by_test_id("rule-test").click()
    expect(page.get_by_test_id("measured")).to_be_visible()


def test_other_supervisors_queues_are_not_there(scene: Scene, console: OpenConsole) -> None:
    page, database = console("vip"), scene.site.database
    scene.site.run(waits(database, CALL, "consultation"))
    scene.site.run(waits(database, "pbx1-1763754640.1", "vip"))
    expect(page.locator('[data-caller="pbx1-1763754640.1"]')).to_be_visible()
    expect(page.locator(f'[data-caller="{CALL}"]')).to_have_count(0)
    expect(page.get_by_test_id("queues").locator("tbody tr")).to_have_count(1)


def test_names_are_texts_and_nothing_else(scene: Scene, console: OpenConsole) -> None:
    async def rename() -> None:
        async with scene.site.database.transaction() as session:
            await session.execute(update(Agent).values(display_name=HOSTILE))
            await session.execute(update(Queue).values(label_zh=HOSTILE))
            await session.execute(update(Patient).values(name=HOSTILE))

    scene.site.run(rename())
    page = console()
    scene.site.run(waits(scene.site.database, CALL, "consultation"))
    expect(page.locator('[data-agent="1001"]')).to_contain_text("<img src=x")
    page.locator('[data-agent="1001"]').get_by_test_id("agent-actions").click()
    expect(page.locator("#actions-title")).to_contain_text("{{7*7}}")
    assert "owned" not in page.title()


def test_charts_and_recordings_open(scene: Scene, console: OpenConsole) -> None:
    page, database = console(), scene.site.database
    scene.site.run(
        given_call(database, CALL, queue="consultation", visit="answered", state="finished", wait_seconds=12)
    )
    page.get_by_test_id("view-charts").click()
    expect(page.locator("#calls-chart canvas")).to_be_visible()
    expect(page.get_by_test_id("calls-chart").locator("table.narrow tbody tr").first).to_contain_text("1")
    expect(page.get_by_test_id("waits-chart")).to_contain_text("秒")
    page.get_by_test_id("view-recordings").click()
    page.get_by_test_id("recordings").get_by_role("button", name="查找").click()
    expect(page.get_by_test_id("recordings-none")).to_be_visible()


def test_an_agent_serves_a_queue_for_good(scene: Scene, console: OpenConsole) -> None:
    page = console()
    page.locator('[data-agent="1001"]').get_by_test_id("agent-actions").click()
    complaint = page.get_by_test_id("member-complaint")
    expect(complaint).to_have_attribute("aria-pressed", "false")
    page.get_by_test_id("for-good").check()
    complaint.click()
    expect(complaint).to_have_attribute("aria-pressed", "true")

    async def spans() -> int:
        async with scene.site.database.transaction() as session:
            return len((await session.scalars(select(DayMembership))).all())

    assert scene.site.run(spans()) == 0
