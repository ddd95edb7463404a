"""What an SMS gateway's answer means, where it may stand, and whose reports are believed."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from callcenter.core.config import Settings
from callcenter.messaging.retry_policy import Outcome
from callcenter.messaging.sms import outcome_of_status
from callcenter.messaging.webhooks import SIGNED_WITHIN_SECONDS, is_signed, signature

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
KEY, BODY = "key-of-the-test", b'{"id":"pbx1.1","status":"delivered"}'


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((200, 201, 202, 204), Outcome.TAKEN),
        ((400, 402, 409, 410, 413, 422), Outcome.REFUSED),
        ((301, 307, 401, 403, 404, 405, 407), Outcome.NOT_NOW),  # ours to mend, not the reader's fault
        ((408, 425, 429, 503), Outcome.NOT_NOW),
        ((500, 502, 504, 599, 100), Outcome.NO_ANSWER),  # perhaps it was taken
    ],
)
def test_what_a_status_means(statuses: tuple[int, ...], outcome: Outcome) -> None:
    assert {outcome_of_status(status) for status in statuses} == {outcome}


@pytest.mark.parametrize("url", ["https://sms.example/send", "http://127.0.0.1:8080/send", "http://localhost/send"])
def test_where_a_gateway_may_stand(url: str) -> None:
    assert Settings(sms_gateway_url=url).sms_gateway_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://sms.example/send",
        "http://10.0.0.7/send",
        "ftp://127.0.0.1/",
        "https://user:word@sms.example/",
        "https://",
        "sms.example",
    ],
)
def test_where_not(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(sms_gateway_url=url)


def signed(timestamp: str) -> str:
    return f"v1={signature(KEY, timestamp, BODY)}"


@pytest.mark.parametrize("seconds", [0, -SIGNED_WITHIN_SECONDS, SIGNED_WITHIN_SECONDS])
def test_what_was_signed_lately_counts(seconds: int) -> None:
    timestamp = str(int(AT.timestamp()) + seconds)
    assert is_signed(KEY, timestamp, signed(timestamp), BODY, at=AT)


@pytest.mark.parametrize("seconds", [-SIGNED_WITHIN_SECONDS - 1, SIGNED_WITHIN_SECONDS + 1, 10**11])
def test_what_was_signed_long_ago_does_not(seconds: int) -> None:
    timestamp = str(int(AT.timestamp()) + seconds)
    assert not is_signed(KEY, timestamp, signed(timestamp), BODY, at=AT)


def test_nor_what_another_key_signed_or_was_changed() -> None:
    timestamp = str(int(AT.timestamp()))
    assert not is_signed("other", timestamp, signed(timestamp), BODY, at=AT)
    assert not is_signed(KEY, timestamp, signed(timestamp), BODY + b" ", at=AT)
    assert not is_signed(KEY, str(int(timestamp) + 1), signed(timestamp), BODY, at=AT)


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "١٢", "9" * 400, " 1"])
def test_a_time_that_is_none(timestamp: str) -> None:
    assert not is_signed(KEY, timestamp, signed(timestamp), BODY, at=AT)


@pytest.mark.parametrize("given", ["", "v1=", "v2=00", "v1=ü"])
def test_a_signature_that_is_none(given: str) -> None:
    assert not is_signed(KEY, str(int(AT.timestamp())), given, BODY, at=AT)
