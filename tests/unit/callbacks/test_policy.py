"""Who is called back, what an attempt came to, and when the next one is."""

from datetime import timedelta

import pytest

from callcenter.callbacks.models import CallbackState
from callcenter.callbacks.policy import MAX_TRIES, Dial, decide_next, may_be_called_back, outcome_of


@pytest.mark.parametrize("number", ["+8613800000001", "+8657188888888", "+8617000000000", "+861012345678"])
def test_mobile_and_landline_numbers_of_the_country_are_called(number: str) -> None:
    assert may_be_called_back(number, "CN")


@pytest.mark.parametrize(
    "number",
    [
        "+12125550123",
        "+85221234567",
        "+882991234567",  # satellite: dear
        "+864008001234",  # shared cost
        "+868001234567",  # free phone
        "+86110",
        "+86120",
        "+8612345",
        "+8695588",
        "+861691234567",
        "110",
        "",
        "+",
        "+86138000000010000",
        "8613800000001@example.org",
    ],
)
def test_no_other_number_is(number: str) -> None:
    assert not may_be_called_back(number, "CN")


def dial(status: str | None, cause: int | None = None, **values: object) -> Dial:
    facts: dict[str, object] = {"dialled": True, "talked": False, "hung_up_by": None} | values
    return Dial(status=status, cause=cause, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (dial("ANSWER", 16, talked=True), "completed"),
        (dial(None, talked=True), "completed"),  # Asterisk died while they talked
        (dial("ANSWER", 16, hung_up_by="caller"), "hung_up_early"),
        (dial("ANSWER", 16, hung_up_by="agent"), "abandoned_by_us"),
        (dial("BUSY", 17), "busy"),
        (dial("BUSY", 21), "rejected"),
        (dial("NOANSWER", 19), "no_answer"),
        (dial("NOANSWER", 0), "no_answer"),
        (dial("CHANUNAVAIL", 1), "invalid_number"),
        (dial("CHANUNAVAIL", 20), "unreachable"),
        (dial("CONGESTION", 34), "network_failure"),
        (dial("CHANUNAVAIL", None), "unreachable"),
        (dial("CANCEL", 0), "abandoned_by_us"),
        (dial("", None), "not_placed"),
        (dial(None), "unknown"),
        (dial(None, dialled=False), "not_placed"),
    ],
)
def test_what_an_attempt_came_to(facts: Dial, outcome: str) -> None:
    assert outcome_of(facts) == outcome


@pytest.mark.parametrize("outcome", ["busy", "no_answer", "unreachable", "hung_up_early", "abandoned_by_us"])
def test_three_tries(outcome: str) -> None:
    for tries in range(1, MAX_TRIES):
        coming = decide_next(outcome, tries)
        assert coming.state is CallbackState.WAITING
        assert coming.after
        assert coming.after >= timedelta(minutes=1)
    assert decide_next(outcome, MAX_TRIES).state is CallbackState.FAILED


@pytest.mark.parametrize("outcome", ["not_placed", "network_failure"])
def test_what_the_patient_did_not_hear_is_no_try(outcome: str) -> None:
    assert decide_next(outcome, MAX_TRIES + 5).state is CallbackState.WAITING


@pytest.mark.parametrize("outcome", ["invalid_number", "rejected", "a word of a later version"])
def test_some_ends_are_final(outcome: str) -> None:
    assert decide_next(outcome, 1).state is CallbackState.FAILED


def test_an_uncertain_dial_is_never_repeated_by_itself() -> None:
    assert decide_next("unknown", 1).state is CallbackState.UNKNOWN
    assert decide_next("unknown", 1).after is None
    assert decide_next("completed", 1).state is CallbackState.COMPLETED
