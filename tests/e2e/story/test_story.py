"""The story of the demo, line by line, against the records that the API gives."""

import httpx

from demo import articles
from demo.hospital import SampleAgent
from demo.observer import until
from demo.report import compare, fetch
from demo.story import Story
from tests.e2e.hotline import ADMIN_PASSWORD, AGENT_PASSWORD, Hotline


async def test_story_and_records_agree(hotline: Hotline) -> None:
    async with hotline.database.transaction() as session:
        await articles.load(session)
    service = await hotline.stack.start_service()

    async def log_in_at_the_desk(agent: SampleAgent) -> None:
        client = await hotline.api(service, agent.username, AGENT_PASSWORD)
        state = {"wanted": "available", "seat": agent.seat}
        (await client.put("/api/v1/agents/me/state", json=state)).raise_for_status()

    told: list[str] = []
    story = Story(
        hotline.phones, hotline.observer, hotline.prompts, hotline.seat_passwords, told.append, log_in_at_the_desk
    )
    await story.play()
    async with httpx.AsyncClient(base_url=service.url, timeout=10) as client:
        records = await fetch(client, story, "admin", ADMIN_PASSWORD)
    assert compare(story.expected, records) == []
    await hotline.no_calls_left()

    # the complaint's recording is there, the conversation in it
    complaint = next(call for call in records.calls.values() if call["recordings"])
    admin = await hotline.api(service)

    async def sound() -> bytes:
        played = await admin.get(f"/api/v1/recordings/{complaint['recordings'][0]['id']}/audio")
        return played.content if played.status_code == 200 else b""

    # at least three of its six seconds: two sides of 16 bits at 8 kHz
    assert len(await until("the complaint's recording is stored", sound, timeout_seconds=40)) > 8000 * 2 * 2 * 3

    # what was keyed in stands nowhere: neither in the ledger nor in any log
    written = [hotline.settings.ledger_file, hotline.settings.queue_log_file, service.log_file]
    written += sorted((hotline.settings.pbx_dir / "log").glob("*.log"))
    for file in written:
        text = file.read_text(errors="replace")
        assert "135790" not in text, f"the check code stands in {file.name}"
        assert "4711#" not in text, f"the PIN stands in {file.name}"
    assert hotline.settings.ledger_file.stat().st_mode & 0o777 == 0o640
