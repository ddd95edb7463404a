"""What comes after a try."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.messaging.models import Channel, MessageState
from callcenter.messaging.retry_policy import GIVE_UP_AFTER, LONGEST_PAUSE, Following, Outcome, after_try

T0 = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "channel", "state"),
    [
        (Outcome.TAKEN, Channel.MAIL, MessageState.SENT),
        (Outcome.TAKEN, Channel.WEBHOOK, MessageState.SENT),
        (Outcome.REFUSED, Channel.MAIL, MessageState.FAILED),
        (Outcome.REFUSED, Channel.WEBHOOK, MessageState.FAILED),
        (Outcome.NO_ANSWER, Channel.MAIL, MessageState.UNKNOWN),
        (Outcome.NO_ANSWER, Channel.SMS, MessageState.UNKNOWN),
        (Outcome.NOT_NOW, Channel.SMS, MessageState.PENDING),
        (Outcome.TOO_LATE, Channel.SMS, MessageState.EXPIRED),
        (Outcome.NO_ANSWER, Channel.WEBHOOK, MessageState.PENDING),
        (Outcome.NOT_NOW, Channel.MAIL, MessageState.PENDING),
        (Outcome.NOT_NOW, Channel.WEBHOOK, MessageState.PENDING),
    ],
)
def test_a_try(outcome: Outcome, channel: Channel, state: MessageState) -> None:
    following = after_try(outcome, channel, attempts=1, created_at=T0, at=T0)
    assert following.state is state
    assert (following.due_at is not None) == (state is MessageState.PENDING)


def test_later_and_later_for_a_day() -> None:
    at, attempts, pauses = T0, 0, []
    while True:
        attempts += 1
        following = after_try(Outcome.NOT_NOW, Channel.MAIL, attempts=attempts, created_at=T0, at=at)
        if following.due_at is None:
            break
        pauses.append((following.due_at - at).total_seconds())
        at = following.due_at
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE.total_seconds()
    assert following == Following(MessageState.GIVEN_UP)
    assert GIVE_UP_AFTER - LONGEST_PAUSE < at - T0 <= GIVE_UP_AFTER
    assert attempts < 120


def test_none_is_tried_when_its_time_is_over() -> None:
    for seconds, state in ((4, MessageState.EXPIRED), (5, MessageState.EXPIRED), (6, MessageState.PENDING)):
        expires_at = T0 + timedelta(seconds=seconds)
        following = after_try(Outcome.NOT_NOW, Channel.MAIL, attempts=1, created_at=T0, at=T0, expires_at=expires_at)
        assert following.state is state, seconds


@given(st.sampled_from(Outcome), st.sampled_from(Channel), st.integers(1, 10_000), st.floats(0, 10**6))
def test_it_ends_and_nobody_reads_twice_after_a_lost_answer(
    outcome: Outcome, channel: Channel, attempts: int, age_seconds: float
) -> None:
    at = T0 + timedelta(seconds=age_seconds)
    following = after_try(outcome, channel, attempts=attempts, created_at=T0, at=at)
    if following.due_at is not None:
        assert at < following.due_at <= T0 + GIVE_UP_AFTER
        assert outcome is not Outcome.NO_ANSWER or channel is Channel.WEBHOOK
