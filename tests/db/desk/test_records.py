"""What agents write about calls: notes that nobody writes over unread, dispositions by the form of the queue."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.agents.models import Activity
from callcenter.asterisk.models import PbxCommand
from callcenter.core.clock import now
from callcenter.desk.models import CallNote
from tests.db.desk.scene import CALL, OTHER_CALL, Desk, Headers, ledger
from tests.support.api import as_api_key, as_role
from tests.support.people import asker, commands_of, given_seats, history_of, state_of

FORM = "/api/v1/queues/consultation/disposition-form"
TOPIC = {
    "key": "topic",
    "kind": "choice",
    "label_zh": "咨询内容",
    "label_en": "About",
    "required": True,
    "options": [{"code": "booking", "label_zh": "预约", "label_en": "Booking"}],
}
SOLVED = {"key": "solved", "kind": "yes_no", "label_zh": "已解决", "label_en": "Solved"}
ANSWERED = {"queue": "consultation", "form_version": 1, "answers": {"topic": "booking", "solved": True}}


@pytest.fixture
async def admin(desk: Desk) -> Headers:
    return await as_role(desk.database, Role.ADMIN)


async def put_form(desk: Desk, admin: Headers, *fields: dict[str, Any]) -> httpx.Response:
    return await desk.client.put(FORM, headers=admin, json={"fields": list(fields)})


# -- notes


async def test_a_note_has_versions_and_nobody_writes_over_what_they_have_not_read(desk: Desk) -> None:
    await desk.does(Activity.ON_CALL, CALL)
    first = await desk.ask("PUT", "note", {"text": "要改约", "version": 0})
    assert (first.status_code, first.json()["version"], first.json()["agent_number"]) == (200, 1, "1001")
    other = await asker(desk.database, Role.AGENT, agent="1002")
    await desk.does(Activity.ON_CALL, CALL, number="1002")
    stale = await desk.ask("PUT", "note", {"text": "别的", "version": 0}, by=other)
    assert (stale.status_code, stale.json()["code"], stale.json()["details"]) == (409, "note-changed", {"version": 1})
    second = await desk.ask("PUT", "note", {"text": "已改约", "version": 1}, by=other)
    assert second.json()["version"] == 2
    assert (await desk.ask("PUT", "note", {"text": "已改约", "version": 2})).json()["version"] == 2, "nothing new"
    assert (await desk.pop())["note"]["text"] == "已改约"
    async with desk.database.transaction() as session:
        texts = await session.scalars(select(CallNote.text).order_by(CallNote.version))
        assert list(texts) == ["要改约", "已改约"]


async def test_two_who_write_at_once(desk: Desk) -> None:
    await desk.does(Activity.ON_CALL, CALL)
    notes = [desk.ask("PUT", "note", {"text": f"第{n}个", "version": 0}) for n in range(5)]
    answers = await asyncio.gather(*notes)
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


# -- forms


async def test_a_form_keeps_its_versions(desk: Desk, admin: Headers) -> None:
    missing = await desk.client.get(FORM, headers=desk.li_na)
    assert (missing.status_code, missing.json()["code"]) == (404, "no-disposition-form")
    assert (await put_form(desk, admin, TOPIC)).json()["version"] == 1
    assert (await put_form(desk, admin, TOPIC)).json()["version"] == 1, "the same again"
    assert (await put_form(desk, admin, TOPIC, SOLVED)).json()["version"] == 2
    now_counts = (await desk.client.get(FORM, headers=desk.li_na)).json()
    assert [(field["key"], field["label_zh"]) for field in now_counts["fields"]] == [
        ("topic", "咨询内容"),
        ("solved", "已解决"),
    ]
    former = await desk.client.get(FORM, headers=desk.li_na, params={"version": 1})
    assert [field["key"] for field in former.json()["fields"]] == ["topic"]


async def test_two_who_change_a_form_at_once(desk: Desk, admin: Headers) -> None:
    forms = [put_form(desk, admin, TOPIC | {"label_en": f"About {n}"}) for n in range(4)]
    assert sorted(answer.json()["version"] for answer in await asyncio.gather(*forms)) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        (TOPIC | {"options": []}, "form-refused"),
        (SOLVED | {"least": 1}, "form-refused"),
        (TOPIC | {"key": "Topic!"}, "validation-failed"),
        (TOPIC | {"kind": "picture"}, "validation-failed"),
        (TOPIC | {"label_zh": ""}, "validation-failed"),
    ],
)
async def test_forms_that_are_none(desk: Desk, admin: Headers, field: dict[str, Any], code: str) -> None:
    answer = await put_form(desk, admin, field)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


# -- dispositions


async def test_given_in_wrap_up_and_changed_later(desk: Desk, admin: Headers) -> None:
    await put_form(desk, admin, TOPIC, SOLVED)
    await desk.rings()
    form = (await desk.pop())["disposition_form"]
    assert (form["queue_name"], form["version"]) == ("consultation", 1)
    await desk.does(Activity.ON_CALL, CALL)
    await desk.does(Activity.WRAP_UP, wrap_up_seconds=20)
    await desk.read(ledger())
    await put_form(desk, admin, TOPIC)
    given = await desk.ask("PUT", "disposition", ANSWERED)
    assert (given.status_code, given.json()["answers"]) == (200, {"topic": "booking", "solved": True})
    await desk.does(Activity.IDLE)
    changed = await desk.ask("PUT", "disposition", ANSWERED | {"form_version": 2, "answers": {"topic": "booking"}})
    assert changed.json()["answers"] == {"topic": "booking"}
    assert (await desk.pop())["disposition"]["form_version"] == 2
    assert [entry.details["version"] for entry in await desk.audited("dispositions.put")] == [1, 2]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"answers": {}}, (422, "answers-refused")),
        ({"answers": {"topic": "advice"}}, (422, "answers-refused")),
        ({"answers": {"topic": "booking", "mood": "x"}}, (422, "answers-refused")),
        ({"form_version": 9}, (404, "no-disposition-form")),
        ({"queue": "complaint"}, (422, "not-a-queue-of-call")),
        ({"answers": {"topic": {"deep": 1}}}, (422, "validation-failed")),
    ],
)
async def test_what_does_not_fit_is_not_kept(
    desk: Desk, admin: Headers, change: dict[str, Any], refusal: tuple[int, str]
) -> None:
    await put_form(desk, admin, TOPIC, SOLVED)
    await desk.rings()
    answer = await desk.ask("PUT", "disposition", ANSWERED | change)
    assert (answer.status_code, answer.json()["code"]) == refusal
    if refusal[1] == "answers-refused":
        assert set(answer.json()["details"]["fields"]) <= {"topic", "mood"}
    assert (await desk.pop())["disposition"] is None


async def test_another_system_reads_what_was_written(desk: Desk, admin: Headers) -> None:
    await put_form(desk, admin, TOPIC, SOLVED)
    await desk.does(Activity.ON_CALL, CALL)
    await desk.read(ledger())
    await desk.ask("PUT", "note", {"text": "一", "version": 0})
    await desk.ask("PUT", "note", {"text": "二", "version": 1})
    await desk.ask("PUT", "disposition", ANSWERED)
    crm = await as_api_key(desk.database, Role.INTEGRATION)
    records = (await desk.client.get(f"/api/v1/calls/{CALL}/records", headers=crm)).json()
    assert (records["note"]["text"], len(records["note_versions"])) == ("二", 2)
    period = {"from": (now() - timedelta(hours=1)).isoformat(), "to": (now() + timedelta(hours=1)).isoformat()}
    (one,) = (await desk.client.get("/api/v1/dispositions", headers=crm, params=period)).json()["items"]
    assert (one["call_id"], one["agent_number"], one["answers"]["topic"]) == (CALL, "1001", "booking")
    elsewhere = await asker(desk.database, Role.SUPERVISOR, scope=("complaint",))
    none = await desk.client.get("/api/v1/dispositions", headers=elsewhere, params=period)
    assert none.json()["items"] == []
    hidden = await desk.client.get(f"/api/v1/calls/{CALL}/records", headers=elsewhere)
    assert hidden.status_code == 404
    assert (await desk.client.get(f"/api/v1/calls/{OTHER_CALL}/records", headers=crm)).status_code == 404


# -- wrap-up


async def test_wrap_up_ends_early(desk: Desk) -> None:
    path = "/api/v1/agents/me/wrap-up/end"
    async with desk.database.transaction() as session:
        await given_seats(session, "seat-rose")
    available = {"wanted": "available", "seat": "seat-rose"}
    await desk.client.put("/api/v1/agents/me/state", headers=desk.li_na, json=available)
    early = await desk.client.post(path, headers=desk.li_na)
    assert (early.status_code, early.json()["code"]) == (409, "not-in-wrap-up")
    await desk.does(Activity.ON_CALL, CALL)
    await desk.does(Activity.WRAP_UP, wrap_up_seconds=20)
    async with desk.database.transaction() as session:
        before = len(list(await session.scalars(select(PbxCommand))))
    ended = await desk.client.post(path, headers=desk.li_na)
    assert (ended.json()["activity"], ended.json()["wrap_up_until"]) == ("idle", None)
    last = (await history_of(desk.database))[-1]
    assert (last.activity_before, last.activity, last.cause) == ("wrap_up", "idle", "agent")
    asked = (await commands_of(desk.database))[before:]
    assert [command.action for command in asked] == ["queue_remove", "queue_add"]
    assert (await state_of(desk.database)).wanted == "available"
