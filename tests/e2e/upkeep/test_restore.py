"""A backup under calls, then all is lost: restored on nothing, the hotline works and the records are whole."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

from sqlalchemy import select

from callcenter.calls.models import Recording
from callcenter.calls.recording_models import StoredRecording
from callcenter.core.embedded_postgres import EmbeddedPostgres
from demo.hospital import COMPLAINT_LINE, HOTLINE, PATIENTS
from demo.observer import until
from demo.sip_scenarios import HangUp, Press, StayUntilHangUp, Wait
from demo.stack import environment
from tests.e2e.hotline import AGENT_PASSWORD, Hotline, agent

COMPLAINS, TALKS = PATIENTS[:2]
VIP = next(patient for patient in PATIENTS if patient.vip_grade == "gold")


async def callcenter(hotline: Hotline, *arguments: str) -> str:
    """A command with this installation's settings; it must do well."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callcenter", *arguments),
        env={**os.environ, **environment(hotline.settings, hotline.stack.database_url)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def stored_recording(hotline: Hotline) -> Recording:
    async def look() -> Recording | None:
        async with hotline.database.transaction() as session:
            stored = StoredRecording.recording_id == Recording.id
            return (await session.scalars(select(Recording).join(StoredRecording, stored))).first()

    found = await until("the complaint's recording is stored", look, timeout_seconds=40)
    assert found is not None
    return found


def lose(state_dir: Path) -> None:
    shutil.rmtree(state_dir)
    state_dir.mkdir()


async def test_everything_is_lost_and_comes_back(
    hotline: Hotline, database_url: str, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    settings = hotline.settings
    backup = tmp_path / "backup"
    service = await hotline.stack.start_service()
    desk = [
        await hotline.agent_sits_down(agent("1003")),
        await hotline.agent_sits_down(agent("1001"), [StayUntilHangUp(90)]),
    ]
    complains = await hotline.call(COMPLAINS, COMPLAINT_LINE, [StayUntilHangUp(90)])
    await complains.done(90)
    recording = await stored_recording(hotline)
    supervisor = await hotline.api(service)
    sound = (await supervisor.get(f"/api/v1/recordings/{recording.id}/audio")).content
    assert len(sound) > 8000
    talks = await hotline.ask_for_a_person(TALKS, [Wait(60), HangUp()])
    await hotline.observer.talking(1)

    assert "rows of schema" in await callcenter(hotline, "backup", str(backup))

    await service.kill()
    await asyncio.to_thread(hotline.stack.pbx.kill)
    for phone in (*desk, talks):
        await phone.unplug()
    await asyncio.to_thread(lose, settings.state_dir)
    await hotline.database.engine.dispose()
    name = database_url.rsplit("/", 1)[-1].partition("?")[0]
    postgres_server.drop_database(name)
    postgres_server.create_database(name)

    assert "Restored" in await callcenter(hotline, "restore", str(backup))
    await hotline.stack.start_pbx(hotline.database)
    service = await hotline.stack.start_service()
    await hotline.agent_sits_down(agent("1002"))
    vip = await hotline.call(
        VIP,
        HOTLINE,
        [
            Wait(hotline.seconds("greeting_known") + 1.0),
            Press(f"{VIP.check_code}#"),
            Wait(1.0),
            Press("1"),
            StayUntilHangUp(90),
        ],
    )
    await vip.done(120)

    calls = {call.caller_number: call for call in await hotline.all_finished(3)}
    assert (calls[COMPLAINS.e164].outcome, calls[COMPLAINS.e164].agent_number) == ("answered", "1003")
    assert calls[TALKS.e164].agent_number == "1001"
    assert calls[TALKS.e164].state == "node_lost"  # its end was written after the backup
    assert calls[VIP.e164].verified
    assert calls[VIP.e164].agent_number == "1002"
    supervisor = await hotline.api(service)
    played = await supervisor.get(f"/api/v1/recordings/{recording.id}/audio")
    assert played.content == sound
    await hotline.api(service, "agent1001", AGENT_PASSWORD)
