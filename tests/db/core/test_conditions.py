"""Conditions on many values: right for any number of them, and one statement for all numbers."""

from sqlalchemy import select

from callcenter.core.conditions import none_of, one_of
from callcenter.core.db import Database
from callcenter.queues.models import Queue
from tests.support.people import given_queue


async def test_as_in_and_not_in(database: Database) -> None:
    async with database.transaction() as session:
        for name in ("consultation", "vip", "complaint"):
            await given_queue(session, name)
        for wanted in ([], ["vip"], ["vip", "complaint", "nowhere"]):
            found = await session.scalars(select(Queue.name).where(one_of(Queue.name, wanted)))
            assert set(found) == {"consultation", "vip", "complaint"} & set(wanted)
            others = await session.scalars(select(Queue.name).where(none_of(Queue.name, wanted)))
            assert set(others) == {"consultation", "vip", "complaint"} - set(wanted)


def test_one_statement_however_many() -> None:
    texts = {str(select(Queue.name).where(one_of(Queue.name, ["x"] * count))) for count in (0, 1, 7)}
    assert len(texts) == 1
