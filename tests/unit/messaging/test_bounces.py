"""Delivery reports by mail: those of ours are read, whatever else comes is none."""

from email.utils import make_msgid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.messaging.bounces import Bounce, message_id_of, read_bounce
from callcenter.messaging.models import Report
from tests.support.mail_reports import delivery_report

TOKEN = "0123456789abcdef" * 2
OURS = make_msgid(message_id_of("pbx1.4711", TOKEN), domain="hospital.example")


@pytest.mark.parametrize("original", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize(("action", "report"), [("failed", Report.BOUNCED), ("Delivered", Report.DELIVERED)])
def test_what_became_of_it(original: str, action: str, report: Report) -> None:
    found = read_bounce(delivery_report(OURS, action=action, original=original))
    assert found == Bounce("pbx1.4711", TOKEN, report)


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", "", "failed; really"])
def test_what_is_not_the_end(action: str) -> None:
    assert read_bounce(delivery_report(OURS, action=action)) is None


@pytest.mark.parametrize(
    "message_id",
    [
        "<somebody@example.com>",
        "<1.2.3.pbx1.4711@hospital.example>",
        f"<1.pbx1.0.{TOKEN}@x>",
        f"<1.pbx1.1.{TOKEN[1:]}@x>",
        "",
    ],
)
def test_what_is_about_another_mail(message_id: str) -> None:
    assert read_bounce(delivery_report(message_id)) is None


def test_what_is_no_report() -> None:
    plain = b"Subject: hello\r\nMessage-ID: " + OURS.encode() + b"\r\n\r\nAction: failed\r\n"
    assert read_bounce(plain) is None
    both = delivery_report(OURS).replace(b"Status: 5.1.1", b"Status: 5.1.1\r\n\r\nAction: delivered")
    assert read_bounce(both) is None  # it says two things


@given(st.binary(max_size=400), st.integers(0, 1_200), st.integers(0, 400))
def test_whatever_comes_it_is_read_or_not(noise: bytes, at: int, cut: int) -> None:
    report = delivery_report(OURS)
    read_bounce(noise)
    read_bounce(report[:at] + noise + report[at + cut :])
