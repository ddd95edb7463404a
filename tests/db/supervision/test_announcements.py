"""Emergency announcements: who may, and what callers hear of them."""

from typing import Any

import httpx
import pytest

from callcenter.accounts.models import Role
from callcenter.core.db import Database
from callcenter.ivr.announcements import DatabaseAnnouncements
from tests.support.audio import given_audio
from tests.support.people import asker

API = "/api/v1/supervision/announcements"
TEXTS = {"text_zh": "系统故障，暂时无法预约。", "text_en": "No appointments can be made now."}


async def lead(database: Database, *scope: str) -> dict[str, str]:
    return await asker(database, Role.SUPERVISOR, scope=scope)


async def heard(database: Database) -> dict[str, int]:
    """How many announcements callers of each place hear now."""
    announcements = DatabaseAnnouncements(database)
    return {
        "number": len(await announcements.of_number("8000", "zh")),
        "other number": len(await announcements.of_number("8001", "en")),
        "queue": len(await announcements.of_queue("mine", "en")),
        "other queue": len(await announcements.of_queue("theirs", "zh")),
    }


NOTHING = {"number": 0, "other number": 0, "queue": 0, "other queue": 0}


@pytest.mark.parametrize(
    ("body", "where"),
    [({}, {"number": 1, "other number": 1}), ({"number": "8000"}, {"number": 1}), ({"queue": "mine"}, {"queue": 1})],
)
async def test_it_is_heard_where_it_belongs_until_it_is_switched_off(
    client: httpx.AsyncClient, database: Database, body: dict[str, Any], where: dict[str, int]
) -> None:
    headers = await lead(database)
    started = await client.post(API, headers=headers, json=body | TEXTS)
    assert started.status_code == 201
    assert await heard(database) == NOTHING, "it is not spoken yet"
    await given_audio(database, slot_part=started.json()["slot"])
    assert await heard(database) == NOTHING | where
    again = await client.post(API, headers=headers, json=body | TEXTS)
    assert (again.status_code, again.json()["code"]) == (409, "announcement-already-open")
    for _ in range(2):
        ended = await client.post(f"{API}/{started.json()['id']}/end", headers=headers)
        assert (ended.status_code, ended.json()["ended_at"] is None) == (200, False)
    assert await heard(database) == NOTHING
    listed = (await client.get(API, headers=headers)).json()["items"]
    assert [one["id"] for one in listed] == [started.json()["id"]]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 403, "outside-queue-scope"),
        ({"queue": "theirs"}, 403, "outside-queue-scope"),
        ({"queue": "mine"}, 201, None),
        ({"number": "8000"}, 201, None),
        ({"queue": "nowhere"}, 404, "queue-not-found"),
        ({"number": "9999"}, 404, "number-not-found"),
        ({"number": "8000", "queue": "mine"}, 422, "validation-failed"),
    ],
)
async def test_who_may(
    client: httpx.AsyncClient, database: Database, body: dict[str, Any], status: int, code: str | None
) -> None:
    answer = await client.post(API, headers=await lead(database, "mine"), json=body | TEXTS)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    if status == 201:
        path = f"{API}/{answer.json()['id']}/end"
        assert (await client.post(path, headers=await lead(database, "theirs"))).status_code == 403
