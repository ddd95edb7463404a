"""What follows an attempt: tables, and whole lives of contacts against a telephone network that does anything."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.calendar.policy import DayFact
from callcenter.campaigns.models import Channel, ContactResult, Outcome
from callcenter.campaigns.retry_policy import OURS, Finish, Past, Reach, Try, decide
from callcenter.campaigns.rules import RetryRule, RetryRules, Windows
from callcenter.campaigns.windows import CallingHours, calling_hours

T0 = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, ten in the morning in Shanghai."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
NUMBERS = ("+8613800000001", "+8613800000002", "+8613800000003")
FINAL = frozenset({Outcome.COMPLETED, Outcome.OPTED_OUT, Outcome.UNKNOWN})
MESSAGES = frozenset({Outcome.SENT, Outcome.DELIVERED, Outcome.BOUNCED})
DIALLED = sorted(set(Outcome) - MESSAGES)
ALWAYS = calling_hours(Windows(week=(("00:00-24:00",),) * 7, on_holidays=True), SHANGHAI, lambda _day: None)
HALF = 0.5


def reach(
    *numbers: str,
    channels: tuple[Channel, ...] = (Channel.TELEPHONE,),
    hours: CallingHours = ALWAYS,
    days: float = 365,
) -> Reach:
    return Reach(channels, numbers or NUMBERS[:1], hours, T0 + timedelta(days=days))


def dialled(*outcomes: Outcome, number: str = NUMBERS[0]) -> list[Past]:
    """One dial a day of the same number, the last at T0."""
    first = T0 - timedelta(days=len(outcomes) - 1)
    return [
        Past(Channel.TELEPHONE, number, outcome, first + timedelta(days=day)) for day, outcome in enumerate(outcomes)
    ]


class TestTables:
    @pytest.mark.parametrize(
        ("outcome", "result"),
        [
            (Outcome.COMPLETED, ContactResult.REACHED),
            (Outcome.OPTED_OUT, ContactResult.REFUSED),
            (Outcome.UNKNOWN, ContactResult.UNKNOWN),
        ],
    )
    def test_these_are_never_tried_again_by_any_channel(self, outcome: Outcome, result: ContactResult) -> None:
        everything = reach(*NUMBERS, channels=tuple(Channel))
        assert decide(dialled(outcome), RetryRules(), everything, luck=HALF) == Finish(result, outcome)
        with pytest.raises(ValidationError, match="never tried again"):
            RetryRules(after={outcome: RetryRule()})

    @pytest.mark.parametrize(
        ("outcome", "minutes", "number"),
        [
            (Outcome.BUSY, 5, 0),
            (Outcome.UNREACHABLE, 60, 1),
            (Outcome.INVALID_NUMBER, 0, 1),
            (Outcome.WRONG_PERSON, 60, 1),
            (Outcome.REJECTED, 1440, 0),
            (Outcome.HUNG_UP_EARLY, 1440, 0),
            (Outcome.ANSWERED_NO_INPUT, 1440, 0),
            (Outcome.ABANDONED_BY_US, 1440, 0),
            (Outcome.NETWORK_FAILURE, 5, 0),
            (Outcome.NOT_PLACED, 1, 0),
        ],
    )
    def test_the_rules_that_are_shipped(self, outcome: Outcome, minutes: int, number: int) -> None:
        coming = decide(dialled(outcome), RetryRules(), reach(*NUMBERS[:2]), luck=HALF)
        assert coming == Try(T0 + timedelta(minutes=minutes), Channel.TELEPHONE, number, outcome)

    @pytest.mark.parametrize("outcome", [Outcome.NO_ANSWER, Outcome.MACHINE])
    def test_nobody_there_in_the_morning_is_tried_in_the_afternoon(self, outcome: Outcome) -> None:
        coming = decide(dialled(outcome), RetryRules(), reach(), luck=HALF)
        assert coming == Try(T0 + timedelta(hours=2), Channel.TELEPHONE, 0, outcome)

    def test_no_other_part_of_the_day_is_open_so_any(self) -> None:
        mornings = calling_hours(Windows(week=(("09:00-12:00",),) * 7), SHANGHAI, lambda _day: None)
        coming = decide(dialled(Outcome.NO_ANSWER), RetryRules(), reach(hours=mornings), luck=HALF)
        assert coming == Try(T0 + timedelta(hours=1), Channel.TELEPHONE, 0, Outcome.NO_ANSWER)

    def test_a_growing_distance_with_spread(self) -> None:
        rule = RetryRule(times=20, after_minutes=10, growth=2, spread_percent=20)
        rules = RetryRules(most_attempts=30, most_per_number=30, after={Outcome.BUSY: rule})
        for times, minutes in enumerate((10, 20, 40, 80), 1):
            for luck, share in ((0, 0.8), (0.5, 1), (0.75, 1.1)):
                coming = decide(dialled(*[Outcome.BUSY] * times), rules, reach(), luck=luck)
                assert isinstance(coming, Try)
                assert coming.at - T0 == timedelta(minutes=minutes * share)

    def test_one_retry_allowed_is_one_retry_made(self) -> None:
        rules = RetryRules(after={Outcome.BUSY: RetryRule(times=1)})
        assert isinstance(decide(dialled(Outcome.BUSY), rules, reach(), luck=HALF), Try)
        twice = decide(dialled(Outcome.BUSY, Outcome.BUSY), rules, reach(), luck=HALF)
        assert twice == Finish(ContactResult.UNREACHABLE, Outcome.BUSY)

    def test_the_budgets_of_two_outcomes_do_not_add_up_beyond_the_contact_s(self) -> None:
        history = dialled(Outcome.BUSY, Outcome.NO_ANSWER, Outcome.BUSY)
        assert decide(history, RetryRules(), reach(), luck=HALF) == Finish(ContactResult.UNREACHABLE, Outcome.BUSY)

    def test_what_was_not_our_person_s_telephone_leaves_the_attempts_alone(self) -> None:
        history = dialled(Outcome.NOT_PLACED, Outcome.NETWORK_FAILURE, Outcome.NOT_PLACED, Outcome.BUSY)
        assert isinstance(decide(history, RetryRules(), reach(), luck=HALF), Try)

    def test_but_has_its_own_budget(self) -> None:
        assert isinstance(decide(dialled(*[Outcome.NOT_PLACED] * 11), RetryRules(), reach(), luck=HALF), Finish)

    def test_all_numbers_are_dead(self) -> None:
        history = dialled(Outcome.INVALID_NUMBER)
        assert decide(history, RetryRules(), reach(), luck=HALF) == Finish(ContactResult.FAILED, Outcome.INVALID_NUMBER)
        history += dialled(Outcome.WRONG_PERSON, number=NUMBERS[1])
        finish = decide(history, RetryRules(), reach(*NUMBERS[:2]), luck=HALF)
        assert finish == Finish(ContactResult.FAILED, Outcome.WRONG_PERSON)

    def test_the_next_number_after_the_last_is_the_first_that_is_alive(self) -> None:
        history = [
            *dialled(Outcome.INVALID_NUMBER),
            *dialled(Outcome.UNREACHABLE, number=NUMBERS[1]),
            *dialled(Outcome.UNREACHABLE, number=NUMBERS[2]),
        ]
        coming = decide(history, RetryRules(most_attempts=10), reach(*NUMBERS), luck=HALF)
        assert isinstance(coming, Try)
        assert coming.number == 1

    def test_a_number_that_may_not_be_dialled_is_passed_over(self) -> None:
        everything = replace(reach(*NUMBERS), refused={NUMBERS[1]})
        coming = decide(dialled(Outcome.UNREACHABLE), RetryRules(), everything, luck=HALF)
        assert isinstance(coming, Try)
        assert coming.number == 2
        both = replace(reach(*NUMBERS[:2]), refused={NUMBERS[1]})
        coming = decide(dialled(Outcome.UNREACHABLE), RetryRules(), both, luck=HALF)
        assert isinstance(coming, Try)
        assert coming.number == 0
        by_text = replace(reach(*NUMBERS[:2], channels=(Channel.TELEPHONE, Channel.SMS)), refused={NUMBERS[0]})
        coming = decide(dialled(Outcome.NO_ANSWER), RetryRules(most_attempts=1), by_text, luck=HALF)
        assert coming == Try(T0, Channel.SMS, 1, Outcome.NO_ANSWER)

    def test_a_number_that_was_taken_away_meanwhile(self) -> None:
        coming = decide(dialled(Outcome.BUSY, number="+8613900000009"), RetryRules(), reach(*NUMBERS), luck=HALF)
        assert isinstance(coming, Try)
        assert coming.number == 0

    def test_a_message_when_the_telephone_does_not_reach_them(self) -> None:
        both = reach(channels=(Channel.TELEPHONE, Channel.EMAIL))
        rules = RetryRules(most_attempts=1)
        coming = decide(dialled(Outcome.NO_ANSWER), rules, both, luck=HALF)
        assert coming == Try(T0, Channel.EMAIL, 0, Outcome.NO_ANSWER)
        history = [*dialled(Outcome.NO_ANSWER), Past(Channel.EMAIL, "a@example.org", Outcome.BOUNCED, T0)]
        assert decide(history, rules, both, luck=HALF) == Finish(ContactResult.UNREACHABLE, Outcome.BOUNCED)

    def test_the_telephone_after_a_message_waits_for_its_hours(self) -> None:
        afternoons = calling_hours(Windows(week=(("14:00-15:00",),) * 7), SHANGHAI, lambda _day: None)
        history = [Past(Channel.EMAIL, "a@example.org", Outcome.BOUNCED, T0)]
        coming = decide(
            history, RetryRules(), reach(channels=(Channel.EMAIL, Channel.TELEPHONE), hours=afternoons), luck=HALF
        )
        assert coming == Try(T0 + timedelta(hours=4), Channel.TELEPHONE, 0, Outcome.BOUNCED)

    @pytest.mark.parametrize("channels", [(Channel.TELEPHONE,), (Channel.TELEPHONE, Channel.EMAIL)])
    def test_the_campaign_ends_before_the_next_try(self, channels: tuple[Channel, ...]) -> None:
        coming = decide(dialled(Outcome.REJECTED), RetryRules(), reach(channels=channels, days=0.5), luck=HALF)
        if len(channels) == 1:
            assert coming == Finish(ContactResult.UNREACHABLE, "too_late")
        else:
            assert coming == Try(T0, Channel.EMAIL, 0, "too_late")

    def test_a_span_that_the_spread_moves_beyond_the_end(self) -> None:
        rules = RetryRules(after={Outcome.BUSY: RetryRule(times=2, after_minutes=100, spread_percent=50)})
        short = reach(days=100 / 24 / 60)
        assert isinstance(decide(dialled(Outcome.BUSY), rules, short, luck=0.4), Try)
        assert isinstance(decide(dialled(Outcome.BUSY), rules, short, luck=0.6), Finish)

    def test_it_never_opens_again(self) -> None:
        closed = calling_hours(Windows(week=((),) * 7), SHANGHAI, lambda _day: None)
        coming = decide(dialled(Outcome.BUSY), RetryRules(), reach(hours=closed), luck=HALF)
        assert coming == Finish(ContactResult.UNREACHABLE, Outcome.BUSY)


RULE = st.builds(
    RetryRule,
    times=st.integers(0, 6),
    after_minutes=st.floats(0, 3_000),
    growth=st.floats(1, 3),
    spread_percent=st.integers(0, 50),
    number=st.sampled_from(("same", "next")),
    part_of_day=st.sampled_from(("any", "other")),
)
RULES = st.builds(
    RetryRules,
    most_attempts=st.integers(1, 12),
    most_per_number=st.integers(1, 6),
    after=st.dictionaries(st.sampled_from(sorted(set(DIALLED) - FINAL)), RULE),
)
SPANS = ((), ("09:00-12:00", "14:00-20:00"), ("00:00-24:00",), ("18:30-18:31",), ("01:00-04:00", "22:00-24:00"))
WEEKS = st.tuples(*[st.sampled_from(SPANS)] * 7).map(lambda week: Windows(week=week))
ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Chatham", "UTC"])
HOLIDAYS = st.sets(st.dates(date(2026, 3, 1), date(2026, 6, 1)), max_size=10)
REACHES = st.builds(
    lambda windows, zone, holidays, numbers, channels, days: Reach(
        channels,
        NUMBERS[:numbers],
        calling_hours(
            windows, ZoneInfo(zone), lambda day: DayFact("holiday", "假", "holiday") if day in holidays else None
        ),
        T0 + timedelta(days=days),
    ),
    WEEKS,
    ZONES,
    HOLIDAYS,
    st.integers(1, 3),
    st.permutations(list(Channel)).flatmap(lambda all_: st.integers(1, 3).map(lambda count: tuple(all_[:count]))),
    st.floats(0.01, 40),
)


@given(RULES, REACHES, st.data())
def test_a_contact_s_whole_life(rules: RetryRules, reach: Reach, data: st.DataObject) -> None:
    """Whatever the network answers: it ends, and no budget is passed on the way."""
    history: list[Past] = []
    at = reach.hours.next_open(T0) or T0
    coming: Try | Finish = Try(at, reach.channels[0], 0, "due")
    while isinstance(coming, Try):
        assert coming.at >= at
        if history:
            assert coming.at < reach.ends_at
            assert history[-1].outcome not in FINAL
        if coming.channel is Channel.TELEPHONE:
            assert not history or reach.hours.is_open(coming.at)
            address = reach.numbers[coming.number]
            dead = {past.address for past in history if past.outcome in {Outcome.INVALID_NUMBER, Outcome.WRONG_PERSON}}
            assert address not in dead
            outcome = data.draw(st.sampled_from(DIALLED))
        else:
            address = coming.channel.value
            assert coming.channel in reach.channels
            assert all(past.channel is not coming.channel for past in history)
            outcome = data.draw(st.sampled_from([Outcome.SENT, Outcome.BOUNCED]))
        at = coming.at + timedelta(seconds=data.draw(st.integers(0, 120)))
        history.append(Past(coming.channel, address, outcome, at))
        luck = data.draw(st.floats(0, 1, exclude_max=True))
        coming = decide(history, rules, reach, luck=luck)
        assert coming == decide(tuple(history), rules, reach, luck=luck)
    dials = [past for past in history if past.channel is Channel.TELEPHONE]
    rung = [past for past in dials if past.outcome not in OURS]
    assert len(rung) <= rules.most_attempts
    assert all(count <= rules.most_per_number for count in Counter(past.address for past in rung).values())
    for outcome, count in Counter(past.outcome for past in dials).items():
        rule = rules.after.get(outcome)
        assert count <= (rule.times if rule else 0) + 1
    final = [past for past in history if past.outcome in FINAL]
    assert final in ([], history[-1:])


@given(RULE, st.integers(0, 30), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_negative_nor_endless(rule: RetryRule, times: int, luck: float) -> None:
    assert timedelta() <= rule.wait(times, luck) <= timedelta(days=45)
