"""An agent in a real browser: the page is the telephone. A patient calls, is answered by a key, both are heard."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect
from sqlalchemy import update

from callcenter.queues.models import Queue
from demo import hospital
from demo.observer import until
from demo.phones import Phone
from demo.sip_scenarios import Press, StayUntilHangUp, Step, Wait
from demo.stack import Service
from tests.e2e.hotline import AGENT_PASSWORD, Hotline
from tests.support.browser import CHROMIUM, FLAGS

SEAT, USERNAME = "seat-page", "agent1001"
PATIENT = hospital.PATIENTS[0]
HEARD = """async () => {
    const heard = {energy: 0, spoken: 0};
    (await window.deskPhone.connection?.getStats())?.forEach((report) => {
        if (report.type === 'inbound-rtp') heard.energy = report.totalAudioEnergy ?? 0;
        if (report.type === 'media-source') heard.spoken = report.totalAudioEnergy ?? 0;
    });
    return heard;
}"""
"""What the page hears and says, by WebRTC's own statistics."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """Whatever the page logged as an error fails the test; a picture of its end is kept."""
    faults: list[str] = []
    page = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    await page.screenshot(path=tmp_path / "desk.png")
    assert faults == []


async def write_long_enough(hotline: Hotline) -> None:
    """Wrap-up is ended by the agent."""
    async with hotline.database.transaction() as session:
        await session.execute(update(Queue).values(wrap_up_seconds=60))


async def sits_down(hotline: Hotline, service: Service, page: Page) -> None:
    """A new seat, made while Asterisk runs; the page registers there by itself, and only then may be available."""
    admin = await hotline.api(service)
    made = await admin.post("/api/v1/seats", json={"name": SEAT, "label": "网页座席", "kind": "browser"})
    assert (made.status_code, made.json()["sip_password"]) == (201, None)
    await page.goto(f"{service.url}/login?next=/desk")
    await page.locator("#username").fill(USERNAME)
    await page.locator("#password").fill(AGENT_PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_test_id("seat").select_option(SEAT)
    await page.get_by_test_id("sit-down").click()
    await expect(page.get_by_test_id("available")).to_be_enabled(timeout=20_000)


async def patient_calls(hotline: Hotline) -> Phone:
    """Asks for a person, speaks all the time, and stays."""
    steps: list[Step] = [Wait(hotline.seconds("greeting_known") + 1.0), Press("2"), StayUntilHangUp(90)]
    return await hotline.phones.call(PATIENT.number, hospital.HOTLINE, steps, name=PATIENT.name, speaks=True)


async def grows(read: Callable[[], Awaitable[float]], words: str) -> None:
    before = await read()

    async def look() -> bool:
        return await read() > before

    await until(words, look)


def reader(page: Page, what: str) -> Callable[[], Awaitable[float]]:
    async def read() -> float:
        found: dict[str, Any] = await page.evaluate(HEARD)
        return float(found[what])

    return read


async def heard_by_patient(hotline: Hotline) -> None:
    """What Asterisk sends to the patient's telephone is recorded until it is not silent."""
    file = hotline.settings.recordings_dir / "to-patient.wav"
    shown = await asyncio.to_thread(hotline.stack.pbx.cli, "core show channels concise")
    channel = next(line.split("!")[0] for line in shown.splitlines() if line.startswith("PJSIP/trunk-"))
    command = f"mixmonitor start {channel} {file.with_name('both.wav')},t({file})"
    await asyncio.to_thread(hotline.stack.pbx.cli, command)

    async def look() -> bool:
        return file.exists() and await asyncio.to_thread(is_loud, file)

    await until("the patient hears the agent", look)
    await asyncio.to_thread(hotline.stack.pbx.cli, f"mixmonitor stop {channel}")


def is_loud(file: Path) -> bool:
    samples = file.read_bytes()[44:]
    values = [int.from_bytes(samples[at : at + 2], "little", signed=True) for at in range(0, len(samples) - 1, 2)]
    return any(abs(value) > 2000 for value in values)


async def test_a_call_in_the_browser(hotline: Hotline, page: Page) -> None:
    await write_long_enough(hotline)
    service = await hotline.stack.start_service()
    await sits_down(hotline, service, page)
    await page.get_by_test_id("available").click()
    await hotline.observer.agent_takes_calls(hospital.AGENTS[0])
    patient = await patient_calls(hotline)

    call = page.get_by_test_id("call")
    await expect(call).to_have_attribute("data-phase", "ringing", timeout=30_000)
    await expect(page.get_by_test_id("pop-name")).to_have_text("张*")
    await expect(page.get_by_test_id("way")).to_contain_text("人工服务")
    await expect(call).to_have_attribute("data-phase", "ringing")  # all of it before anybody answers

    await page.keyboard.press("F2")
    await expect(call).to_have_attribute("data-phase", "talking")
    await grows(reader(page, "energy"), "the agent hears the patient")
    await grows(reader(page, "spoken"), "the agent's microphone is open")
    await heard_by_patient(hotline)

    await page.keyboard.press("F7")
    await expect(call).to_have_attribute("data-phase", "held")
    await page.keyboard.press("F7")
    await expect(call).to_have_attribute("data-phase", "talking")
    await grows(reader(page, "energy"), "the agent hears the patient again")
    await page.keyboard.press("F8")
    await expect(page.get_by_test_id("mute")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("F8")

    await page.get_by_test_id("note").fill("询问复诊时间")
    await page.keyboard.press("F4")
    await expect(call).to_have_attribute("data-phase", "none")
    await expect(page.get_by_test_id("state")).to_contain_text("话后处理")
    await expect(page.get_by_test_id("note-state")).to_contain_text("已保存")
    await page.get_by_test_id("end-wrap-up").click()
    await expect(page.get_by_test_id("state")).to_contain_text("可接听")
    await patient.unplug()


async def test_asterisk_dies_and_comes_back(hotline: Hotline, page: Page) -> None:
    """The page says so, nobody is available without a telephone, and all is well again without a hand being moved."""
    service = await hotline.stack.start_service()
    await sits_down(hotline, service, page)
    await asyncio.to_thread(hotline.stack.pbx.kill)
    await expect(page.get_by_test_id("phone-no-connection")).to_contain_text("正在重新连接")
    await asyncio.to_thread(hotline.stack.pbx.start)
    await expect(page.get_by_test_id("phone-no-connection")).to_be_hidden(timeout=40_000)
    await expect(page.get_by_test_id("available")).to_be_enabled(timeout=40_000)
    await page.get_by_test_id("available").click()
    await hotline.observer.agent_takes_calls(hospital.AGENTS[0])
