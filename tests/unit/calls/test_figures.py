"""The identity of domain.md, over any visits whatever."""

from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls.figures import VisitFigures, summarise

OUTCOMES = ("answered", "abandoned", "overflowed", "moved", "lost", "open")
VISITS = st.lists(
    st.builds(
        VisitFigures,
        outcome=st.sampled_from(OUTCOMES),
        wait_seconds=st.integers(0, 40_000_000).map(lambda microseconds: microseconds / 1e6),
        talk_seconds=st.integers(0, 900_000_000).map(lambda microseconds: microseconds / 1e6),
        rating=st.none() | st.integers(1, 5),
    ),
    max_size=40,
)


@given(VISITS, VISITS)
def test_identity_holds_and_periods_add_up(first: list[VisitFigures], second: list[VisitFigures]) -> None:
    limits = {"service_level_seconds": 20, "short_abandon_seconds": 5}
    whole = summarise(first + second, **limits)
    assert whole.offered == len(first) + len(second)
    assert whole.offered == sum(getattr(whole, outcome) for outcome in OUTCOMES)
    parts = [summarise(part, **limits) for part in (first, second)]
    counts = ("short_abandoned", "answered_in_time", "wait_microseconds", "talk_microseconds", "rated", "rating_sum")
    for name in ("offered", *OUTCOMES, *counts):
        assert getattr(whole, name) == sum(getattr(part, name) for part in parts), name
    assert whole.longest_wait_microseconds == max(part.longest_wait_microseconds for part in parts)
    assert whole.service_level is None or 0 <= whole.service_level <= 1


def test_service_level_as_defined() -> None:
    """Answered within N seconds / (offered - abandoned within the short-abandon limit)."""
    visits = [
        VisitFigures("answered", 20.0, 60.0),  # in time: the limit itself counts
        VisitFigures("answered", 20.000001, 30.0),
        VisitFigures("abandoned", 5.0, 0.0),  # short
        VisitFigures("abandoned", 5.000001, 0.0),
        VisitFigures("overflowed", 600.0, 0.0),
        VisitFigures("open", 0.0, 0.0),
    ]
    figures = summarise(visits, service_level_seconds=20, short_abandon_seconds=5)
    assert (figures.answered_in_time, figures.short_abandoned, figures.offered) == (1, 1, 6)
    assert figures.service_level == 1 / 5
    assert figures.longest_wait_seconds == 600
    assert figures.average_talk_seconds == 45
    assert figures.average_wait_seconds == 650.000002 / 5


def test_marks() -> None:
    visits = [VisitFigures("answered", 1.0, 1.0, rating) for rating in (5, 4, None, 1)]
    figures = summarise(visits, service_level_seconds=20, short_abandon_seconds=5)
    assert (figures.rated, figures.rating_sum, figures.average_rating) == (3, 10, 10 / 3)
    assert summarise([], service_level_seconds=20, short_abandon_seconds=5).average_rating is None


def test_of_nothing() -> None:
    figures = summarise([], service_level_seconds=20, short_abandon_seconds=5)
    assert (figures.offered, figures.service_level, figures.average_wait_seconds) == (0, None, None)
    assert (figures.longest_wait_seconds, figures.average_talk_seconds) == (0, None)
