"""kill -9 in the middle of speaking: nothing half-written, and it is spoken after the restart."""

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from callcenter.asterisk.sounds import sounds_dir
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.speech.audio import wav_seconds
from callcenter.speech.service import put_text
from tests.support.polling import becomes
from tests.support.speech_server import speech_server, whistle
from tests.support.spoken import audio_by, running_speech, sound_file, text_row

SLOT = "closure:9"

ENGINE = """
import asyncio, sys
from pathlib import Path
from callcenter.core.config import Settings
from callcenter.core.db import Database
from tests.support.spoken import running_speech

async def main() -> None:
    settings = Settings(state_dir=Path(sys.argv[1]), speech_provider="http", speech_http_url=sys.argv[2])
    async with running_speech(settings, Database(sys.argv[3])):
        async with asyncio.timeout(120):
            await asyncio.Event().wait()  # until it is killed

asyncio.run(main())
"""


async def test_killed_engine_leaves_nothing_half_done(database: Database, tmp_path: Path) -> None:
    speaking = threading.Event()
    is_first = threading.Event()

    def answer(_body: object) -> tuple[int, bytes]:
        if not is_first.is_set():
            is_first.set()
            speaking.set()
            threading.Event().wait(5)  # the engine dies meanwhile
        return 200, whistle()

    async with database.transaction() as session:
        await put_text(session, SLOT, {"zh": "今天停诊。"})
    with speech_server() as server:
        server.answer = answer
        settings = Settings(state_dir=tmp_path, speech_provider="http", speech_http_url=server.url)
        engine = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ENGINE, str(tmp_path), server.url, database.url, cwd=Path(__file__).parents[3]
        )
        try:
            assert await asyncio.to_thread(speaking.wait, 30)
            row = await becomes(lambda: text_row(database, SLOT), lambda row: row.stage == "provider")
            assert row.claimed_by == settings.pbx_name
        finally:
            os.kill(engine.pid, signal.SIGKILL)
            await engine.wait()
        heard = await sound_file(settings, database, SLOT)  # the fall-back voice, and it is whole
        assert wav_seconds(heard) > 0.5
        async with running_speech(settings, database):
            await audio_by(database, SLOT, "http")
        files = {path.name for path in (sounds_dir(settings) / "spoken").iterdir()}
        assert files == {heard.name, (await sound_file(settings, database, SLOT)).name}
