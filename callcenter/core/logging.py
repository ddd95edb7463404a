"""Structured logs in which no telephone number, card or code appears in full."""

import logging
import re
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import structlog
from structlog.typing import EventDict, WrappedLogger

from callcenter.core.config import Settings

_ASTERISK_ID_OR_LONG_DIGITS = re.compile(r"(?P<id>\b[a-z][a-z0-9]{0,15}-\d{10}\.\d+\b)|\+?\d{7,}")
_SECRET_KEYS = frozenset(
    {"password", "secret", "token", "code", "check_code", "pin", "card_number", "digits", "authorization", "key"}
)
_SECRET_ENDINGS = ("_password", "_secret", "_token")
_ID_KEYS = frozenset(
    {"id", "call_id", "uniqueid", "linkedid", "offset", "timestamp", "patient_id", "action_id", "revision", "revisions"}
)


def mask(text: str) -> str:
    """Every run of seven or more digits becomes its first three digits and stars; Asterisk's ids stay.

    >>> mask("call from +8613800000001 on pbx1-1763754631.12")
    'call from +861**** on pbx1-1763754631.12'
    """
    return _ASTERISK_ID_OR_LONG_DIGITS.sub(_mask_match, text)


def _mask_match(match: re.Match[str]) -> str:
    found = match.group()
    return found if match["id"] else found[: 4 if found.startswith("+") else 3] + "****"


def _mask_value(key: str, value: Any) -> Any:
    name = key.lower()
    if name in _SECRET_KEYS or name.endswith(_SECRET_ENDINGS):
        return "***"
    if name in _ID_KEYS or value is None or isinstance(value, bool | float | UUID | date):
        return value
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, int):
        return mask(str(value)) if abs(value) >= 10_000_000_000 else value
    if isinstance(value, Mapping):
        return {mask(str(k)): _mask_value(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_mask_value(key, v) for v in value]
    return mask(repr(value))  # as the renderer would write it: exceptions, bytes, facts of ours


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
