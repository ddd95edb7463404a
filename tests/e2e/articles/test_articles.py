"""Staff write an article while the service runs; the next caller hears it. What the caller hears is recorded."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from callcenter.asterisk.sounds import sounds_dir
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.migrate import upgrade
from callcenter.roles import ProcessRole
from callcenter.speech import service as speech
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from tests.e2e.hearing import hear, was_heard
from tests.e2e.hotline import Hotline, agent

BY_NUMBER = """\
flow: number
entry: ["8000"]
start: number
steps:
  number:
    article_by_number: ask_doctor_number
    section: doctors
    outcomes: {heard: bye, skipped: person, unknown: person, unavailable: person, person: person, back: bye}
  person: {queue: consultation, outcomes: {answered: bye, overflowed: bye, key: bye}}
  bye: {hangup: true}
"""
FROM_LIST = """\
flow: list
entry: ["8001"]
start: list
steps:
  list:
    article_list: choose_doctor
    section: doctors
    by: department
    outcomes: {heard: bye, back: bye, person: bye, timeout: bye, invalid: bye, empty: bye, unavailable: bye}
  bye: {hangup: true}
"""
LISTS = "8001"

ARTICLE = {
    "section": "doctors",
    "number": 101,
    "doctor_code": "d101",
    "title_zh": "周建国医生",
    "title_en": "Doctor Zhou",
    "body_zh": "擅长高血压的诊治，每星期一上午出诊。",
    "body_en": "He treats high blood pressure, and sees patients on Monday mornings.",
}
NEW_BODY = "从下个月起，改在星期四下午出诊。"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Flows of this test's own."""
    (tmp_path / "number.yaml").write_text(BY_NUMBER)
    (tmp_path / "list.yaml").write_text(FROM_LIST)
    return settings.model_copy(update={"flows_dir": tmp_path})


async def audio_of(hotline: Hotline, article: dict[str, Any]) -> dict[str, Path]:
    """The files that callers hear now, by part."""
    slots = {part: f"article:{article['id']}:{part}" for part in ("title", "body")}
    async with hotline.database.transaction() as session:
        sounds = await speech.find_sounds(session, list(slots.values()), "zh")
    return {part: sounds_dir(hotline.settings) / f"{sounds[slot].file}.wav" for part, slot in slots.items()}


async def ready(api: httpx.AsyncClient, article: dict[str, Any]) -> None:
    async def look() -> bool:
        audio: dict[str, str] = (await api.get(f"/api/v1/articles/{article['id']}")).json()["audio"]
        return set(audio.values()) == {"ready"}

    await until("the audio is ready", look, timeout_seconds=60)


async def test_what_staff_write_the_next_caller_hears(hotline: Hotline) -> None:
    stack = hotline.stack
    service = await stack.start_service([ProcessRole.API, ProcessRole.IVR])
    engine = await stack.start_service([ProcessRole.ENGINE], http_port=stack.settings.trunk_port)
    api = await hotline.api(service)

    article = (await api.post("/api/v1/articles", json=ARTICLE)).json()
    await ready(api, article)
    before = await audio_of(hotline, article)
    heard = await hear(hotline, HOTLINE, [Wait(2.5), Press("101#")])
    assert was_heard(heard, before["title"]) > 0.9
    assert was_heard(heard, before["body"]) > 0.9
    heard = await hear(hotline, LISTS, [Wait(2.5), Press("1"), Wait(1), Press("1")])
    assert was_heard(heard, before["body"]) > 0.9

    # a new text is saved and nobody speaks it yet: callers hear the old one
    await engine.stop()
    changed = (await api.put(f"/api/v1/articles/{article['id']}", json=change_of(article))).json()
    assert changed["audio"] == {"zh": "previous", "en": "ready"}
    heard = await hear(hotline, HOTLINE, [Wait(2.5), Press("101#")])
    assert was_heard(heard, before["body"]) > 0.9

    await stack.start_service([ProcessRole.ENGINE], http_port=stack.settings.trunk_port)
    await ready(api, article)
    after = await audio_of(hotline, article)
    heard = await hear(hotline, HOTLINE, [Wait(2.5), Press("101#")])
    assert was_heard(heard, after["body"]) > 0.9
    assert was_heard(heard, before["body"]) < 0.2

    *_, call = await hotline.all_finished(4)
    assert await hotline.steps(call) == ["number:heard", "bye:hangup"]


def change_of(article: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in ARTICLE.items() if name != "section"} | {
        "body_zh": NEW_BODY,
        "version": article["version"],
    }


@pytest.fixture
async def own_postgres(settings: Settings) -> AsyncIterator[EmbeddedPostgres]:
    """A server that this test may stop."""
    server = EmbeddedPostgres(Path(settings.state_dir) / "postgres", fast=True)
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.stop)


async def test_without_the_database_the_caller_reaches_a_person(
    settings: Settings, own_postgres: EmbeddedPostgres
) -> None:
    url = own_postgres.url("callcenter")
    await asyncio.to_thread(upgrade, url)
    database = Database(url)
    async with Hotline(settings, url, database) as hotline:
        await hotline.stack.start_service()
        await hotline.agent_sits_down(agent("1001"), [Wait(2), HangUp()])
        await asyncio.to_thread(own_postgres.stop)
        caller = await hotline.call(PATIENTS[0], HOTLINE, [Wait(2.5), Press("101#"), StayUntilHangUp(60)])
        await caller.done(90)
        await asyncio.to_thread(own_postgres.start)
        call = await hotline.finished_call(PATIENTS[0].e164, timeout_seconds=40)
        assert (call.outcome, call.agent_number) == ("answered", "1001")
        assert (await hotline.steps(call))[0] == "number:unavailable"
    await database.close()
