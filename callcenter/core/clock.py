"""The time, in one place, so that tests can turn it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the present as an aware UTC datetime."""


def now() -> datetime:
    """The present, aware, UTC."""
    return datetime.now(UTC)
