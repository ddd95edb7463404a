"""Where a respondent stands, after each attempt and at the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.campaigns.models import CONVERSATIONS, ContactResult, Outcome
from callcenter.campaigns.respondents import Status, after_attempt, at_the_end


@pytest.mark.parametrize(
    ("before", "outcome", "after"),
    [
        (Status.REGISTERED, Outcome.BUSY, Status.REGISTERED),
        (Status.REGISTERED, Outcome.UNKNOWN, Status.REGISTERED),
        (Status.REGISTERED, Outcome.MACHINE, Status.REGISTERED),
        (Status.REGISTERED, Outcome.HUNG_UP_EARLY, Status.CONTACTED),
        (Status.CONTACTED, Outcome.BUSY, Status.CONTACTED),
        (Status.STARTED, Outcome.HUNG_UP_EARLY, Status.STARTED),
        (Status.STARTED, Outcome.NO_ANSWER, Status.STARTED),
        (Status.STARTED, Outcome.COMPLETED, Status.COMPLETED),
        (Status.STARTED, Outcome.OPTED_OUT, Status.REFUSED),
        (Status.REGISTERED, Outcome.OPTED_OUT, Status.REFUSED),
    ],
)
def test_after_an_attempt(before: Status, outcome: Outcome, after: Status) -> None:
    assert after_attempt(before, outcome) is after


@pytest.mark.parametrize(
    ("before", "result", "after"),
    [
        (Status.REGISTERED, ContactResult.UNREACHABLE, Status.UNREACHABLE),
        (Status.REGISTERED, ContactResult.FAILED, Status.FAILED),
        (Status.REGISTERED, ContactResult.UNKNOWN, Status.FAILED),
        (Status.REGISTERED, ContactResult.REFUSED, Status.REFUSED),
        (Status.REGISTERED, ContactResult.REACHED, Status.COMPLETED),
        (Status.CONTACTED, ContactResult.UNREACHABLE, Status.BREAKOFF),
        (Status.STARTED, ContactResult.UNREACHABLE, Status.PARTIAL),
        (Status.STARTED, ContactResult.UNKNOWN, Status.PARTIAL),
        (Status.STARTED, ContactResult.FAILED, Status.PARTIAL),
        (Status.STARTED, ContactResult.WITHDRAWN, Status.PARTIAL),
        (Status.CONTACTED, ContactResult.WITHDRAWN, Status.BREAKOFF),
        (Status.REGISTERED, ContactResult.WITHDRAWN, Status.REGISTERED),
    ],
)
def test_at_the_end(before: Status, result: ContactResult, after: Status) -> None:
    assert at_the_end(before, result) is after


@given(st.lists(st.sampled_from(sorted(set(Outcome) - {Outcome.COMPLETED})), min_size=1))
def test_a_survey_that_was_dropped_is_never_complete(outcomes: list[Outcome]) -> None:
    status = Status.STARTED
    for outcome in outcomes:
        status = after_attempt(status, outcome)
        assert status in (Status.STARTED, Status.REFUSED)
        if outcome is Outcome.OPTED_OUT:
            return
    for result in set(ContactResult) - {ContactResult.REACHED}:
        assert at_the_end(status, result) in (Status.PARTIAL, Status.REFUSED)


def test_who_took_the_receiver_off_was_contacted() -> None:
    for outcome in Outcome:
        status = after_attempt(Status.REGISTERED, outcome)
        assert (status is Status.REGISTERED) == (outcome not in CONVERSATIONS)
