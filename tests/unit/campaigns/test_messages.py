"""What is written to contacts, when, and what a late word about it may change: pure."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from callcenter.campaigns.errors import UnknownVariable
from callcenter.campaigns.governor import Limits, Refusal, Standing, find_refusal, quiet_from, quiet_until
from callcenter.campaigns.models import CampaignContact, CampaignKind, Channel, ContactResult, Outcome
from callcenter.campaigns.outcomes import may_follow
from callcenter.campaigns.respondents import Status, at_the_end, before_the_end
from callcenter.campaigns.retry_policy import Finish, Past, Reach, Try, decide
from callcenter.campaigns.rules import RetryRules, SmsTexts, Texts, Windows
from callcenter.campaigns.texts import letter
from callcenter.campaigns.windows import calling_hours

T0 = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""A Monday, ten in the morning in Shanghai."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = calling_hours(Windows(), SHANGHAI, lambda _day: None)
TEXTS = Texts.model_validate(
    {
        "email": {
            "subject": {"zh": "{name}的预约", "en": "Appointment of {name}"},
            "text": {"zh": "{name}您好：\n您预约了{when}。\n"},
        },
        "sms": {"zh": "{name}您好，您预约了{when}。", "template": "SMS_1"},
    }
)


def contact(name: str = "张伟", language: str = "zh", **variables: str) -> CampaignContact:
    return CampaignContact(
        id=uuid4(), name=name, language=language, variables={"when": "3月3日", "doctor": "李娜"} | variables
    )


# -- texts


def test_a_mail_in_the_contacts_language() -> None:
    mail = letter(TEXTS, Channel.EMAIL, contact())
    assert mail is not None
    assert (mail.subject, mail.text) == ("张伟的预约", "张伟您好：\n您预约了3月3日。")
    english = letter(TEXTS, Channel.EMAIL, contact(language="en"))
    assert english is not None
    assert (english.subject, english.text[:2]) == ("Appointment of 张伟", "张伟")  # what there is of the text


def test_a_text_message_with_what_its_template_needs_and_no_more() -> None:
    sms = letter(TEXTS, Channel.SMS, contact())
    assert sms is not None
    assert (sms.text, sms.template) == ("张伟您好，您预约了3月3日。", "SMS_1")
    assert sms.variables == {"name": "张伟", "when": "3月3日"}


def test_nothing_to_write() -> None:
    assert letter(Texts(), Channel.EMAIL, contact()) is None
    assert letter(Texts(), Channel.SMS, contact()) is None
    assert letter(TEXTS, Channel.TELEPHONE, contact()) is None


def test_a_text_about_what_is_not_known() -> None:
    texts = Texts(sms=SmsTexts(zh="{bill}"))
    with pytest.raises(UnknownVariable):
        letter(texts, Channel.SMS, contact())


@pytest.mark.parametrize("broken", ["\r\n", "\n", "\r", "\x0b", "\x00", "\x85", "\u2028", "\u2029", "\u202e", "{when}"])
def test_a_value_is_text_and_nothing_else(broken: str) -> None:
    """It begins no line and no header, fills in nothing, and turns nothing round."""
    evil = contact(name=f"张{broken}Bcc: all@example.com")
    mail, sms = letter(TEXTS, Channel.EMAIL, evil), letter(TEXTS, Channel.SMS, evil)
    assert mail is not None
    assert sms is not None
    lines = {mail.subject, sms.text, sms.variables["name"]}
    assert all(line.isprintable() for line in lines)
    assert len(mail.text.splitlines()) == 2
    assert "3月3日" not in sms.variables["name"]


@given(st.text(max_size=60))
def test_whatever_a_value_is_the_mail_has_the_lines_of_its_text(value: str) -> None:
    mail = letter(TEXTS, Channel.EMAIL, contact(name=value))
    assert mail is not None
    assert len(mail.subject.splitlines()) == 1
    assert len(mail.text.splitlines()) == 2


def test_a_subject_of_two_lines_becomes_one() -> None:
    texts = Texts.model_validate({"email": {"subject": {"zh": "预约\r\nBcc: x@example.com"}, "text": {"zh": "好"}}})
    mail = letter(texts, Channel.EMAIL, contact())
    assert mail is not None
    assert mail.subject == "预约 Bcc: x@example.com"


def test_a_text_message_is_short() -> None:
    with pytest.raises(ValidationError):
        SmsTexts(zh="长" * 501)


# -- what a late word may change


@given(st.none() | st.sampled_from(Outcome), st.sampled_from(Outcome))
def test_only_a_sending_may_turn_out_otherwise(before: Outcome | None, news: Outcome) -> None:
    turned = before is Outcome.SENT and news in {Outcome.DELIVERED, Outcome.BOUNCED}
    assert may_follow(before, news) == (before is None or turned)


@given(st.lists(st.sampled_from([Outcome.SENT, Outcome.DELIVERED, Outcome.BOUNCED, Outcome.UNKNOWN]), min_size=1))
def test_in_whatever_order_they_come_it_changes_twice_at_most(news: list[Outcome]) -> None:
    stands: list[Outcome | None] = [None]
    for one in news:
        if may_follow(stands[-1], one):
            stands.append(one)
    assert stands[1] is news[0]
    assert len(stands) <= 3
    assert len(stands) < 3 or stands[1] is Outcome.SENT


# -- what follows a message


def reach(*channels: Channel, days: int = 30) -> Reach:
    return Reach(channels, ("+8613800000001",), HOURS, T0 + timedelta(days=days))


def written(channel: Channel, *outcomes: Outcome) -> list[Past]:
    return [Past(channel, "a@example.com", outcome, T0 + timedelta(hours=n)) for n, outcome in enumerate(outcomes)]


def test_what_was_sent_has_reached_them() -> None:
    for outcome in (Outcome.SENT, Outcome.DELIVERED):
        coming = decide(written(Channel.EMAIL, outcome), RetryRules(), reach(*Channel), luck=0.5)
        assert coming == Finish(ContactResult.REACHED, outcome)


def test_what_came_back_goes_by_the_next_channel_and_then_by_none() -> None:
    ways = reach(Channel.EMAIL, Channel.SMS)
    history = written(Channel.EMAIL, Outcome.BOUNCED)
    assert decide(history, RetryRules(), ways, luck=0.5) == Try(T0, Channel.SMS, 0, Outcome.BOUNCED)
    history += written(Channel.SMS, Outcome.BOUNCED)
    assert decide(history, RetryRules(), ways, luck=0.5) == Finish(ContactResult.FAILED, Outcome.BOUNCED)


@pytest.mark.parametrize("dead", [Outcome.WRONG_PERSON, Outcome.INVALID_NUMBER])
def test_nothing_is_written_to_a_number_that_is_not_theirs(dead: Outcome) -> None:
    numbers = ("+8613800000001", "+8613800000002")
    ways = Reach((Channel.TELEPHONE, Channel.SMS, Channel.EMAIL), numbers, HOURS, T0 + timedelta(days=30))
    rules = RetryRules(after={})
    first = [Past(Channel.TELEPHONE, numbers[0], dead, T0)]
    assert decide(first, rules, ways, luck=0.5) == Try(T0, Channel.SMS, 1, dead)
    both = [*first, Past(Channel.TELEPHONE, numbers[1], dead, T0)]
    assert decide(both, rules, ways, luck=0.5) == Try(T0, Channel.EMAIL, 0, dead)
    no_mail = Reach((Channel.TELEPHONE, Channel.SMS), numbers, HOURS, T0 + timedelta(days=30))
    assert decide(both, rules, no_mail, luck=0.5) == Finish(ContactResult.FAILED, dead)


def test_what_never_left_us_is_written_again_within_the_hours_and_the_budget() -> None:
    ways = reach(Channel.EMAIL)
    late = [Past(Channel.EMAIL, "a@example.com", Outcome.NOT_PLACED, T0 + timedelta(hours=10))]  # eight in the evening
    coming = decide(late, RetryRules(), ways, luck=0.5)
    assert coming == Try(T0 + timedelta(hours=23), Channel.EMAIL, 0, Outcome.NOT_PLACED)
    used_up = written(Channel.EMAIL, *[Outcome.NOT_PLACED] * 11)
    assert decide(used_up, RetryRules(), ways, luck=0.5) == Finish(ContactResult.UNREACHABLE, Outcome.NOT_PLACED)
    nobody_knows = written(Channel.EMAIL, Outcome.NOT_PLACED, Outcome.UNKNOWN)
    assert decide(nobody_knows, RetryRules(), ways, luck=0.5) == Finish(ContactResult.UNKNOWN, Outcome.UNKNOWN)


# -- respondents


@pytest.mark.parametrize(
    ("status", "ends"),
    [(Status.REGISTERED, Status.CONTACTED), (Status.CONTACTED, Status.CONTACTED), (Status.STARTED, Status.PARTIAL)],
)
def test_who_was_written_to_has_not_answered(status: Status, ends: Status) -> None:
    assert at_the_end(status, ContactResult.REACHED, in_writing=True) is ends


def test_an_end_that_is_taken_back() -> None:
    assert before_the_end(Status.CONTACTED, [Outcome.BUSY, Outcome.BOUNCED]) is Status.REGISTERED
    assert before_the_end(Status.CONTACTED, [Outcome.HUNG_UP_EARLY, Outcome.BOUNCED]) is Status.CONTACTED
    assert before_the_end(Status.PARTIAL, [Outcome.HUNG_UP_EARLY, Outcome.BOUNCED]) is Status.STARTED


# -- when


@pytest.mark.parametrize(("hour", "closes"), [(9, 12), (11, 12), (14, 20), (19, 20)])
def test_the_hours_end(hour: int, closes: int) -> None:
    at = datetime(2026, 3, 2, hour, 30, tzinfo=SHANGHAI).astimezone(UTC)
    assert HOURS.closes_at(at) == datetime(2026, 3, 2, closes, tzinfo=SHANGHAI)


def test_the_day_ends_the_hours() -> None:
    always = calling_hours(Windows(week=(("00:00-24:00",),) * 7), SHANGHAI, lambda _day: None)
    assert always.closes_at(T0) == datetime(2026, 3, 3, tzinfo=SHANGHAI)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)), st.sampled_from([20, 21, 24]))
def test_quiet_begins_when_it_is_not_quiet_and_after(at: datetime, begins: int) -> None:
    limits = Limits(quiet_from=begins)
    for zone in (SHANGHAI, ZoneInfo("Europe/Berlin")):
        if quiet_until(limits, at, zone) is None:
            until = quiet_from(limits, at, zone)
            assert at < until <= at + timedelta(hours=17)
            assert quiet_until(limits, until - timedelta(seconds=1), zone) is None
            assert quiet_until(limits, until, zone) is not None


def refusal(standing: Standing, at: datetime = T0) -> Refusal | None:
    return find_refusal(
        CampaignKind.SURVEY, standing, Limits(), at=at, tomorrow=T0 + timedelta(hours=14), zone=SHANGHAI, talks=False
    )


def test_a_conversation_keeps_nobody_from_a_message_and_all_else_does() -> None:
    assert refusal(Standing(conversations=5, last_conversation_at=T0)) is None
    assert refusal(Standing(deceased=True)) == Refusal("deceased")
    found = [
        refusal(Standing(open_complaint=True)),
        refusal(Standing(attempts_of_number=3)),
        refusal(Standing(attempts_of_person=4)),
        refusal(Standing(), T0 + timedelta(hours=12)),
    ]
    assert [one and one.reason for one in found] == ["open_complaint", "number_today", "person_today", "quiet_hours"]
