"""/campaigns#/do-not-call as a team lead uses it: looked up, put on, taken off, from a file; both languages."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from callcenter.accounts import service as accounts
from callcenter.accounts.models import Role
from callcenter.callouts import do_not_call
from callcenter.callouts.do_not_call import Whom
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.patients.models import Patient
from demo.hospital import PATIENTS
from tests.web.scene import SUPERVISOR, SUPERVISOR_PASSWORD, Scene

NAME, EXTERNAL_ID = PATIENTS[0].name, "P000001"
NUMBER, E164 = "139 0000 0009", "+8613900000009"
HOSTILE = "<img src=x onerror=\"document.title='owned'\">{{7*7}}"
PATH = "/campaigns#/do-not-call"


@pytest.fixture
def lead(scene: Scene, page: Page) -> Page:
    scene.given_supervisor()
    scene.log_in(page, "/campaigns", SUPERVISOR, SUPERVISOR_PASSWORD)
    page.get_by_test_id("do-not-call").click()
    expect(page.get_by_test_id("nobody")).to_be_visible()
    return page


def look_up(page: Page, text: str, by: str = "电话号码") -> None:
    page.get_by_role("search").get_by_label("查找方式").select_option(by)
    page.get_by_role("search").get_by_label("号码或患者").fill(text)
    page.get_by_role("search").get_by_role("button", name="查找").click()


def put_on(page: Page, reason: str) -> None:
    page.get_by_test_id("add").get_by_label("原因").fill(reason)
    page.get_by_test_id("add").get_by_role("button", name="加入名单").click()
    expect(page.get_by_test_id("notice")).to_contain_text("已加入免打扰名单")


def listed(scene: Scene, whom: Whom) -> bool:
    async def find() -> bool:
        async with scene.site.database.transaction() as session:
            return await do_not_call.find_entry(session, whom, now()) is not None

    return scene.site.run(find())


def patient_id(scene: Scene) -> UUID:
    async def find() -> UUID:
        async with scene.site.database.transaction() as session:
            return (await session.scalars(select(Patient.id).where(Patient.external_id == EXTERNAL_ID))).one()

    return scene.site.run(find())


def test_a_number_is_put_on_the_list_and_taken_off(scene: Scene, lead: Page) -> None:
    look_up(lead, "12")
    expect(lead.get_by_test_id("notice")).to_be_visible()
    lead.get_by_test_id("notice").get_by_role("button").click()
    look_up(lead, NUMBER)
    expect(lead.get_by_test_id("add")).to_contain_text(f"{NUMBER} 不在名单中")
    put_on(lead, HOSTILE)
    assert listed(scene, E164)
    row = lead.get_by_test_id("entries").locator("tbody tr")
    expect(row).to_contain_text(E164)
    expect(row).to_contain_text(HOSTILE)
    expect(row).to_contain_text("长期")
    row.get_by_test_id("take-off").click()
    lead.get_by_role("dialog").get_by_label("原因").fill("本人同意")
    lead.get_by_test_id("take-off-yes").click()
    expect(lead.get_by_test_id("add")).to_be_visible()
    assert not listed(scene, E164)
    lead.get_by_role("button", name="全部").click()
    expect(lead.get_by_test_id("nobody")).to_be_visible()


def test_a_person_is_put_on_the_list(scene: Scene, lead: Page) -> None:
    look_up(lead, "unknown-1", "患者编号")
    expect(lead.get_by_test_id("notice")).to_contain_text("没有这个编号的患者")
    lead.get_by_test_id("notice").get_by_role("button").click()
    look_up(lead, EXTERNAL_ID, "患者编号")
    expect(lead.get_by_test_id("add")).to_contain_text(f"{NAME} 不在名单中")
    put_on(lead, "本人要求勿扰")
    assert listed(scene, patient_id(scene))
    lead.reload()
    row = lead.get_by_test_id("entries").locator("tbody tr")
    expect(row).to_contain_text("患者的所有号码")
    expect(row).not_to_contain_text(NAME)
    row.get_by_test_id("who").click()
    expect(row).to_contain_text(NAME)


def test_a_file_is_read_and_bad_rows_are_told(scene: Scene, lead: Page) -> None:
    rows = f"number,external_id,reason\n{NUMBER},,要求勿扰\n,{EXTERNAL_ID},来信\n12,,要求勿扰\n"
    lead.get_by_test_id("dnc-file").locator("input[type=file]").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    lead.get_by_test_id("send").click()
    state = lead.get_by_test_id("upload-state")
    expect(state).to_contain_text("3 行：新增 2，已在名单 0，拒绝 1")
    expect(state.locator("li")).to_contain_text("第 4 行 number")
    expect(lead.get_by_test_id("entries").locator("tbody tr")).to_have_count(2)
    assert listed(scene, E164)
    assert listed(scene, patient_id(scene))
    lead.get_by_test_id("dnc-file").locator("input[type=file]").set_input_files(
        {"name": "list.csv", "mimeType": "text/csv", "buffer": b"name\nx\n"}
    )
    lead.get_by_test_id("send").click()
    expect(state.locator(".error")).to_contain_text("list.csv")


def test_a_scheduler_sees_numbers_masked_and_takes_nobody_off(scene: Scene, page: Page) -> None:
    async def given() -> None:
        async with scene.site.database.transaction() as session:
            await accounts.create_user(
                session,
                SYSTEM,
                username="planner",
                password="planner of this test",
                display_name="陈静",
                roles=[Role.SCHEDULER],
                queue_scope=[],
            )
            await do_not_call.add_entry(session, SYSTEM, E164, reason="勿扰", until=None, call_id=None, at=now())

    scene.site.run(given())
    scene.log_in(page, PATH, "planner", "planner of this test")
    row = page.get_by_test_id("entries").locator("tbody tr")
    expect(row).to_contain_text("+86139****0009")
    expect(page.get_by_test_id("take-off")).to_have_count(0)
    expect(page.get_by_test_id("dnc-file")).to_have_count(0)
    page.get_by_test_id("language").click()
    expect(row).to_contain_text("For good")
    words = page.locator("main").inner_text().replace("勿扰", "")
    assert not re.search("[\u4e00-\u9fff]", words), "a Chinese word on the English page"


def test_a_long_list_comes_by_pages(scene: Scene, lead: Page) -> None:
    async def given() -> None:
        async with scene.site.database.transaction() as session:
            for index in range(60):
                await do_not_call.add_entry(
                    session, SYSTEM, f"+86139000001{index:02}", reason="勿扰", until=None, call_id=None, at=now()
                )

    scene.site.run(given())
    lead.reload()
    rows = lead.get_by_test_id("entries").locator("tbody tr")
    expect(rows).to_have_count(50)
    lead.get_by_test_id("more").click()
    expect(rows).to_have_count(60)
    expect(lead.get_by_test_id("more")).to_have_count(0)
