"""/desk as an agent uses it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.scene import Scene


def test_look(scene: Scene, page: Page) -> None:
    scene.sit_down(page)
    page.get_by_test_id("available").click()
    expect(page.get_by_test_id("state")).to_contain_text("可接听")
    scene.read_ringing(grade="gold")
    scene.rings()
    expect(page.get_by_test_id("pop")).to_be_visible()
    expect(page.get_by_test_id("way")).to_contain_text("人工服务")
    page.screenshot(path="/tmp/poc/zh-ring.png")
    scene.is_answered()
    page.locator("#reveal-reason").select_option(index=1)
    page.get_by_test_id("reveal").get_by_role("button").click()
    expect(page.get_by_test_id("pop-name")).to_have_text("张伟")
    page.get_by_test_id("transfer").click()
    page.get_by_test_id("note").fill("家属来电，询问复诊时间。")
    page.screenshot(path="/tmp/poc/zh-talk.png", full_page=True)
    page.get_by_test_id("language").click()
    page.screenshot(path="/tmp/poc/en-talk.png", full_page=True)
