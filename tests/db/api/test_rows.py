"""Rows that belong to somebody: what is of other queues is neither listed, nor read, nor changed by its id.

One call in the queue `theirs`, with a recorded message, its work order, and a promised call-back. 404 where the
existence itself is nobody else's business.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from callcenter.accounts.models import Role
from callcenter.callbacks import service as callbacks
from callcenter.callbacks.service import CallbackWish
from callcenter.calls.service import LedgerHandlers
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.queues.models import Did
from callcenter.workorders.handlers import EVENT_HANDLERS, on_calls
from tests.support.api import api_client
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import table
from tests.support.people import PBX, asker, given_queue
from tests.support.sounds import speech, write_wav

HANDLERS = LedgerHandlers(on_event=EVENT_HANDLERS, on_calls=(on_calls,))
MESSAGE = table(
    """
    0.1 CHAN_START   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 exten=8001
    0.2 CC_CALL      PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 did=8001:caller=13800000001
    0.5 CC_QUEUE     PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 visit=1:queue=theirs:prio=1
    0.6 CC_RECORD    PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 purpose=message:day=20260105:number=1:queue=theirs
    0.7 CC_MESSAGE   PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 queue=theirs:patient=:number=1
    9.0 HANGUP       PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1 {"hangupcause":16}
    9.0 LINKEDID_END PJSIP/trunk-00000001 pbx1-1.1 pbx1-1.1
    """
)
PERIOD = {"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True)
class Ask:
    """``hidden``: the answer to whoever may not see it; ``shown``: to whoever may."""

    method: str
    path: str
    shown: int = 200
    hidden: int = 404
    body: Any = None
    agents_too: bool = False
    params: Any = None


BY_ID = (
    Ask("GET", "/calls/pbx1-1.1"),
    Ask("GET", "/recordings/{recording}/audio", agents_too=True),
    Ask("GET", "/recordings/{recording}/waveform", shown=409, agents_too=True),
    Ask("GET", "/recordings/{recording}/holds"),
    Ask("POST", "/recordings/{recording}/hold", shown=201, body={"reason": "x"}),
    Ask("GET", "/work-orders/{order}", agents_too=True),
    Ask("PATCH", "/work-orders/{order}", body={"note": "x"}, agents_too=True),
    Ask("POST", "/work-orders/{order}/take", agents_too=True),
    Ask("POST", "/work-orders/{order}/close", body={"note": "x"}, agents_too=True),
    Ask("GET", "/callbacks/{callback}"),
    Ask("POST", "/callbacks/{callback}/retry", shown=409),
    Ask("POST", "/callbacks/{callback}/cancel"),
    Ask("POST", "/callbacks", shown=201, body={"queue": "theirs", "number": "13800000002"}),
    Ask("GET", "/queues/theirs/figures", params=PERIOD),
    Ask("GET", "/queues/theirs/callbacks/figures", params=PERIOD),
    # which queues there are is no secret: the list of queues shows them to all
    Ask("GET", "/queues/theirs/waiting", hidden=403),
    Ask("GET", "/queues/theirs/members", hidden=403),
    Ask("PUT", "/queues/theirs/members/1001", body={"penalty": 0}, shown=204, hidden=403),
    Ask("DELETE", "/queues/theirs/members/1001", shown=204, hidden=403),
)
LISTS = (
    Ask("GET", "/calls"),
    Ask("POST", "/calls/search", body={"caller_number": "13800000001"}),
    Ask("GET", "/recordings", agents_too=True),
    Ask("GET", "/work-orders", agents_too=True),
    Ask("GET", "/callbacks"),
)


@dataclass(frozen=True, slots=True)
class Hospital:
    client: httpx.AsyncClient
    database: Database
    callback: str

    async def ask(self, ask: Ask, headers: dict[str, str]) -> httpx.Response:
        path = ask.path.format(recording=1, order=1001, callback=self.callback)
        sent = {"json": ask.body} if ask.body is not None else {}
        return await self.client.request(ask.method, f"/api/v1{path}", headers=headers, params=ask.params, **sent)


@pytest.fixture
async def hospital(tmp_path: Path, database: Database) -> AsyncIterator[Hospital]:
    folder = LedgerFolder(tmp_path)
    async with database.transaction() as session:
        await given_queue(session, "mine")
        await given_queue(session, "theirs")
        session.add(Did(number="8001", label_zh="热线", label_en="Hotline", fallback_queue="theirs"))
    folder.append(MESSAGE)
    await read_all(folder, database, HANDLERS)
    write_wav(Settings(state_dir=tmp_path).recordings_dir / "message-pbx1-1.1-1.wav", speech(2))
    wish = CallbackWish("theirs", 1, "+8613800000001", "zh", "8001")
    async with database.transaction() as session:
        promised = await callbacks.request_callback(session, wish, pbx=PBX, plan=NumberPlan(), at=now())
    async with api_client(database, tmp_path) as client:
        yield Hospital(client, database, str(promised.id))


async def supervisor_of(hospital: Hospital, queue: str) -> dict[str, str]:
    return await asker(hospital.database, Role.SUPERVISOR, agent="1001", queues=("mine",), scope=(queue,))


async def agent_of(hospital: Hospital, queue: str) -> dict[str, str]:
    return await asker(hospital.database, Role.AGENT, agent="1002", queues=(queue,))


async def test_a_supervisor_of_other_queues_neither_reads_nor_changes_them(hospital: Hospital) -> None:
    headers = await supervisor_of(hospital, "mine")
    answers = {(one.method, one.path): (await hospital.ask(one, headers)).status_code for one in BY_ID}
    assert answers == {(one.method, one.path): one.hidden for one in BY_ID}
    for one in LISTS:
        answer = await hospital.ask(one, headers)
        assert (answer.status_code, answer.json()["items"]) == (200, []), one.path


async def test_a_supervisor_of_these_queues_does(hospital: Hospital) -> None:
    """The same questions: so the answers above say what they seem to."""
    headers = await supervisor_of(hospital, "theirs")
    for one in LISTS:
        assert len((await hospital.ask(one, headers)).json()["items"]) == 1, one.path
    answers = {(one.method, one.path): (await hospital.ask(one, headers)).status_code for one in BY_ID}
    assert answers == {(one.method, one.path): one.shown for one in BY_ID}


@pytest.mark.parametrize("queue", ["mine", "theirs"])
async def test_an_agent_sees_what_is_of_the_own_queues(hospital: Hospital, queue: str) -> None:
    headers = await agent_of(hospital, queue)
    for one in LISTS:
        if one.agents_too:
            found = (await hospital.ask(one, headers)).json()["items"]
            assert len(found) == (queue == "theirs"), one.path
    for one in BY_ID:
        if one.agents_too:
            status = (await hospital.ask(one, headers)).status_code
            assert status == (one.shown if queue == "theirs" else one.hidden), one.path


async def test_an_agent_sees_only_the_calls_talked_in(hospital: Hospital) -> None:
    headers = await agent_of(hospital, "theirs")
    assert (await hospital.client.get("/api/v1/calls", headers=headers)).json()["items"] == []
    assert (await hospital.client.get("/api/v1/calls/pbx1-1.1", headers=headers)).status_code == 404


async def test_a_csv_export_keeps_to_the_same_rows(hospital: Hospital) -> None:
    lines = {}
    for queue in ("mine", "theirs"):
        headers = await asker(hospital.database, Role.SUPERVISOR, scope=(queue,)) | {"Accept": "text/csv"}
        lines[queue] = (await hospital.client.get("/api/v1/calls", headers=headers)).text.splitlines()
    assert {queue: len(found) for queue, found in lines.items()} == {"mine": 1, "theirs": 2}
