"""No number, card or code in full in any log line; ids that a person must find again stay."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from callcenter.core.config import Settings
from callcenter.core.logging import configure_logging, mask, mask_event

NUMBER = "+8613800000001"
CALL = "pbx1-1763754631.12"


def masked(**event: Any) -> dict[str, Any]:
    return dict(mask_event(None, "info", event))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("call from +8613800000001 on pbx1-1763754631.12", "call from +861**** on pbx1-1763754631.12"),
        ("13800000001", "138****"),
        ("057112345678", "057****"),
        ("1234567", "123****"),
        ("123456", "123456"),
        ("a13800000001b", "a138****b"),
        ("13800000001,13800000002", "138****,138****"),
        (CALL, CALL),
        (f"{CALL} pbx2-1763754631.1", f"{CALL} pbx2-1763754631.1"),
        ("PJSIP/trunk-00000001", "PJSIP/trunk-000****"),
        ("1763754631.12", "176****.12"),
        ("", ""),
    ],
)
def test_long_runs_of_digits_are_cut(text: str, shown: str) -> None:
    assert mask(text) == shown


@given(st.text(st.sampled_from("\x000123456789+ -.abpx"), max_size=60))
def test_masking_never_fails_and_leaves_no_long_number(text: str) -> None:
    """A NUL of the caller's once stood for a kept id that was not there, and the log line was an exception."""
    shown = mask(text)
    assert mask(shown) == shown


def test_secrets_are_never_shown_whatever_they_look_like() -> None:
    assert masked(
        password="x", pin=4711, check_code="482913", Authorization="Bearer y", ami_events_secret="z", sip_password=None
    ) == dict.fromkeys(("password", "pin", "check_code", "Authorization", "ami_events_secret", "sip_password"), "***")


def test_ids_stay() -> None:
    patient = UUID("01938a2e-1234-7123-8123-012345678901")
    ids = {"call_id": CALL, "uniqueid": CALL, "patient_id": patient, "offset": 12_345_678_901, "id": 12_345_678_901}
    assert masked(**ids) == ids


def test_nested_values_are_masked_with_the_names_they_have_there() -> None:
    given_headers = {
        "CallerIDNum": NUMBER,
        "Secret": "s3cret",
        "rows": [{"number": NUMBER, "pin": "4711"}, (NUMBER, CALL)],
        NUMBER: "as a key",
    }
    assert masked(headers=given_headers) == {
        "headers": {
            "CallerIDNum": "+861****",
            "Secret": "***",
            "rows": [{"number": "+861****", "pin": "***"}, ["+861****", CALL]],
            "+861****": "as a key",
        }
    }


@pytest.mark.parametrize(
    "value",
    [
        ValueError(f"no such number: {NUMBER}"),
        {NUMBER},
        frozenset({NUMBER}),
        NUMBER.encode(),
        13_800_000_001,
        -13_800_000_001,
        structlog.types.WrappedLogger,
    ],
)
def test_no_kind_of_value_slips_through(value: object) -> None:
    assert "13800000001" not in str(masked(value=value))


def test_what_is_no_number_stays_as_it_is() -> None:
    plain = {
        "count": 1_000_000,
        "ok": True,
        "seconds": 1763754631.123,
        "nothing": None,
        "at": datetime(2026, 1, 5, tzinfo=UTC),
        "day": date(2026, 1, 5),
        "patient": UUID("01938a2e-1234-7123-8123-012345678901"),
    }
    assert masked(**plain) == plain


# -- the whole way to stderr


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What a process with this configuration has written; the test run's own logging is put back."""
    root, access = logging.getLogger(), logging.getLogger("uvicorn.access")
    handlers, level, is_disabled = root.handlers, root.level, access.disabled
    yield lambda: capsys.readouterr().err
    root.handlers, access.disabled = handlers, is_disabled
    root.setLevel(level)
    logging.getLogger("panoramisk").setLevel(logging.NOTSET)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_one_json_object_a_line(stderr: Callable[[], str]) -> None:
    configure_logging(Settings(), "engine")
    structlog.get_logger("test").info("caller_recognised", number=NUMBER, call_id=CALL, name="张三\n")
    written = stderr()
    line = json.loads(written)
    assert (
        line
        | {
            "event": "caller_recognised",
            "number": "+861****",
            "call_id": CALL,
            "name": "张三\n",
            "role": "engine",
            "level": "info",
        }
        == line
    )
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    assert written.count("\n") == 1
    assert "张三" in written, "readable, not escaped"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_the_text_of_exceptions_is_masked(stderr: Callable[[], str], log_format: str) -> None:
    """Of our own loggers and of libraries': SQLAlchemy quotes the parameters of a failed statement."""
    configure_logging(Settings(log_format=log_format), "api")
    for logger in (structlog.get_logger("ours"), logging.getLogger("library")):
        try:
            raise ValueError(f"parameters: ('{NUMBER}', '{CALL}')")
        except ValueError:
            logger.exception("it failed for 13900000006")
    shown = stderr()
    assert shown.count("Traceback") == 2
    assert "1380000" not in shown
    assert "1390000" not in shown
    assert CALL in shown


def test_libraries_log_masked_and_at_our_level(stderr: Callable[[], str]) -> None:
    configure_logging(Settings(log_level="WARNING"), "api")
    logging.getLogger("library").info("quiet")
    logging.getLogger("library").warning("no route to %s", NUMBER)
    logging.getLogger("uvicorn.access").error("GET /api/v1/x?number=%s", NUMBER)
    written = stderr()
    line = json.loads(written)
    assert (line["event"], line["level"]) == ("no route to +861****", "warning")
