"""/campaigns as a scheduler uses it: made, filled, started, watched, looked into; both languages."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts import service as accounts
from callcenter.accounts.models import Role
from callcenter.campaigns import triggers
from callcenter.campaigns.audiences import AUDIENCE
from callcenter.campaigns.lifecycle import get_limits
from callcenter.campaigns.models import Campaign, CampaignAttempt, CampaignContact
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from tests.db.supervision.conftest import given_call
from tests.support.campaign_results import Attempted, given_campaign, given_contacts
from tests.web.scene import Scene

NOTHING_STICKS_OUT = "() => document.documentElement.scrollWidth <= innerWidth"
"""Charts follow the window a moment later. A function: the page's policy forbids expressions."""
USER, PASSWORD = "planner", "planner of this test"
HOSTILE = "<img src=x onerror=\"document.title='owned'\">{{7*7}}"
OpenCampaigns = Callable[..., Page]


@pytest.fixture
def campaigns(scene: Scene, page: Page) -> OpenCampaigns:
    """Somebody with this role opens the page."""

    def open_campaigns(role: Role = Role.SCHEDULER, path: str = "/campaigns") -> Page:
        async def create() -> None:
            async with scene.site.database.transaction() as session:
                await accounts.create_user(
                    session, SYSTEM, username=USER, password=PASSWORD, display_name="陈静", roles=[role], queue_scope=[]
                )

        scene.site.run(create())
        scene.log_in(page, path, USER, PASSWORD)
        expect(page.locator("main")).to_have_attribute("aria-busy", "false")
        return page

    return open_campaigns


def given_running(scene: Scene, *people: Attempted, **values: object) -> str:
    """A survey that runs, with these people; its id."""

    async def make() -> str:
        async with scene.site.database.transaction() as session:
            texts = {
                "spoken": {
                    "greeting": {"zh": "您好，请问是{name}吗？", "en": ""},
                    "reminder": {"zh": "{when}", "en": ""},
                }
            }
            given = {"name": "出院患者满意度调查", "kind": "survey", "state": "running", "texts": texts} | values
            campaign = await given_campaign(session, **given)  # type: ignore[arg-type]
            await given_contacts(session, campaign, *people)
            return str(campaign.id)

    return scene.site.run(make())


def sample(scene: Scene) -> str:
    """A survey in the midst of it."""
    at = now() - timedelta(hours=3)
    done: dict[str, Any] = {"status": "completed", "result": "reached"}
    return given_running(
        scene,
        Attempted("A1", "张伟", ("busy", "completed"), ({}, {"satisfied": "5", "recommend": "1"}), at=at, **done),
        Attempted("A2", "王芳", ("completed",), ({"satisfied": "4", "recommend": "1"},), at=at, **done),
        Attempted(
            "A3", "刘洋", ("completed",), ({"satisfied": "5", "recommend": "2"},), at=at + timedelta(hours=1), **done
        ),
        Attempted("A4", "陈静", ("opted_out",), at=at + timedelta(hours=1), status="refused", result="refused"),
        Attempted("A5", "杨帆", ("no_answer",), at=at + timedelta(hours=2)),
        Attempted("A6", "赵敏", at=at),
        Attempted("A7", "黄磊", at=now() + timedelta(days=1)),
    )


def change(scene: Scene, work: Callable[[AsyncSession], Any]) -> None:
    async def run() -> None:
        async with scene.site.database.transaction() as session:
            await work(session)

    scene.site.run(run())


def field(page: Page, pointer: str) -> Locator:
    return page.locator(f'[data-field="{pointer}"]')


def test_a_campaign_from_the_wizard_to_its_pause(scene: Scene, campaigns: OpenCampaigns) -> None:
    page = campaigns()
    expect(page.get_by_test_id("none")).to_be_visible()
    page.get_by_test_id("new").click()
    field(page, "/name").fill("明日就诊提醒")
    expect(field(page, "/flow")).to_have_value("campaign_reminder")
    field(page, "/caller_id").select_option("8001")
    page.get_by_test_id("next").click()
    expect(page.locator("#step-title")).to_be_focused()
    field(page, "/texts/spoken/greeting/zh").fill("您好，请问是{name}吗？")
    field(page, "/texts/spoken/reminder/zh").fill("提醒您，{when}来医院就诊。")
    expect(page.get_by_test_id("variables")).to_contain_text("{when}")
    page.get_by_test_id("add-sms").click()
    field(page, "/texts/sms/zh").fill("{name}您好，{when}请来院就诊。")
    page.get_by_test_id("next").click()
    field(page, "/windows/week/0").fill("09:00-11:30 14:00-17:00")
    page.get_by_test_id("all-days").click()
    field(page, "/windows/week/6").fill("")
    field(page, "/pacing/max_channels").fill("4")
    page.get_by_test_id("next").click()
    field(page, "/retry/after/busy/after_minutes").fill("10")
    field(page, "/retry/after/machine").uncheck()
    page.get_by_test_id("save").click()
    expect(page.locator("[data-state]")).to_have_text("草稿")

    async def saved(session: AsyncSession) -> Campaign:
        return (await session.scalars(select(Campaign))).one()

    async def look() -> Campaign:
        async with scene.site.database.transaction() as session:
            return await saved(session)

    found = scene.site.run(look())
    assert (found.name, found.caller_id, found.channels) == ("明日就诊提醒", "8001", ["telephone", "sms"])
    assert found.windows["week"][5:] == [["09:00-11:30", "14:00-17:00"], []]
    assert found.pacing["max_channels"] == 4
    assert found.retry["after"]["busy"]["after_minutes"] == 10
    assert "machine" not in found.retry["after"]
    assert set(found.texts["spoken"]) == {"greeting", "reminder"}

    page.get_by_test_id("tab-contacts").click()
    form = page.get_by_test_id("by-hand")
    form.locator('[name="name"]').fill("张伟")
    form.locator('[name="numbers"]').fill("13800000001")
    form.locator('[name="variable-when"]').fill("11月23日上午9:30")
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("added")).to_contain_text("已添加 张伟")
    expect(page.locator('[data-contact="13800000001"]')).to_contain_text("+8613800000001")
    form.locator('[name="numbers"]').fill("12")
    form.locator('[name="variable-when"]').fill("x")
    page.get_by_test_id("add").click()
    expect(page.get_by_test_id("added")).to_contain_text("号码无法识别")

    page.get_by_test_id("become-running").click()
    expect(page.locator("#sure-text")).to_contain_text("启动“明日就诊提醒”")
    page.get_by_test_id("sure-yes").click()
    expect(page.locator('[data-test="notice"].bad')).to_contain_text("尚未配置短信网关")
    page.get_by_test_id("edit").click()
    page.get_by_test_id("next").click()
    page.get_by_role("button", name="移除: 短信").click()
    page.get_by_test_id("save").click()
    page.get_by_test_id("become-running").click()
    page.get_by_test_id("sure-yes").click()
    expect(page.locator("[data-state]")).to_have_text("进行中")
    page.get_by_test_id("tab-progress").click()
    expect(page.get_by_test_id("done")).to_have_text("已完成 0 / 1")
    page.get_by_test_id("become-paused").click()
    page.keyboard.press("Escape")
    expect(page.locator("[data-state]")).to_have_text("进行中")
    page.get_by_test_id("become-paused").click()
    page.get_by_test_id("sure-yes").click()
    expect(page.locator("[data-state]")).to_have_text("已暂停")


def test_what_is_wrong_is_told_at_its_field(campaigns: OpenCampaigns) -> None:
    page = campaigns(path="/campaigns#/new")
    page.get_by_test_id("save").click()
    expect(page.locator("[data-fault]")).to_have_count(2)  # both texts of the flow
    field(page, "/texts/spoken/greeting/zh").fill("您好")
    expect(page.locator("[data-fault]")).to_have_count(1)
    field(page, "/texts/spoken/reminder/en").fill("Come tomorrow.")
    page.get_by_test_id("step-times").click()
    field(page, "/windows/week/2").fill("12:00-09:00")
    page.get_by_test_id("save").click()
    expect(page.locator('[data-fault="/windows/week/2"]')).to_be_visible()
    field(page, "/windows/week/2").fill("09:00-12:00")
    field(page, "/pacing/ring_seconds").fill("1")
    field(page, "/ends_at").fill("2020-01-01T00:00")
    page.get_by_test_id("save").click()
    expect(page.locator('[data-fault="/name"]')).to_have_text("必填。")  # the API's words, the first step
    expect(field(page, "/name")).to_be_focused()
    field(page, "/name").fill("提醒")
    page.get_by_test_id("step-times").click()
    expect(page.locator('[data-fault="/pacing/ring_seconds"]')).to_have_text("数值过小。")
    field(page, "/pacing/ring_seconds").fill("30")
    page.get_by_test_id("save").click()
    expect(page.locator('[data-fault="/ends_at"]')).to_have_text("结束须晚于开始。")
    field(page, "/ends_at").fill("2099-01-01T00:00")
    field(page, "/zone").fill("Mars/Olympus")
    page.get_by_test_id("save").click()
    expect(page.locator('[data-fault="/zone"]')).to_contain_text("没有该时区")


def test_who_edits_an_older_one_is_told(scene: Scene, campaigns: OpenCampaigns) -> None:
    campaign = given_running(scene, state="draft", name="旧名")
    page = campaigns(path=f"/campaigns#/{campaign}/edit")
    field(page, "/name").fill("我的名字")
    change(scene, lambda session: session.execute(update(Campaign).values(name="他人的名字", version=2)))
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("stale")).to_contain_text("已被他人修改")
    expect(page.get_by_test_id("save")).to_be_disabled()
    page.get_by_test_id("reload").click()
    expect(field(page, "/name")).to_have_value("他人的名字")
    field(page, "/name").fill("新名字")
    page.get_by_test_id("save").click()
    expect(page.locator("h1")).to_have_text("新名字")


def test_texts_of_one_that_has_begun_stay(scene: Scene, campaigns: OpenCampaigns) -> None:
    page = campaigns(path=f"/campaigns#/{sample(scene)}/edit")
    page.get_by_test_id("step-texts").click()
    expect(field(page, "/texts/spoken/greeting/zh")).to_be_disabled()
    page.get_by_test_id("step-times").click()
    field(page, "/pacing/calls_per_second").fill("2.5")
    page.get_by_test_id("save").click()
    expect(page.locator("[data-state]")).to_have_text("进行中")


def test_progress_moves_by_itself(scene: Scene, campaigns: OpenCampaigns) -> None:
    campaign = sample(scene)
    page = campaigns()
    row = page.locator(f'[data-campaign="{campaign}"]')
    expect(row).to_contain_text("已完成 4 / 7")
    expect(row).to_contain_text("75.0 %")
    row.get_by_role("link").click()
    expect(page.locator('[data-figure="due"]')).to_have_text("2")
    expect(page.locator('[data-figure="reach_rate"]')).to_have_text("75.0 %")
    expect(page.locator('[data-counts="outcome"] [data-code="completed"]')).to_contain_text("3")
    change(
        scene,
        lambda session: session.execute(
            update(CampaignContact).where(CampaignContact.key == "A6").values(state="dialling", next_at=None)
        ),
    )
    expect(page.locator('[data-figure="dialling"]')).to_have_text("1")
    expect(page.locator('[data-figure="due"]')).to_have_text("1")


def test_results_as_charts_and_files(scene: Scene, campaigns: OpenCampaigns, tmp_path: Path) -> None:
    page = campaigns(Role.QUALITY, f"/campaigns#/{sample(scene)}/results")
    expect(page.locator("#hours canvas")).to_be_visible()
    expect(page.locator('[data-question="satisfied"] [data-code="5"]')).to_contain_text("66.7 %")
    expect(page.locator('[data-counts="status"] [data-code="completed"]')).to_contain_text("3")
    expect(page.get_by_test_id("edit")).to_have_count(0)
    with page.expect_download() as chinese:
        page.get_by_test_id("csv").click()
    assert chinese.value.suggested_filename == "campaign-出院患者满意度调查.csv"
    chinese.value.save_as(tmp_path / "results.csv")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "results.csv").read_text("utf-8-sig"))))
    assert [line["回答：satisfied"] for line in lines] == ["5", "4", "5", "", "", "", ""]
    with page.expect_download() as sheet:
        page.get_by_test_id("xlsx").click()
    assert sheet.value.suggested_filename.endswith(".xlsx")


def test_why_somebody_was_called_or_not(scene: Scene, campaigns: OpenCampaigns) -> None:
    page = campaigns(path=f"/campaigns#/{sample(scene)}/contacts")
    page.get_by_test_id("contact-status").select_option("refused")
    expect(page.get_by_test_id("contacts").locator("tbody tr")).to_have_count(1)
    page.get_by_test_id("contact-status").select_option("")
    expect(page.get_by_test_id("contacts").locator("tbody tr")).to_have_count(7)
    page.get_by_role("link", name="张伟").click()
    attempts = page.get_by_test_id("attempts").locator("tbody tr")
    expect(attempts).to_have_count(2)
    expect(attempts.nth(0)).to_contain_text("占线")
    expect(attempts.nth(1)).to_contain_text("完成")
    expect(page.get_by_test_id("answers")).to_contain_text("satisfied")
    expect(page.get_by_test_id("decisions").locator("li")).to_have_count(4)
    expect(page.get_by_test_id("decisions").locator('[data-decision="waits"]')).to_contain_text("占线")
    expect(page.get_by_test_id("call")).to_have_count(0)  # calls are records of their own
    page.go_back()
    page.get_by_role("link", name="黄磊").click()
    page.get_by_test_id("withdraw").click()
    page.get_by_test_id("sure-yes").click()
    expect(page.get_by_test_id("contact")).to_contain_text("已撤出")


def test_a_file_is_sent_and_its_reading_watched(scene: Scene, campaigns: OpenCampaigns) -> None:
    """Against what the import answers: the route is another part of the service."""
    campaign = given_running(scene)
    page = campaigns(path=f"/campaigns#/{campaign}/contacts")
    problem = {
        "line": 3,
        "column": "number",
        "reason": "unreadable-number",
        "text_zh": "无法识别电话号码。",
        "text_en": "",
    }
    reading: dict[str, Any] = {
        "id": "0198c0de-0000-7000-8000-000000000001",
        "state": "running",
        "reason": None,
        "rows_total": 3,
        "rows": 1,
        "added": 1,
        "existing": 0,
        "rejected": 0,
    }
    sent: list[Route] = []

    def answer(route: Route, body: object) -> None:
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    def hold(route: Route) -> None:
        sent.append(route)  # answered when the file is read

    page.route(re.compile(r"/contacts/import$"), hold)
    page.route(re.compile(r"/imports$"), lambda route: answer(route, [reading]))
    table = b"key,name,number,when\nA1,Zhang,13800000001,9:30\n"
    page.locator('input[type="file"]').set_input_files({"name": "people.csv", "mimeType": "text/csv", "buffer": table})
    page.get_by_test_id("send").click()
    expect(page.get_by_test_id("stop")).to_be_visible()
    expect(page.get_by_test_id("upload-state")).to_contain_text("1 行：新增 1")
    (post,) = sent
    assert post.request.headers["authorization"].startswith("Bearer ")
    assert post.request.headers["content-type"].startswith("multipart/form-data")
    answer(post, reading | {"state": "finished", "rows": 3, "added": 2, "rejected": 1, "problems": [problem]})
    expect(page.get_by_test_id("upload-state")).to_contain_text("导入完成：3 行：新增 2，已有 0，拒绝 1")
    expect(page.get_by_test_id("upload-state")).to_contain_text("第 3 行 number 无法识别电话号码。")
    expect(page.get_by_test_id("rejects")).to_be_enabled()


def test_the_call_of_an_attempt(scene: Scene, campaigns: OpenCampaigns) -> None:
    campaign = sample(scene)
    page = campaigns(Role.SUPERVISOR, f"/campaigns#/{campaign}/contacts")
    page.get_by_role("link", name="王芳").click()
    expect(page.get_by_test_id("attempts").locator("tbody tr")).to_have_count(1)

    async def attempt() -> str:
        async with scene.site.database.transaction() as session:
            query = select(CampaignAttempt.id).join(CampaignContact, CampaignContact.id == CampaignAttempt.contact_id)
            return (await session.scalars(query.where(CampaignContact.key == "A2"))).one()

    scene.site.run(given_call(scene.site.database, scene.site.run(attempt()), state="finished"))
    page.get_by_test_id("call").click()
    expect(page.get_by_test_id("timeline").locator("li").first).to_be_visible()
    page.get_by_test_id("close-actions").click()
    expect(page.get_by_test_id("timeline")).to_have_count(0)


def test_who_looks_on_changes_nothing(scene: Scene, campaigns: OpenCampaigns) -> None:
    campaign = sample(scene)
    page = campaigns(Role.SUPERVISOR)
    expect(page.locator(f'[data-campaign="{campaign}"]')).to_be_visible()
    for name in ("new", "become-paused", "become-cancelled"):
        expect(page.get_by_test_id(name)).to_have_count(0)
    page.get_by_role("link", name="出院患者满意度调查").click()
    page.get_by_test_id("tab-contacts").click()
    expect(page.get_by_test_id("contacts")).to_be_visible()
    expect(page.get_by_test_id("by-hand")).to_have_count(0)


def test_a_scheduler_is_sent_there_by_the_log_in(scene: Scene, campaigns: OpenCampaigns) -> None:
    page = campaigns(path="/login")
    expect(page).to_have_url(re.compile(r"/campaigns$"))


def test_both_languages_and_narrow_windows(scene: Scene, campaigns: OpenCampaigns) -> None:
    campaign = sample(scene)
    page = campaigns()
    page.get_by_test_id("language").click()
    for path in ("#/", f"#/{campaign}", f"#/{campaign}/results", f"#/{campaign}/contacts", f"#/{campaign}/edit"):
        page.evaluate("path => { location.hash = path }", path)
        expect(page.locator("main")).to_have_attribute("aria-busy", "false")
        for width in (1440, 420):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function(NOTHING_STICKS_OUT)
    for step in ("basics", "texts", "times", "retry"):
        page.get_by_test_id(f"step-{step}").click()
        told = page.locator("main").inner_text()
        for known in ("出院患者满意度调查", "您好，请问是{name}吗？"):
            told = told.replace(known, "")
        assert not re.search("[\u4e00-\u9fff]", told), told
        page.wait_for_function(NOTHING_STICKS_OUT)


def test_names_are_texts_and_nothing_else(scene: Scene, campaigns: OpenCampaigns) -> None:
    campaign = given_running(scene, Attempted("K1", HOSTILE, ("busy",)), name=HOSTILE)
    page = campaigns()
    expect(page.locator(f'[data-campaign="{campaign}"]')).to_contain_text("<img src=x")
    page.evaluate("id => { location.hash = `#/${id}/contacts` }", campaign)
    expect(page.get_by_test_id("contacts")).to_contain_text("{{7*7}}")
    page.get_by_test_id("contacts").get_by_role("link").click()
    expect(page.get_by_test_id("contact")).to_contain_text("<img src=x")
    expect(page.locator("main img")).to_have_count(0)
    assert "owned" not in page.title().replace(HOSTILE, "")


def test_a_campaign_whose_people_talk_with_agents(scene: Scene, campaigns: OpenCampaigns) -> None:
    page = campaigns(path="/campaigns#/new")
    field(page, "/name").fill("出院后人工回访")
    field(page, "/pacing/mode").select_option("preview")
    expect(field(page, "/flow")).to_have_count(0)
    field(page, "/pacing/queue").select_option("expert")
    page.get_by_test_id("next").click()
    expect(field(page, "/texts/spoken/greeting/zh")).to_have_count(0)
    field(page, "/texts/script/zh").fill("{name}您好，您出院后感觉怎么样？")
    expect(page.get_by_test_id("variables")).to_contain_text("{name}")
    page.get_by_test_id("save").click()
    expect(page.locator("[data-state]")).to_have_text("草稿")

    async def look() -> Campaign:
        async with scene.site.database.transaction() as session:
            return (await session.scalars(select(Campaign))).one()

    found = scene.site.run(look())
    assert (found.flow, found.pacing["mode"], found.pacing["queue"]) == ("", "preview", "expert")
    assert found.texts["script"]["zh"] == "{name}您好，您出院后感觉怎么样？"


def test_who_would_be_called_when_and_whom_it_finds_by_itself(scene: Scene, campaigns: OpenCampaigns) -> None:
    campaign = sample(scene)

    async def given_trigger(session: AsyncSession) -> None:
        audience = AUDIENCE.validate_python({"kind": "birthday", "days_ahead": 0, "people": {"min_age": 60}})
        await triggers.put_trigger(session, SYSTEM, UUID(campaign), audience, "09:00", at=now())

    change(scene, given_trigger)
    page = campaigns(path=f"/campaigns#/{campaign}/plan")
    expect(page.get_by_test_id("dry-run")).to_contain_text("张伟")
    expect(page.get_by_test_id("foreseen").locator("tbody tr")).to_have_count(7)
    expect(page.locator('[data-counts="reason"]')).to_contain_text("不再联系")
    audience = page.get_by_test_id("audience")
    expect(audience).to_contain_text("生日")
    expect(audience).to_contain_text("最小年龄")
    at_time = page.get_by_test_id("at-time")
    expect(at_time).to_have_value("09:00")
    at_time.fill("10:30")
    at_time.blur()
    page.reload()
    expect(page.get_by_test_id("at-time")).to_have_value("10:30")


def test_the_limits_over_all_campaigns(scene: Scene, campaigns: OpenCampaigns) -> None:
    page = campaigns(role=Role.ADMIN)
    page.get_by_test_id("limits").click()
    field(page, "/attempts_per_person_daily").fill("2")
    field(page, "/quiet_from").fill("3")
    page.get_by_test_id("save-limits").click()
    expect(page.get_by_test_id("notice")).to_be_visible()
    field(page, "/quiet_from").fill("20")
    page.get_by_test_id("save-limits").click()
    expect(page.locator('[data-test="notice"].good')).to_be_visible()

    async def look() -> int:
        async with scene.site.database.transaction() as session:
            return (await get_limits(session)).attempts_per_person_daily

    assert scene.site.run(look()) == 2


def test_who_may_not_change_the_limits_sees_them(campaigns: OpenCampaigns) -> None:
    page = campaigns(path="/campaigns#/limits")
    expect(field(page, "/quiet_from")).to_have_value("21")
    expect(field(page, "/quiet_from")).to_be_disabled()
    expect(page.get_by_test_id("save-limits")).to_have_count(0)
