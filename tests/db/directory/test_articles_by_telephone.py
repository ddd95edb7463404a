"""What a telephone asks of the articles, on a real database; and that it stays quick when there are many."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import ClauseElement, event, insert, text

from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.directory import article_queries, articles, service
from callcenter.directory.articles import ArticleContent, Section
from callcenter.directory.models import Article, Department
from callcenter.ivr.articles import DatabaseArticles
from callcenter.ivr.errors import DatabaseAway
from tests.support.audio import given_audio


async def given_articles(database: Database, section: Section, *numbers: int, department: str | None = None) -> None:
    async with database.transaction() as session:
        for number in numbers:
            await articles.create_article(
                session,
                SYSTEM,
                section,
                ArticleContent(
                    number=number,
                    doctor_code=None,
                    department_code=department,
                    title_zh=f"题目{number}",
                    title_en=f"Title {number}",
                    body_zh="内容。" * number,
                    body_en="Body.",
                ),
            )


async def given_department(database: Database, code: str, name_zh: str, name_en: str = "") -> UUID:
    async with database.transaction() as session:
        department, _ = await service.put_department(session, SYSTEM, code, name_zh=name_zh, name_en=name_en)
        return department.id


async def test_an_article_is_found_by_its_number_once_both_parts_are_spoken(database: Database) -> None:
    asked = DatabaseArticles(database)
    await given_articles(database, "advice", 7)
    assert await asked.find_by_number("advice", 7, "zh") is None  # never silence
    await given_audio(database, slot_part=":title", language="zh")
    assert await asked.find_by_number("advice", 7, "zh") is None
    await given_audio(database, language="zh")
    found = await asked.find_by_number("advice", 7, "zh")
    assert found is not None
    assert (found.title.seconds, found.body.seconds) == (3, 21)  # as given_audio makes them
    assert found.title.file != found.body.file
    assert await asked.find_by_number("advice", 7, "en") is None
    assert await asked.find_by_number("care", 7, "zh") is None
    assert await asked.find_by_number("advice", 8, "zh") is None


async def test_a_changed_text_keeps_its_audio_until_the_new_one_is_ready_and_an_inactive_one_is_gone(
    database: Database,
) -> None:
    asked = DatabaseArticles(database)
    await given_articles(database, "advice", 1)
    await given_audio(database)
    before = await asked.find_by_number("advice", 1, "zh")
    assert before is not None
    async with database.transaction() as session:
        content = ArticleContent(1, None, None, "题目", "Title", "新的内容。", "New.")
        await articles.change_article(session, SYSTEM, before.id, content, version=1)
    assert await asked.find_by_number("advice", 1, "zh") == before
    await given_audio(database, slot_part=":body")
    after = await asked.find_by_number("advice", 1, "zh")
    assert after is not None
    assert (after.title, after.body.seconds) == (before.title, 5)
    async with database.transaction() as session:
        await articles.set_active(session, SYSTEM, before.id, False, version=2)
    assert await asked.find_by_number("advice", 1, "zh") is None
    assert (await asked.list_articles("advice", "zh", department_id=None, after=None)).choices == ()


async def test_a_list_comes_page_by_page_without_what_cannot_be_heard(database: Database) -> None:
    asked = DatabaseArticles(database)
    await given_articles(database, "care", *range(40, 0, -1))
    await given_audio(database)
    await given_articles(database, "care", *range(101, 131))  # not spoken yet: more than are read at a time
    await given_articles(database, "care", 200)
    await given_audio(database, language="en")
    first = await asked.list_articles("care", "zh", department_id=None, after=None)
    assert ([one.number for one in first.choices], first.more) == ([1, 2, 3, 4, 5, 6, 7], True)
    last = await asked.list_articles("care", "zh", department_id=None, after=35)
    assert ([one.number for one in last.choices], last.more) == ([36, 37, 38, 39, 40], False)
    english = await asked.list_articles("care", "en", department_id=None, after=127)
    assert ([one.number for one in english.choices], english.more) == ([128, 129, 130, 200], False)


async def test_what_is_spoken_behind_many_that_are_not_is_found(database: Database) -> None:
    asked = DatabaseArticles(database)
    await given_articles(database, "care", *range(2, 60))
    await given_articles(database, "care", 90)
    async with database.transaction() as session:
        found = await session.scalar(article_queries.active_article("care", 90))
    await given_audio(database, slot_part=str(found))
    page = await asked.list_articles("care", "zh", department_id=None, after=None)
    assert ([one.number for one in page.choices], page.more) == ([90], False)


async def test_departments_that_have_articles_and_theirs(database: Database) -> None:
    asked = DatabaseArticles(database)
    heart = await given_department(database, "CARD", "心内科", "Cardiology")
    children = await given_department(database, "PAED", "儿科", "-")
    await given_department(database, "GYN", "妇科")
    await given_articles(database, "doctors", 101, 103, department="CARD")
    await given_articles(database, "doctors", 102, department="PAED")
    await given_articles(database, "advice", 1, department="GYN")
    await given_audio(database)
    page = await asked.list_departments("doctors", "zh", after=None)
    assert ([(one.id, one.code) for one in page.choices], page.more) == ([(heart, "CARD"), (children, "PAED")], False)
    english = await asked.list_departments("doctors", "en", after=None)
    assert [one.title.seconds for one in english.choices] == [len("Cardiology"), len("儿科")]
    assert english.choices[1].title == page.choices[1].title  # no English name: the Chinese one
    assert [one.code for one in (await asked.list_departments("doctors", "zh", after="CARD")).choices] == ["PAED"]
    theirs = await asked.list_articles("doctors", "zh", department_id=heart, after=None)
    assert [one.number for one in theirs.choices] == [101, 103]


async def test_a_database_that_is_away_is_said_to_be(database_url: str) -> None:
    nowhere = Database(database_url.rsplit("/", 1)[0] + "/there_is_no_such_database")
    asked = DatabaseArticles(nowhere)
    with pytest.raises(DatabaseAway):
        await asked.find_by_number("advice", 1, "zh")
    with pytest.raises(DatabaseAway):
        await asked.list_articles("advice", "zh", department_id=None, after=None)
    with pytest.raises(DatabaseAway):
        await asked.list_departments("doctors", "zh", after=None)
    await nowhere.close()


# -- many


async def given_many(database: Database, *, departments: int, articles_each: int) -> list[UUID]:
    async with database.transaction() as session:
        rows = [{"id": new_id(), "code": f"K{n:04d}", "name_zh": f"科{n}"} for n in range(departments)]
        await session.execute(insert(Department), rows)
        many = [
            {
                "section": "doctors",
                "number": 1 + n,
                "department_id": rows[n % departments]["id"],
                "title_zh": f"医生{n}",
                "title_en": f"Doctor {n}",
                "body_zh": "门诊时间。" * 40,
                "body_en": "Hours. " * 80,
                "updated_by": "test",
                "updated_at": now(),
            }
            for n in range(departments * articles_each)
        ]
        await session.execute(insert(Article), many)
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE"))
    return [UUID(str(row["id"])) for row in rows]


def nodes_of(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(how, table) of every table that a plan reads."""
    if "Relation Name" in plan:
        yield plan["Node Type"], plan["Relation Name"]
    for child in plan.get("Plans", []):
        yield from nodes_of(child)


async def plan_of(database: Database, statement: ClauseElement) -> list[tuple[str, str]]:
    compiled = statement.compile(database.engine.sync_engine, compile_kwargs={"literal_binds": True})
    async with database.transaction() as session:
        plan = await session.scalar(text(f"EXPLAIN (FORMAT JSON) {compiled}".replace(":", "\\:")))
    plan = json.loads(plan) if isinstance(plan, str) else plan
    return list(nodes_of(plan[0]["Plan"]))


async def test_among_five_thousand_articles_nothing_is_scanned(database: Database) -> None:
    departments = await given_many(database, departments=100, articles_each=50)
    for statement in (
        article_queries.active_article("doctors", 4711),
        article_queries.active_articles("doctors", department_id=None, after=4000, limit=24),
        article_queries.active_articles("doctors", department_id=departments[7], after=100, limit=24),
        article_queries.departments_with_articles("doctors", after="K0050", limit=24),
    ):
        nodes = await plan_of(database, statement)
        assert "articles" in {table for _, table in nodes}
        assert [node for node in nodes if node[1] == "articles" and "Seq" in node[0]] == [], nodes


async def test_a_question_costs_two_statements(database: Database) -> None:
    await given_articles(database, "care", *range(1, 20))
    await given_audio(database)
    asked = DatabaseArticles(database)
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    await asked.list_articles("care", "zh", department_id=None, after=None)
    assert len(statements) == 2
    statements.clear()
    await asked.find_by_number("care", 3, "zh")
    assert len(statements) == 2
