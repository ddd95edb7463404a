"""Structured logs in which no telephone number, card or code appears in full."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from callcenter.core.config import Settings

_LONG_DIGITS = re.compile(r"\+?\d{7,}")
_ASTERISK_ID = re.compile(r"\b[a-z][a-z0-9]{0,15}-\d{10}\.\d+\b")
_SECRET_KEYS = frozenset(
    {"password", "secret", "token", "code", "check_code", "pin", "card_number", "digits", "authorization", "key"}
)
_ID_KEYS = frozenset(
    {"id", "call_id", "uniqueid", "linkedid", "offset", "timestamp", "patient_id", "action_id", "revision", "revisions"}
)


def mask(text: str) -> str:
    """Every run of seven or more digits becomes its first three digits and stars; Asterisk's ids stay.

    >>> mask("call from +8613800000001 on pbx1-1763754631.12")
    'call from +861**** on pbx1-1763754631.12'
    """
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match.group())
        return f"\x00{len(kept) - 1}\x00"

    masked = _LONG_DIGITS.sub(
        lambda m: m.group()[: 4 if m.group().startswith("+") else 3] + "****", _ASTERISK_ID.sub(keep, text)
    )
    return re.sub(r"\x00(\d+)\x00", lambda m: kept[int(m.group(1))], masked)


def _mask_value(key: str, value: Any) -> Any:
    if key in _SECRET_KEYS:
        return "***"
    if key in _ID_KEYS:
        return value
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000_000_000:
        return mask(str(value))
    if isinstance(value, dict):
        return {k: _mask_value(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_value(key, v) for v in value]
    return value


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """structlog processor: masks every value of the event; runs last before rendering."""
    return {key: _mask_value(key, value) for key, value in event.items()}


def configure_logging(settings: Settings, role: str) -> None:
    """Send structlog and the standard library's loggers to stderr, one line an event, masked."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_event,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level)
    logging.getLogger("uvicorn.access").disabled = True  # URLs carry ids and search terms
    logging.getLogger("panoramisk").setLevel("WARNING")  # its debug lines hold whole messages
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(role=role)
