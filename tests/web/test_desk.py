"""/desk as an agent uses it: states, the screen pop, forms, keys, and what it says when something is gone."""

import re
from datetime import timedelta
from uuid import UUID

from playwright.sync_api import Page, Route, expect
from sqlalchemy import select, update

from callcenter.accounts.models import LoginSession
from callcenter.agents.models import Seat, SeatKind
from callcenter.callouts import do_not_call
from callcenter.core.audit import SYSTEM, AuditEntry
from callcenter.core.clock import now
from callcenter.desk.frames import CloseCode
from callcenter.patients.models import Patient, PatientNumber
from demo.hospital import PATIENTS
from tests.db.desk.scene import CALL, E164, ledger
from tests.web.scene import AGENT_PASSWORD, SEAT, Scene

NAME = PATIENTS[0].name
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>{{7*7}}${7*7}"
"""A name that a page which builds HTML from texts would run."""


def test_states_follow_the_buttons_and_the_telephone(scene: Scene, page: Page) -> None:
    scene.log_in(page, "/desk")
    state, available = page.get_by_test_id("state"), page.get_by_test_id("available")
    expect(state).to_contain_text("未签入")
    page.get_by_test_id("seat").select_option(SEAT)
    page.get_by_test_id("sit-down").click()
    expect(page.get_by_test_id("telephone-away")).to_be_visible()
    expect(available).to_be_disabled()
    scene.telephone(registered=True)
    expect(page.get_by_test_id("telephone-away")).to_be_hidden()
    available.click()
    expect(state).to_contain_text("可接听")
    page.get_by_test_id("pause-lunch").click()
    expect(state).to_contain_text("午餐")
    expect(page.get_by_test_id("pause-lunch")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("F9")
    expect(state).to_contain_text("可接听")
    expect(page.locator('[data-queue="consultation"]')).to_contain_text("咨询")
    page.get_by_test_id("language").click()
    expect(state).to_contain_text("Available")
    expect(page.get_by_test_id("pause-lunch")).to_have_text("Lunch")
    expect(page.locator('[data-queue="consultation"]')).to_contain_text("Consultation")
    page.get_by_test_id("leave").click()
    expect(state).to_contain_text("Not at a seat")
    assert not re.search("[\u4e00-\u9fff]", page.locator("main").inner_text()), "a Chinese word on the English page"


def test_the_pop_is_masked_until_a_reason_is_stated(scene: Scene, page: Page) -> None:
    scene.sit_down(page)
    scene.read_ringing(grade="gold")
    scene.rings()
    pop, call = page.get_by_test_id("pop"), page.get_by_test_id("call")
    expect(call).to_have_attribute("data-phase", "ringing")
    expect(page).to_have_title(re.compile("^☎"))
    expect(page.get_by_test_id("pop-name")).to_have_text("张*")
    expect(page.get_by_test_id("vip")).to_have_text("VIP 金卡")
    expect(page.get_by_test_id("way")).to_contain_text("人工服务")
    expect(page.get_by_test_id("caller")).to_have_text("+86138****0001")
    assert [word for word in (NAME, "复诊", "13800000001") if word in pop.inner_text()] == []
    page.get_by_label("查看完整资料的理由").select_option("asked_on_the_call")
    page.get_by_test_id("reveal").get_by_role("button").click()
    expect(page.get_by_test_id("pop-name")).to_have_text(NAME)
    expect(pop).to_contain_text("复诊")

    async def reasons() -> list[dict[str, object]]:
        async with scene.site.database.transaction() as session:
            query = select(AuditEntry.details).where(AuditEntry.action == "patients.reveal")
            return list(await session.scalars(query))

    assert scene.site.run(reasons()) == [{"reason": "asked_on_the_call"}]
    page.get_by_test_id("language").click()
    expect(pop).to_contain_text("Human service")
    expect(pop).to_contain_text("VIP Gold")
    scene.is_answered()
    expect(call).to_have_attribute("data-phase", "talking")
    scene.has_ended()
    expect(page.get_by_test_id("state")).to_contain_text("Wrap-up")
    expect(page.get_by_test_id("pop-name")).to_have_text(NAME)
    page.get_by_test_id("end-wrap-up").click()
    expect(page.get_by_test_id("state")).to_contain_text("Paused")


def test_of_a_family_one_is_chosen(scene: Scene, page: Page) -> None:
    async def relative() -> None:
        async with scene.site.database.transaction() as session:
            other = (await session.scalars(select(Patient).where(Patient.name == PATIENTS[1].name))).one()
            session.add(PatientNumber(e164=E164, patient_id=other.id, relation="family"))

    scene.site.run(relative())
    scene.sit_down(page)
    scene.rings()
    choose = page.get_by_test_id("choose")
    expect(choose.get_by_role("button")).to_have_count(2)
    expect(page.get_by_test_id("no-patient")).to_be_visible()
    choose.get_by_role("button", name="家属").click()
    expect(page.get_by_test_id("pop-name")).to_have_text("王*")
    expect(choose.get_by_role("button", name="家属")).to_have_attribute("aria-pressed", "true")


def test_what_a_patient_is_called_is_only_text(scene: Scene, page: Page) -> None:
    async def rename() -> None:
        async with scene.site.database.transaction() as session:
            await session.execute(update(Patient).where(Patient.name == NAME).values(name=HOSTILE))

    scene.site.run(rename())
    scene.sit_down(page)
    scene.rings()
    page.get_by_label("查看完整资料的理由").select_option("asked_on_the_call")
    page.get_by_test_id("reveal").get_by_role("button").click()
    expect(page.get_by_test_id("pop-name")).to_have_text(HOSTILE)
    page.get_by_test_id("note").fill(HOSTILE)
    page.get_by_test_id("save-note").click()
    expect(page.get_by_test_id("note-state")).to_contain_text("已保存")
    page.get_by_label("查找内容").fill("13800000001")
    page.get_by_role("button", name="查找", exact=True).click()
    expect(page.get_by_test_id("search-results")).to_contain_text(HOSTILE)
    assert page.locator("main img, main script").count() == 0
    assert "owned" not in page.title()


def test_note_and_disposition_are_kept(scene: Scene, page: Page) -> None:
    scene.sit_down(page)
    scene.read_ringing()
    scene.rings()
    scene.is_answered()
    form = page.get_by_test_id("disposition")
    page.get_by_test_id("note").fill("询问复诊时间")
    form.get_by_role("button", name="保存小结").click()
    assert page.evaluate("document.querySelector('#field-topic').validity.valueMissing"), (
        "required fields are asked for"
    )
    form.get_by_label("咨询内容").select_option("booking")
    form.get_by_label("就诊地点").check()
    form.get_by_label("是", exact=True).check()
    form.get_by_label("回访日期").fill("2026-12-01")
    form.get_by_label("补充说明").fill("家属陪同")
    form.get_by_role("button", name="保存小结").click()
    expect(page.get_by_test_id("disposition-state")).to_contain_text("已保存")
    expect(page.get_by_test_id("note-state")).to_contain_text("已保存")
    page.reload()
    expect(page.get_by_test_id("note")).to_have_value("询问复诊时间")
    expect(form.get_by_label("咨询内容")).to_have_value("booking")
    expect(form.get_by_label("就诊地点")).to_be_checked()
    expect(form.get_by_label("就诊时间")).not_to_be_checked()
    expect(form.get_by_label("是", exact=True)).to_be_checked()
    expect(form.get_by_label("回访日期")).to_have_value("2026-12-01")


def test_what_comes_of_a_call(scene: Scene, page: Page) -> None:
    scene.sit_down(page)
    scene.read(ledger())
    scene.rings()
    scene.is_answered()
    scene.has_ended()
    page.get_by_test_id("after-work-order").click()
    page.get_by_label("类别").select_option("suggestion")
    page.get_by_label("内容", exact=True).fill("希望增加周末门诊")
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    expect(page.get_by_test_id("notice")).to_contain_text("工单已创建")
    page.get_by_test_id("after-do-not-call").click()
    page.get_by_role("dialog").get_by_label("原因").fill("患者要求勿扰")
    page.get_by_role("dialog").get_by_role("button", name="保存").click()
    expect(page.get_by_text("已加入免打扰名单。")).to_be_visible()
    expect(page.get_by_test_id("own-calls")).to_contain_text("+86138****0001")
    assert scene.site.run(_unwilling(scene)) == {E164}
    page.get_by_test_id("after-do-not-call").click()
    page.get_by_role("dialog").get_by_label("原因").fill("患者要求勿扰")
    page.get_by_role("dialog").get_by_label("此患者的所有号码").check()
    with page.expect_response("**/do-not-call") as listed:
        page.get_by_role("dialog").get_by_role("button", name="保存").click()
    assert listed.value.status == 201
    assert scene.site.run(_unwilling(scene)) == {E164, UUID(listed.value.json()["patient_id"])}


async def _unwilling(scene: Scene) -> set[do_not_call.Whom]:
    """Which of the caller's number and the patient is on the do-not-call list."""
    async with scene.site.database.transaction() as session:
        patient = (await session.scalars(select(Patient.id).where(Patient.name == NAME))).one()
        return {whom for whom in (E164, patient) if await do_not_call.find_entry(session, whom, now())}


def test_who_does_not_want_to_be_called_is_called_only_by_who_is_sure(scene: Scene, page: Page) -> None:
    async def listed() -> None:
        async with scene.site.database.transaction() as session:
            await do_not_call.add_entry(session, SYSTEM, E164, reason="勿扰", until=None, call_id=None, at=now())

    scene.site.run(listed())
    scene.sit_down(page)
    with page.expect_response("**/agents/me/calls") as refused:
        page.get_by_test_id("dial-number").fill("13800000001")
        page.get_by_test_id("dial").click()
    assert (refused.value.status, refused.value.json()["code"]) == (409, "do-not-call")
    dialog = page.get_by_role("dialog", name="该号码在免打扰名单中")
    expect(dialog).to_be_visible()
    with page.expect_request("**/agents/me/calls") as asked:
        dialog.get_by_role("button", name="仍要拨打").click()
    assert (asked.value.post_data_json or {})["do_not_call_confirmed"] is True


def test_it_is_used_by_keyboard_alone(scene: Scene, page: Page) -> None:
    scene.sit_down(page)
    scene.rings()
    expect(page.get_by_test_id("pop")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("pop")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    order = []
    for _ in range(14):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.dataset.test || document.activeElement.id"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"no focus to be seen on {order[-1]}"
    steps = ["available", "pause-lunch", "language", "reveal-reason", "search-by", "search-text"]
    found = [order.index(step) for step in steps]
    assert found == sorted(found), order
    scene.is_answered()
    for test, key in (("hang-up", "F4"), ("hold", "F7"), ("mute", "F8"), ("available", "F9")):
        button = page.get_by_test_id(test)
        expect(button).to_have_attribute("aria-keyshortcuts", key)
        expect(button.locator("kbd")).to_have_text(key)
    with page.expect_request("**/agents/me/call/hold"):
        page.keyboard.press("F7")


def test_the_later_page_wins_and_the_earlier_is_told(scene: Scene, page: Page) -> None:
    scene.sit_down(page)
    second = page.context.new_page()
    scene.log_in(second, "/desk")
    expect(second.get_by_test_id("available")).to_be_enabled()
    expect(page.get_by_test_id("superseded")).to_be_visible()
    page.get_by_role("button", name="改在这里使用").click()
    expect(page.get_by_test_id("superseded")).to_be_hidden()
    expect(second.get_by_test_id("superseded")).to_be_visible()


def test_a_lost_connection_is_told_and_nothing_of_it_is_missed(scene: Scene, page: Page) -> None:
    scene.sit_down(page)

    def refuse(route: Route) -> None:
        route.abort()

    async def cut() -> None:
        for connection in list(scene.site.app.state.desk_sockets.connections):
            connection.end(CloseCode.TRY_LATER)

    page.route("**/agents/me/tickets", refuse)
    scene.site.run(cut())
    expect(page.get_by_test_id("link-lost")).to_be_visible()
    scene.told("请优先接听投诉")
    page.unroute("**/agents/me/tickets", refuse)
    expect(page.get_by_test_id("link-lost")).to_be_hidden()
    expect(page.get_by_test_id("notice")).to_contain_text("连接已恢复")
    expect(page.get_by_test_id("messages")).to_contain_text("请优先接听投诉")


def test_a_log_in_that_ended_is_renewed_on_the_same_page(scene: Scene, page: Page) -> None:
    """Nothing is loaded again: a conversation would be cut."""
    scene.sit_down(page)
    page.get_by_test_id("dial-number").fill("still here")

    async def expire() -> None:
        async with scene.site.database.transaction() as session:
            await session.execute(update(LoginSession).values(expires_at=now() - timedelta(seconds=1)))

    scene.site.run(expire())
    dialog = page.get_by_role("dialog", name="登录已失效")
    expect(dialog).to_be_visible()
    dialog.get_by_label("agent1001").fill(AGENT_PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    scene.rings()
    expect(page.get_by_test_id("pop")).to_have_attribute("data-call", CALL)
    expect(page.get_by_test_id("state")).to_contain_text("振铃中")


def test_figures_of_the_day_follow_the_calls(scene: Scene, page: Page) -> None:
    scene.sit_down(page)
    expect(page.get_by_test_id("figures.answered")).to_have_text("0")
    page.get_by_test_id("available").click()
    expect(page.get_by_test_id("figures")).to_contain_text("我的今日")


def test_a_refused_microphone_is_told_and_recovers_by_itself(scene: Scene, strict_page: Page) -> None:
    async def in_browser() -> None:
        async with scene.site.database.transaction() as session:
            (await session.get_one(Seat, SEAT)).kind = SeatKind.BROWSER

    scene.site.run(in_browser())
    page = strict_page
    scene.log_in(page, "/desk")
    page.get_by_test_id("seat").select_option(SEAT)
    page.get_by_test_id("sit-down").click()
    expect(page.get_by_test_id("phone-microphone-refused")).to_contain_text("麦克风")
    expect(page.get_by_test_id("available")).to_be_disabled()
    page.context.grant_permissions(["microphone"])
    expect(page.get_by_test_id("phone-microphone-refused")).to_be_hidden()
    expect(page.get_by_test_id("phone-no-account")).to_be_visible()  # here is no Asterisk
