"""A campaign whose contacts the agent sees first: the script, the decision, and that it is asked for once."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from callcenter.asterisk.models import PbxCommand
from callcenter.campaigns import contacts, lifecycle, preparing
from callcenter.campaigns.contacts import NewContact
from callcenter.campaigns.governor import Limits
from callcenter.campaigns.models import CampaignContact, CampaignState
from callcenter.campaigns.schemas import CampaignBody
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from tests.support.campaigns import PLAN, campaign_body
from tests.web.scene import Scene

PEOPLE = (("p1", "张伟", "13800000001", "zh"), ("p2", "王芳", "13800000002", "zh"), ("p3", "John", "13800000003", "en"))
SCRIPT = {
    "zh": "{name}您好，您出院已经一周，伤口恢复得怎么样？",
    "en": "Good day, {name}. How is your wound after one week?",
}


@pytest.fixture
def campaign(scene: Scene) -> None:
    """Follow-up by agents of the queue that 1001 serves, for three people, at any hour."""

    async def given() -> None:
        at = now()
        body = campaign_body(
            name="出院后人工回访",
            flow="",
            texts={"script": SCRIPT},
            pacing={"mode": "preview", "queue": "consultation"},
            starts_at=(at - timedelta(hours=1)).isoformat(),
            ends_at=(at + timedelta(days=9)).isoformat(),
        )
        async with scene.site.database.transaction() as session:
            await lifecycle.put_limits(session, SYSTEM, Limits(quiet_from=24, quiet_until=0))
            made = await lifecycle.create_campaign(
                session, SYSTEM, CampaignBody.model_validate(body).values(), pbx="pbx1", at=at
            )
            await lifecycle.set_state(session, SYSTEM, made.id, CampaignState.RUNNING, at)
            people = [
                NewContact(key=key, name=name, numbers=[number], language=language)
                for key, name, number, language in PEOPLE
            ]
            await contacts.add_contacts(session, SYSTEM, made.id, people, plan=PLAN, at=at)
            await preparing.prepare(session, await lifecycle.get_campaign(session, made.id), at)

    scene.site.run(given())


def states(scene: Scene) -> dict[str, tuple[str, str | None]]:
    """State and reason of each contact."""

    async def look() -> dict[str, tuple[str, str | None]]:
        async with scene.site.database.transaction() as session:
            found = await session.scalars(select(CampaignContact))
            return {one.key: (one.state, one.reason) for one in found}

    return scene.site.run(look())


def dialled(scene: Scene) -> list[str]:
    """The numbers that Asterisk is to call."""

    async def look() -> list[str]:
        async with scene.site.database.transaction() as session:
            commands = await session.scalars(select(PbxCommand).where(PbxCommand.action == "place_preview_call"))
            return [str(one.arguments["number"]) for one in commands]

    return scene.site.run(look())


def test_seen_then_skipped_then_dialled(scene: Scene, campaign: None, page: Page) -> None:
    scene.sit_down(page)
    card = page.get_by_test_id("preview")
    page.get_by_test_id("preview-next").click()
    expect(card).to_contain_text("出院后人工回访")
    expect(card).to_contain_text("张伟您好，您出院已经一周")
    expect(page.get_by_test_id("preview-number")).to_have_text("+86138****0001")
    assert dialled(scene) == []
    page.get_by_test_id("preview-skip-later").click()
    page.get_by_test_id("preview-next").click()
    expect(card).to_contain_text("王芳您好")
    page.get_by_test_id("preview-skip-not_suitable").click()
    page.get_by_test_id("preview-next").click()
    page.get_by_test_id("language").click()
    expect(card).to_contain_text("Good day, John.")
    page.reload()
    expect(card).to_contain_text("Good day, John.")
    page.get_by_test_id("preview-dial").click()
    expect(page.get_by_test_id("preview-dial")).to_have_count(0)
    assert dialled(scene) == ["13800000003"]
    found = states(scene)
    assert found["p1"] == ("waiting", "skipped_later")
    assert found["p2"] == ("finished", "skipped_not_suitable")
    assert found["p3"][0] == "dialling"


def test_who_phoned_comes_first(scene: Scene, campaign: None, page: Page) -> None:
    scene.sit_down(page)
    scene.waits("pbx1-1.7")
    page.get_by_test_id("preview-next").click()
    expect(page.locator('[data-test="notice"]')).to_contain_text("请先接听来电")
    assert {state for state, _ in states(scene).values()} == {"waiting"}
