"""What a conversation leaves behind: who is heard on which side, what a pause and a transfer do, what a crash leaves.

Everybody hums a tone of their own, so that a recording says by itself who is in it.
"""

import asyncio
import wave
from array import array
from collections.abc import Sequence
from io import BytesIO

import httpx
from sqlalchemy import select

from callcenter.calls.models import Call, Recording
from callcenter.calls.recording_models import StoredRecording
from callcenter.queues.recording_policies import put_policy
from demo.hospital import HOTLINE, PATIENTS, SampleAgent
from demo.observer import until
from demo.sip_scenarios import Press, StayUntilHangUp, Step, Wait
from tests.e2e.desk.test_call_control import Desk
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent
from tests.support.rtp_ear import LOUD, levels

PATIENT_HZ, FIRST_HZ, SECOND_HZ = 400, 500, 800
FIRST, SECOND = agent("1001"), agent("1002")
STAY = [StayUntilHangUp(120)]
WINDOW_SECONDS = 0.12


class Sides:
    """A stereo recording; each side as whether it hums, window by window."""

    def __init__(self, content: bytes) -> None:
        with wave.open(BytesIO(content)) as wav:
            assert (wav.getnchannels(), wav.getframerate()) == (2, 8000)
            samples = array("h", wav.readframes(wav.getnframes()))
        self._sides = {"left": samples[0::2].tolist(), "right": samples[1::2].tolist()}

    def hums(self, side: str, hz: float) -> list[bool]:
        return [level > LOUD for level in levels(self._sides[side], hz)]

    def seconds(self, side: str, hz: float) -> float:
        return sum(self.hums(side, hz)) * WINDOW_SECONDS

    def longest_silence_seconds(self, side: str, hz: float) -> float:
        """Between two times at which it hums."""
        hums = self.hums(side, hz)
        between = hums[hums.index(True) : len(hums) - hums[::-1].index(True)]
        runs = "".join("x" if one else "-" for one in between).split("x")
        return max(map(len, runs)) * WINDOW_SECONDS


async def sits_down(hotline: Hotline, who: SampleAgent, hz: int) -> None:
    await hotline.phones.plug_in(
        who.seat, hotline.seat_passwords[who.seat], STAY, ring_seconds=0.3, calls=None, tone_hz=hz
    )
    await hotline.agent_available(who)
    await hotline.observer.agent_takes_calls(who)


async def calls_for_a_person(hotline: Hotline, number: int) -> None:
    steps: list[Step] = [Wait(hotline.seconds("greeting_known") + 1.0), Press("2"), *STAY]
    await hotline.phones.call(PATIENTS[number].number, HOTLINE, steps, name=PATIENTS[number].name, tone_hz=PATIENT_HZ)


async def record_everything(hotline: Hotline) -> None:
    async with hotline.database.transaction() as session:
        await put_policy(session, "consultation", {"mode": "all", "notice": True}, changed_by="test")


async def stored(hotline: Hotline, call: Call, count: int) -> Sequence[Recording]:
    """The recordings of a call, once they are stored."""

    async def look() -> Sequence[Recording]:
        query = (
            select(Recording)
            .join(StoredRecording, StoredRecording.recording_id == Recording.id)
            .where(Recording.call_id == call.id, StoredRecording.source_gone_at.is_not(None))
            .order_by(Recording.started_at)
        )
        async with hotline.database.transaction() as session:
            found = (await session.scalars(query)).all()
        return found if len(found) >= count else []

    found = await until(f"{count} recordings are stored", look, timeout_seconds=40)
    assert len(found) == count
    return found


async def heard(client: httpx.AsyncClient, recording: Recording) -> Sides:
    answer = await client.get(f"/api/v1/recordings/{recording.id}/audio")
    assert answer.status_code == 200, answer.text
    return Sides(answer.content)


async def test_both_sides_a_pause_a_transfer_and_a_queue_that_records_nothing(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    await sits_down(hotline, FIRST, FIRST_HZ)
    first = Desk(hotline, await hotline.api(service, FIRST.username, AGENT_PASSWORD), FIRST.number)
    await calls_for_a_person(hotline, 1)
    await first.call_is("talking")
    await first.does("call/hang-up")
    await first.is_idle()
    unrecorded = await hotline.finished_call(PATIENTS[1].e164)

    await record_everything(hotline)
    await hotline.observer.pause(3)  # flows ask for policies now and then
    await calls_for_a_person(hotline, 0)
    await first.call_is("talking")
    await hotline.observer.pause(3)
    await first.does("call/recording/pause")
    await hotline.observer.pause(4)
    await first.does("call/recording/resume")
    await hotline.observer.pause(3)
    await sits_down(hotline, SECOND, SECOND_HZ)
    second = Desk(hotline, await hotline.api(service, SECOND.username, AGENT_PASSWORD), SECOND.number)
    await first.does("call/consult", kind="agent", to="1002")
    await second.call_is("talking")
    await first.does("call/cancel-transfer")
    await second.is_idle()
    await first.call_is("talking")
    await hotline.observer.pause(4)
    await first.does("call/transfer", kind="agent", to="1002")
    await second.call_is("talking")
    await hotline.observer.pause(3)
    await second.does("call/hang-up")
    await second.is_idle()

    call = await hotline.finished_call(PATIENTS[0].e164)
    admin = await hotline.api(service)
    found = await stored(hotline, call, 3)
    assert [(one.purpose, one.queue_name, one.agent_number) for one in found] == [
        ("conversation", "consultation", number) for number in ("1001", "1002", "1002")
    ]
    talked, _asked, passed_on = [await heard(admin, one) for one in found]
    assert talked.seconds("left", PATIENT_HZ) > 7
    assert talked.seconds("right", FIRST_HZ) > 7
    assert talked.seconds("left", FIRST_HZ) == talked.seconds("right", PATIENT_HZ) == 0
    pause_seconds = 4 - 2 * WINDOW_SECONDS  # at each end a window that was begun
    assert talked.longest_silence_seconds("right", FIRST_HZ) >= pause_seconds  # silence of the same length
    assert any(talked.hums("left", PATIENT_HZ)[-15:]), "the caller is heard after the agent asked a colleague"
    assert passed_on.seconds("left", PATIENT_HZ) > 2
    assert passed_on.seconds("right", SECOND_HZ) > 2
    assert passed_on.seconds("right", FIRST_HZ) == 0

    files = [path for path in hotline.settings.recordings_dir.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".sealed"}
    assert (await admin.get("/api/v1/recordings", params={"call_id": unrecorded.id})).json()["items"] == []
    waveform = (await admin.get(f"/api/v1/recordings/{found[0].id}/waveform")).json()
    assert min(max(waveform["sides"][side]) for side in ("caller", "agent")) > 20


async def test_asterisk_dies_and_what_was_said_until_then_is_kept(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    await record_everything(hotline)
    await sits_down(hotline, FIRST, FIRST_HZ)
    await calls_for_a_person(hotline, 0)
    await hotline.observer.talking(1)
    await hotline.observer.pause(5)
    await asyncio.to_thread(hotline.stack.pbx.kill)
    await asyncio.to_thread(hotline.stack.pbx.start)
    call = await hotline.finished_call(PATIENTS[0].e164, timeout_seconds=60)
    assert call.state == "node_lost"
    (kept,) = await stored(hotline, call, 1)
    admin = await hotline.api(service)
    (listed,) = (await admin.get("/api/v1/recordings", params={"call_id": call.id})).json()["items"]
    assert listed["is_cut"]
    sides = await heard(admin, kept)
    assert sides.seconds("left", PATIENT_HZ) > 2
    assert sides.seconds("right", FIRST_HZ) > 2
