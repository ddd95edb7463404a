"""The sample hospital's articles are such as staff could have written."""

from sqlalchemy import func, select

from callcenter.core.db import Database
from callcenter.directory.models import Article
from callcenter.ivr.articles import DatabaseArticles
from callcenter.speech.languages import LANGUAGES
from demo import articles, hospital
from tests.support.audio import given_audio


async def test_every_section_has_something_to_hear_in_both_languages(database: Database) -> None:
    async with database.transaction() as session:
        await hospital.load(
            session, code_key="k" * 32, admin_password="admin of this test", agent_password="agent of this test"
        )
        await articles.load(session)
    await given_audio(database)
    asked = DatabaseArticles(database)
    async with database.transaction() as session:
        rows = await session.execute(select(Article.section, func.count().label("articles")).group_by(Article.section))
        counts = {row.section: row.articles for row in rows}
    assert counts == {"doctors": 4, "hospitals": 2, "care": 3, "advice": 3}
    for language in LANGUAGES:
        page = await asked.list_articles("advice", language, department_id=None, after=None)
        assert len(page.choices) == 3
        departments = await asked.list_departments("doctors", language, after=None)
        assert [one.code for one in departments.choices] == ["card", "gyn", "orth", "paed"]
