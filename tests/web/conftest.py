"""A real Chromium on a real server over a real database.

Page tests are plain functions (playwright's synchronous API); what they need of the database they do by
:meth:`Site.run`, on the server's own loop. When a test fails, a picture of each open page is kept in its tmp_path.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.support.browser import CHROMIUM, FLAGS, watch_page
from tests.support.served_site import Site, served_site
from tests.web.scene import Scene

FAILED = pytest.StashKey[bool]()
OpenPage = Callable[[], Page]
PATIENCE_MILLISECONDS = 20_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Leave word of a failure for the fixture that makes pictures."""
    outcome: Any = yield
    if call.when == "call" and outcome.get_result().failed:
        item.stash[FAILED] = True


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """The service over this test's database, with an address of its own."""
    with served_site(database_url, tmp_path / "state") as site:
        yield site


@pytest.fixture
def scene(site: Site, tmp_path: Path) -> Scene:
    """The sample hospital on that site."""
    return Scene(site, tmp_path)


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    browser = playwright_driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BrowserContext]:
    """A browser of one person: nothing is kept from another test. Errors on a page fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai")
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    faults: list[str] = []
    context.on("page", lambda page: watch_page(page, faults))
    yield context
    if request.node.stash.get(FAILED, False):
        for number, page in enumerate(context.pages):
            page.screenshot(path=tmp_path / f"page-{number}.png", full_page=True)
            print(f"picture: {tmp_path / f'page-{number}.png'} of {page.url}")
    context.close()
    assert faults == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def strict_page(playwright_driver: Playwright) -> Iterator[Page]:
    """In a browser that gives the microphone only to whom it was granted."""
    flags = [flag for flag in FLAGS if flag != "--use-fake-ui-for-media-stream"]
    browser = playwright_driver.chromium.launch(executable_path=CHROMIUM, args=flags)
    context = browser.new_context(locale="zh-CN")
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    yield context.new_page()
    browser.close()
