"""A running call waits for the database one second at most, whatever state the database is in."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from callcenter.core.db import CONNECTION_FAULTS, answer_within
from callcenter.ivr.errors import DatabaseAway

QUERY_LIMIT_SECONDS = 1.0

_AWAY = (*CONNECTION_FAULTS, SQLAlchemyError)

T = TypeVar("T")


async def limited(query: Coroutine[Any, Any, T]) -> T:
    """The result of ``query``. Raises :class:`DatabaseAway` when it fails or takes longer than the limit.

    The error names only its type: a query's parameters are a patient's data.
    """
    try:
        return await answer_within(QUERY_LIMIT_SECONDS, query)
    except TimeoutError:
        raise DatabaseAway("no answer within the limit") from None
    except _AWAY as error:
        raise DatabaseAway(type(error).__name__) from None
