"""Staff write articles: who may, what is refused, what is kept of every change, how far the audio is."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from callcenter.accounts.models import Role
from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from callcenter.directory import articles, queries
from callcenter.directory.models import Department
from callcenter.speech.models import SpokenText
from tests.support.api import as_role, declared_roles
from tests.support.audio import given_audio

API = "/api/v1/articles"

DOCTOR = {
    "section": "doctors",
    "number": 101,
    "doctor_code": "D1",
    "title_zh": "周建国主任医师",
    "title_en": "Doctor Zhou Jianguo",
    "body_zh": "擅长冠心病和高血压的诊治。\n每星期一上午出诊。",
    "body_en": "He treats coronary heart disease. He sees patients on Monday mornings.",
}
ADVICE = {
    "section": "advice",
    "number": 1,
    "title_zh": "高血压患者的饮食",
    "title_en": "What to eat with high blood pressure",
    "body_zh": "每天吃盐不超过5克，多吃蔬菜。CT检查前请咨询医生。",
    "body_en": "No more than five grams of salt a day, and plenty of vegetables.",
}


@pytest.fixture
async def lead(client: httpx.AsyncClient, database: Database) -> dict[str, str]:
    """A supervisor's headers; the directory has two departments and a doctor."""
    hospital = await as_role(database, Role.INTEGRATION)
    for code, name_zh, name_en in (("CARD", "心内科", "Cardiology"), ("PAED", "儿科", "")):
        body = {"name_zh": name_zh, "name_en": name_en}
        await client.put(f"/api/v1/departments/{code}", headers=hospital, json=body)
    await client.put("/api/v1/doctors/D1", headers=hospital, json={"name_zh": "周建国", "department_code": "CARD"})
    return await as_role(database, Role.SUPERVISOR)


async def create(client: httpx.AsyncClient, headers: dict[str, str], **body: Any) -> dict[str, Any]:
    answer = await client.post(API, headers=headers, json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def change(client: httpx.AsyncClient, headers: dict[str, str], article: dict[str, Any], **new: Any) -> Any:
    """PUT what was read, with changes."""
    given = ("number", "doctor_code", "department_code", "title_zh", "title_en", "body_zh", "body_en", "version")
    body = {name: article[name] for name in given} | new
    return await client.put(f"{API}/{article['id']}", headers=headers, json=body)


async def wanted_texts(database: Database) -> dict[tuple[str, str], str]:
    """What shall be spoken, by the last words of the slot and language."""
    async with database.transaction() as session:
        rows = await session.scalars(select(SpokenText))
        return {(row.slot.split(":", 1)[0] + ":" + row.slot.rsplit(":", 1)[1], row.language): row.text for row in rows}


async def test_what_is_written_is_read_and_handed_to_the_voice(
    client: httpx.AsyncClient, database: Database, lead: dict[str, str]
) -> None:
    created = await create(client, lead, **DOCTOR)
    assert {name: created[name] for name in DOCTOR} == DOCTOR
    assert (created["active"], created["version"], created["department_code"]) == (True, 1, None)
    assert created["audio"] == {"zh": "missing", "en": "missing"}
    assert (await client.get(f"{API}/{created['id']}", headers=lead)).json() == created
    assert await wanted_texts(database) == {
        ("article:title", "zh"): DOCTOR["title_zh"],
        ("article:title", "en"): DOCTOR["title_en"],
        ("article:body", "zh"): DOCTOR["body_zh"],
        ("article:body", "en"): DOCTOR["body_en"],
        ("department:name", "zh"): "心内科",
        ("department:name", "en"): "Cardiology",
    }


async def test_every_change_is_kept_and_audited(
    client: httpx.AsyncClient, database: Database, lead: dict[str, str]
) -> None:
    first = await create(client, lead, **ADVICE)
    second = (await change(client, lead, first, body_zh="少吃盐。", number=2)).json()
    assert (second["version"], second["body_zh"], second["number"]) == (2, "少吃盐。", 2)
    same = await change(client, lead, second)
    assert same.json() == second  # nothing new, no version
    off = await client.post(f"{API}/{first['id']}/deactivate", headers=lead, json={"version": 2})
    assert (off.json()["active"], off.json()["version"]) == (False, 3)
    on = await client.post(f"{API}/{first['id']}/activate", headers=lead, json={"version": 3})
    assert (on.json()["active"], on.json()["version"]) == (True, 4)

    kept = (await client.get(f"{API}/{first['id']}/versions", headers=lead)).json()["items"]
    assert [(one["version"], one["number"], one["body_zh"], one["active"]) for one in kept] == [
        (4, 2, "少吃盐。", True),
        (3, 2, "少吃盐。", False),
        (2, 2, "少吃盐。", True),
        (1, 1, ADVICE["body_zh"], True),
    ]
    pages = await client.get(f"{API}/{first['id']}/versions", headers=lead, params={"limit": 3})
    rest = await client.get(
        f"{API}/{first['id']}/versions", headers=lead, params={"limit": 3, "cursor": pages.json()["next_cursor"]}
    )
    assert [one["version"] for one in pages.json()["items"] + rest.json()["items"]] == [4, 3, 2, 1]

    async with database.transaction() as session:
        query = select(AuditEntry).where(AuditEntry.subject_id == first["id"]).order_by(AuditEntry.id)
        entries = (await session.scalars(query)).all()
    assert [(one.action, one.details["version"], one.details["changed"]) for one in entries[1:]] == [
        ("articles.change", 2, ["body_zh", "number"]),
        ("articles.deactivate", 3, ["active"]),
        ("articles.activate", 4, ["active"]),
    ]
    assert entries[0].action == "articles.create"
    assert {one.actor_name for one in entries} == {kept[0]["changed_by"]}


async def test_whoever_saw_an_older_version_changes_nothing(client: httpx.AsyncClient, lead: dict[str, str]) -> None:
    first = await create(client, lead, **ADVICE)
    await change(client, lead, first, body_zh="少吃盐。")
    late = await change(client, lead, first, body_zh="多吃盐。")
    assert (late.status_code, late.json()["code"]) == (409, "article-changed")
    for verb in ("deactivate", "activate"):
        refused = await client.post(f"{API}/{first['id']}/{verb}", headers=lead, json={"version": 1})
        assert (refused.status_code, refused.json()["code"]) == (409, "article-changed")
    assert (await client.get(f"{API}/{first['id']}", headers=lead)).json()["body_zh"] == "少吃盐。"


async def test_a_number_leads_to_one_active_article_of_a_section(
    client: httpx.AsyncClient, lead: dict[str, str]
) -> None:
    first = await create(client, lead, **ADVICE)
    taken = await client.post(API, headers=lead, json=ADVICE)
    assert (taken.status_code, taken.json()["code"]) == (409, "article-number-taken")
    await create(client, lead, **{**ADVICE, "section": "care"})
    other = await create(client, lead, **{**ADVICE, "number": 2})
    moved = await change(client, lead, other, number=1)
    assert (moved.status_code, moved.json()["code"]) == (409, "article-number-taken")
    await client.post(f"{API}/{first['id']}/deactivate", headers=lead, json={"version": 1})
    assert (await change(client, lead, other, number=1)).status_code == 200
    back = await client.post(f"{API}/{first['id']}/activate", headers=lead, json={"version": 2})
    assert (back.status_code, back.json()["code"]) == (409, "article-number-taken")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"title_en": ""}, "validation-failed"),
        ({"body_zh": "   "}, "validation-failed"),
        ({"body_en": None}, "validation-failed"),
        ({"body_zh": "字" * 1001}, "validation-failed"),
        ({"body_en": "a" * 2001}, "validation-failed"),
        ({"title_zh": "字" * 61}, "validation-failed"),
        ({"body_zh": "。。。"}, "invalid-spoken-text"),
        ({"body_zh": "一\u0007二"}, "invalid-spoken-text"),
        ({"number": 0}, "validation-failed"),
        ({"number": 1_000_000}, "validation-failed"),
        ({"section": "rumours"}, "validation-failed"),
        ({"doctor_code": "D404"}, "unknown-doctor"),
        ({"department_code": "NONE"}, "unknown-department"),
        ({"doctor_code": "D1", "department_code": "CARD"}, "validation-failed"),
    ],
)
async def test_what_cannot_be_spoken_or_found_is_refused(
    client: httpx.AsyncClient, lead: dict[str, str], body: dict[str, Any], code: str
) -> None:
    answer = await client.post(API, headers=lead, json=ADVICE | body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert (await client.get(API, headers=lead)).json()["items"] == []


async def test_lists_and_search(client: httpx.AsyncClient, database: Database, lead: dict[str, str]) -> None:
    await create(client, lead, **DOCTOR)
    salt = await create(client, lead, **ADVICE)
    await create(client, lead, **{**ADVICE, "number": 10, "title_zh": "100%_", "body_zh": "流感", "body_en": "flu"})
    gone = await create(client, lead, **{**ADVICE, "number": 3})
    await client.post(f"{API}/{gone['id']}/deactivate", headers=lead, json={"version": 1})
    agent = await as_role(database, Role.AGENT)

    async def listed(**query: Any) -> list[tuple[str, int]]:
        answer = await client.get(API, headers=agent, params=query)
        return [(one["section"], one["number"]) for one in answer.json()["items"]]

    async def found(text: str, **more: Any) -> list[tuple[str, int]]:
        answer = await client.post(f"{API}/search", headers=agent, json={"text": text, **more})
        assert answer.status_code == 200, answer.text
        return [(one["section"], one["number"]) for one in answer.json()["items"]]

    assert await listed() == [("advice", 1), ("advice", 3), ("advice", 10), ("doctors", 101)]
    assert await listed(section="advice", active=True) == [("advice", 1), ("advice", 10)]
    assert await listed(active=False) == [("advice", 3)]
    assert await found("高血压") == [("advice", 1), ("doctors", 101)]
    assert await found("高血压", section="doctors") == [("doctors", 101)]
    assert await found("血压 蔬菜") == [("advice", 1)]
    assert await found("VEGETABLES salt") == [("advice", 1)]
    assert await found("ct") == [("advice", 1)]  # no word of "doctor" begins so
    assert await found("%_") == [("advice", 10)]
    assert await found("流感 salt") == []
    first = (await client.post(f"{API}/search", headers=agent, json={"text": "高血压", "limit": 1})).json()
    assert [one["id"] for one in first["items"]] == [salt["id"]]
    assert await found("高血压", limit=1, cursor=first["next_cursor"]) == [("doctors", 101)]
    for cursor in ("x", "WzFd", "W10"):
        refused = await client.get(API, headers=agent, params={"cursor": cursor})
        assert refused.json()["code"] == "invalid-cursor"


async def test_how_far_the_audio_is(client: httpx.AsyncClient, database: Database, lead: dict[str, str]) -> None:
    article = await create(client, lead, **ADVICE)

    async def shown() -> dict[str, str]:
        states: dict[str, str] = (await client.get(f"{API}/{article['id']}", headers=lead)).json()["audio"]
        return states

    await given_audio(database, language="zh", final=False)
    assert await shown() == {"zh": "fall_back", "en": "missing"}
    await given_audio(database)
    assert await shown() == {"zh": "ready", "en": "ready"}
    await change(client, lead, article, body_en="Less salt.")
    assert await shown() == {"zh": "ready", "en": "previous"}
    parts = (await client.get(f"{API}/{article['id']}/audio", headers=lead)).json()
    assert [(one["part"], one["language"], one["state"]) for one in parts] == [
        ("title", "zh", "ready"),
        ("title", "en", "ready"),
        ("body", "zh", "ready"),
        ("body", "en", "previous"),
    ]
    assert parts[0]["seconds"] == len("高血压患者的饮食")  # as given_audio makes it


async def test_articles_of_a_doctor_follow_the_doctor(
    client: httpx.AsyncClient, database: Database, lead: dict[str, str]
) -> None:
    article = await create(client, lead, **DOCTOR)
    hospital = await as_role(database, Role.INTEGRATION)
    await client.put("/api/v1/doctors/D1", headers=hospital, json={"name_zh": "周建国", "department_code": "PAED"})
    texts = await wanted_texts(database)
    assert texts[("department:name", "zh")] == "儿科"
    async with database.transaction() as session:
        moved = await articles.get_article(session, UUID(article["id"]))
        paed = await queries.find_entry(session, Department, "PAED")
    assert paed is not None
    assert moved.department_id == paed.id
    # a department that callers choose by name is spoken anew when its name changes; another is not
    await client.put("/api/v1/departments/PAED", headers=hospital, json={"name_zh": "儿童科", "name_en": "Children"})
    await client.put("/api/v1/departments/GYN", headers=hospital, json={"name_zh": "妇科", "name_en": ""})
    async with database.transaction() as session:
        rows = await session.scalars(select(SpokenText.text).where(SpokenText.slot == f"department:{paed.id}:name"))
        assert sorted(rows) == ["Children", "儿童科"]
        everything = await session.scalars(select(SpokenText.text))
        assert "妇科" not in set(everything)


async def test_who_may_do_what(client: httpx.AsyncClient) -> None:
    declared = await declared_roles(client, "articles_")
    everybody = sorted(role.value for role in Role)
    writers = ["admin", "supervisor"]
    assert declared == {
        "articles_list_articles": everybody,
        "articles_search_articles": everybody,
        "articles_get_article": everybody,
        "articles_list_article_versions": everybody,
        "articles_get_article_audio": everybody,
        "articles_create_article": writers,
        "articles_change_article": writers,
        "articles_deactivate_article": writers,
        "articles_activate_article": writers,
    }
