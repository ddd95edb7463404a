"""What waiting callers hear, by Asterisk's own account of the files it plays."""

import asyncio
import re
from collections.abc import Sequence

from callcenter.queues import service as queues
from demo.hospital import COMPLAINT_LINE, HOTLINE, PATIENTS
from demo.sip_scenarios import HangUp, Wait
from tests.e2e.hotline import Hotline, agent
from tests.e2e.queues.conftest import NEW, commands_done, lead_to, pause, put_queue, serve_only

_PLAYED = re.compile(r"<(PJSIP/trunk-[0-9a-f]+)> Playing '([^'.]+)\.[a-z0-9]+' \(language '(\w+)'\)")


async def listen(hotline: Hotline) -> None:
    """From now on Asterisk writes down what it plays to whom."""
    said = await asyncio.to_thread(hotline.stack.pbx.cli, "logger add channel played.log verbose(3)")
    assert "unable" not in said.lower(), said


def played(hotline: Hotline) -> list[list[tuple[str, str]]]:
    """(file, language) of each call, calls in the order of their beginning."""
    found: dict[str, list[tuple[str, str]]] = {}
    text = (hotline.settings.pbx_dir / "log" / "played.log").read_text(errors="replace")
    for channel, file, language in _PLAYED.findall(text):
        found.setdefault(channel, []).append((file, language))
    assert found, text[-2000:]
    return [heard for _channel, heard in sorted(found.items())]


def positions(heard: Sequence[tuple[str, str]]) -> list[int]:
    """The places a caller was told; "you are next" is the first."""
    files = [file for file, _language in heard]
    told = []
    for index, file in enumerate(files):
        if file == "queue-youarenext":
            told.append(1)
        elif file == "queue-thereare":
            told.append(int(files[index + 1].removeprefix("digits/")))
    return told


async def test_position_expected_wait_and_comfort_in_both_languages(hotline: Hotline) -> None:
    """An agent is there, paused. The first caller leaves, one with a head start comes between: nobody hears of worse.

    The head start comes from the queue before: who overflows keeps the place.
    """
    lead_to(hotline.settings, COMPLAINT_LINE, "before")
    await hotline.stack.start_service()
    prompts = ["queue_callback_offer", "queue_comfort"]
    values: dict[str, object] = {"announce_every_seconds": 15, "comfort_every_seconds": 4, "comfort_prompts": prompts}
    await put_queue(hotline, "consultation", **values, exit_keys="12", last_agent_first=False)
    await put_queue(hotline, "before", **NEW, max_wait_seconds=25, overflow_to="consultation", announce_position=False)
    async with hotline.database.transaction() as session:
        did: dict[str, object] = {
            "label_zh": "热线",
            "label_en": "Line",
            "fallback_queue": "consultation",
            "language": "en",
        }
        await queues.put_did(session, COMPLAINT_LINE, did, pbx=hotline.settings.pbx_name, cause="test")
    await commands_done(hotline)
    there = await serve_only(hotline, agent("1001"), "consultation", "before")
    await hotline.agent_sits_down(there)
    await pause(hotline, there)
    await listen(hotline)

    overtakes = await hotline.call(PATIENTS[0], COMPLAINT_LINE, [Wait(50), HangUp()])
    await hotline.observer.waiting("before", 1)
    await hotline.observer.pause(1.1)  # priority counts whole seconds
    leaves = await hotline.call(PATIENTS[1], HOTLINE, [Wait(12), HangUp()])
    await hotline.observer.waiting("consultation", 1)
    stays = await hotline.call(PATIENTS[2], HOTLINE, [Wait(55), HangUp()])
    for caller in (overtakes, leaves, stays):
        await caller.done(120)

    english, _left, chinese = played(hotline)
    for heard, language in ((english, "en"), (chinese, "zh")):
        assert {spoken for _file, spoken in heard} == {language}
        files = [file for file, _language in heard]
        assert files.count("queue-holdtime") == 1, "the expected wait is said once"
        assert files[files.index("queue-holdtime") + 1 :][:2] == ["digits/30", "queue-seconds"]
        comforts = [file.removeprefix("cc/") for file in files if file.startswith("cc/queue_")]
        assert set(comforts) == set(prompts) or language == "en", comforts
    # second, then first as one leaves, then second again behind who overflowed: of that nothing is said
    assert positions(chinese) == [2, 1]
    assert positions(english) == [1]
