"""What callers leave on the tape: heard by those it is for, kept whatever dies."""

from collections.abc import Sequence

import httpx
from sqlalchemy import select

from callcenter.calls.models import Recording
from callcenter.core.audit import AuditEntry
from callcenter.roles import ProcessRole
from callcenter.workorders.models import WorkOrder
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent

INTO_MESSAGE = (Wait(1.5), Press("1"), Wait(1.5), Press("#"))
"""The menu's key, and one that skips the prompt before the tone."""
NOT_IVR = (ProcessRole.API, ProcessRole.ENGINE)


async def recordings(hotline: Hotline, call_id: str) -> Sequence[Recording]:
    async with hotline.database.transaction() as session:
        query = select(Recording).where(Recording.call_id == call_id).order_by(Recording.started_at)
        return (await session.scalars(query)).all()


async def measured(hotline: Hotline, call_id: str) -> Sequence[Recording]:
    async def look() -> Sequence[Recording]:
        found = await recordings(hotline, call_id)
        return found if found and all(one.measured_at for one in found) else []

    return await until("the engine has looked at the recordings", look, timeout_seconds=30)


async def orders(hotline: Hotline, call_id: str) -> Sequence[WorkOrder]:
    async with hotline.database.transaction() as session:
        query = select(WorkOrder).where(WorkOrder.call_id == call_id).order_by(WorkOrder.number)
        return (await session.scalars(query)).all()


async def test_a_message_is_heard_by_the_agents_of_its_queue(hotline: Hotline) -> None:
    service = await hotline.stack.start_service()
    speaker, cut_off, silent = PATIENTS[:3]
    phones = [
        await hotline.phones.call(
            speaker.number, HOTLINE, [*INTO_MESSAGE, Wait(4), Press("#"), StayUntilHangUp(30)], speaks=True
        ),
        await hotline.phones.call(cut_off.number, HOTLINE, [*INTO_MESSAGE, Wait(4), HangUp()], speaks=True),
        await hotline.phones.call(silent.number, HOTLINE, [*INTO_MESSAGE, StayUntilHangUp(60)]),
    ]
    for phone in phones:
        await phone.done(90)
    told = await hotline.finished_call(speaker.e164)
    assert "message:recorded" in await hotline.steps(told)
    (recording,) = await measured(hotline, told.id)
    admin = await hotline.api(service)
    stored = (await admin.get(f"/api/v1/recordings/{recording.id}/audio")).content
    assert recording.bytes == len(stored)
    assert recording.duration_seconds is not None
    assert 2 < recording.duration_seconds < 8

    colleague = await hotline.api(service, "agent1003", AGENT_PASSWORD)  # of the complaint queue
    assert (await colleague.get("/api/v1/work-orders")).json()["items"] == []
    assert (await colleague.get("/api/v1/recordings")).json()["items"] == []
    await is_handled_by_agent(hotline, await hotline.api(service, "agent1001", AGENT_PASSWORD), recording, stored)

    gone = await hotline.finished_call(cut_off.e164)
    (kept,) = await measured(hotline, gone.id)
    assert kept.duration_seconds is not None
    assert kept.duration_seconds > 2
    assert [order.state for order in await orders(hotline, gone.id)] == ["open"]

    nothing = await hotline.finished_call(silent.e164)
    assert "message:empty" in await hotline.steps(nothing)
    await measured(hotline, nothing.id)
    assert [(order.state, order.note, order.closed_by) for order in await orders(hotline, nothing.id)] == [
        ("closed", "empty", "system")
    ] * 2


async def is_handled_by_agent(hotline: Hotline, api: httpx.AsyncClient, recording: Recording, stored: bytes) -> None:
    """Listed, taken, heard, closed."""
    listed = (await api.get("/api/v1/work-orders", params={"kind": "message", "state": "open"})).json()["items"]
    (order,) = [one for one in listed if one["call_id"] == recording.call_id]
    assert (order["queue_name"], order["recording_id"]) == ("consultation", recording.id)
    assert "****" in order["caller_number"]
    taken = (await api.post(f"/api/v1/work-orders/{order['number']}/take")).json()
    assert (taken["state"], taken["caller_number"]) == ("taken", PATIENTS[0].e164)

    played = await api.get(f"/api/v1/recordings/{recording.id}/audio")
    assert (played.status_code, played.headers["content-type"], played.content) == (200, "audio/wav", stored)
    part = await api.get(f"/api/v1/recordings/{recording.id}/audio", headers={"Range": "bytes=44-1043"})
    assert (part.status_code, part.content) == (206, stored[44:1044])
    async with hotline.database.transaction() as session:
        played_by_agent = AuditEntry.action == "recordings.play", AuditEntry.actor_name == "agent1001"
        plays = (await session.scalars(select(AuditEntry).where(*played_by_agent))).all()
    assert [play.subject_id for play in plays] == [str(recording.id)] * 2

    closed = await api.post(f"/api/v1/work-orders/{order['number']}/close", json={"note": "已回电。"})
    assert closed.json()["state"] == "closed"


async def test_a_service_killed_while_recording_loses_no_word(hotline: Hotline) -> None:
    await hotline.stack.start_service(NOT_IVR)
    ivr = await hotline.stack.start_service([ProcessRole.IVR], http_port=hotline.settings.trunk_port)
    await hotline.agent_sits_down(agent("1001"))
    caller = await hotline.phones.call(
        PATIENTS[0].number, HOTLINE, [*INTO_MESSAGE, Wait(5), Press("#"), StayUntilHangUp(60)], speaks=True
    )

    async def is_recording() -> bool:
        files = list(hotline.settings.recordings_dir.glob("message-*.wav"))
        return bool(files) and files[0].stat().st_size > 8_000

    await until("the caller speaks", is_recording)
    await ivr.kill()
    await caller.done(90)  # the dialplan takes the caller to a person, who hangs up
    call = await hotline.finished_call(PATIENTS[0].e164)
    assert (call.outcome, call.agent_number) == ("answered", "1001")
    (recording,) = await measured(hotline, call.id)
    assert recording.duration_seconds is not None
    assert recording.duration_seconds > 2
    (order,) = await orders(hotline, call.id)
    assert (order.kind, order.state, order.recording_file) == ("message", "open", recording.file)
