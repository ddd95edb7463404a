"""/login as a person uses it, and the promises of the shell."""

from playwright.sync_api import Page, expect

from callcenter.accounts import service as accounts
from callcenter.accounts.models import Role
from callcenter.core.audit import SYSTEM
from tests.support.served_site import Site

PASSWORD = "correct horse battery"


def given_user(site: Site, username: str, *roles: Role) -> None:
    async def create() -> None:
        async with site.database.transaction() as session:
            await accounts.create_user(
                session,
                SYSTEM,
                username=username,
                password=PASSWORD,
                display_name="李娜",
                roles=list(roles),
                queue_scope=[],
            )

    site.run(create())


def log_in(page: Page, site: Site, username: str, password: str = PASSWORD) -> None:
    """By keyboard alone: the first field has the focus."""
    page.goto(f"{site.address}/login")
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type(username)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_a_wrong_password_is_told_in_the_chosen_language(site: Site, page: Page) -> None:
    given_user(site, "li.na", Role.DEPARTMENT)
    log_in(page, site, "li.na", "wrong horse battery")
    error = page.get_by_test_id("error")
    expect(error).to_contain_text("密码")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading")).to_have_text("Log in")
    page.get_by_role("button", name="Log in").click()
    expect(error).to_contain_text("password")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.reload()
    expect(page.get_by_role("heading")).to_have_text("Log in")


def test_who_has_no_page_is_told_so(site: Site, page: Page) -> None:
    given_user(site, "ward.7", Role.DEPARTMENT)
    log_in(page, site, "ward.7")
    expect(page.get_by_test_id("error")).to_contain_text("没有可用的页面")
    assert page.evaluate("sessionStorage.length") == 1


def test_nothing_of_another_house_is_gone_to_after_the_log_in(site: Site, page: Page) -> None:
    given_user(site, "ward.7", Role.DEPARTMENT)
    page.goto(f"{site.address}/login?next=https://elsewhere.test/desk")
    page.get_by_label("用户名").fill("ward.7")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_test_id("error")).to_contain_text("没有可用的页面")
    assert page.url.startswith(f"{site.address}/login")


def test_the_shell_lets_nothing_in(site: Site, page: Page) -> None:
    response = page.goto(site.address)
    assert response is not None
    assert response.url == f"{site.address}/login"
    headers = response.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"
    script = page.locator("script[src]").get_attribute("src")
    assert script is not None
    kept = page.request.get(site.address + script)
    assert "immutable" in kept.headers["cache-control"]
    assert kept.headers["content-type"].startswith("text/javascript")
    stale = page.request.get(f"{site.address}/static/{'0' * 16}/login.js")
    assert stale.status == 404
    assert "immutable" not in stale.headers.get("cache-control", "")


def test_the_page_fits_a_small_window(site: Site, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(f"{site.address}/login")
    expect(page.get_by_label("密码")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
