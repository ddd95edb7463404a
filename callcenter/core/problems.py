"""Errors as RFC 9457 ``application/problem+json``: a stable ``code``, a sentence in the reader's language.

Nothing that was sent is echoed: a problem may be logged or shown on a screen that others see.
"""

import re
import traceback
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from callcenter.core.db import is_passing
from callcenter.core.errors import (
    CallcenterError,
    Conflict,
    Forbidden,
    Gone,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from callcenter.core.http import DatabaseUnavailable
from callcenter.core.ranges import RangeNotSatisfiable

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class ValidationFailed(InvalidInput):
    """``errors`` names the fields by JSON pointer with a reason word, never their values."""

    code = "validation-failed"
    title_en, title_zh = "Some fields are not valid.", "部分字段无效。"


class MethodNotAllowed(CallcenterError):
    status, code = 405, "method-not-allowed"
    title_en, title_zh = "This address does not know that method.", "该地址不支持此请求方法。"


class NotAcceptable(CallcenterError):
    status, code = 406, "not-acceptable"
    title_en, title_zh = "It comes as another media type: say so in Accept.", "请在 Accept 中声明可接受的媒体类型。"


class BadRequest(CallcenterError):
    status, code = 400, "bad-request"
    title_en, title_zh = "The request cannot be read.", "无法解析该请求。"


class TooLarge(CallcenterError):
    status, code = 413, "too-large"
    title_en, title_zh = "The request is too large.", "请求内容过大。"


class RefersToMissing(Conflict):
    code = "refers-to-missing"
    title_en, title_zh = "It refers to something that does not exist.", "引用的记录不存在。"


_BY_STATUS: dict[int, type[CallcenterError]] = {
    error.status: error
    for error in (
        BadRequest,
        NotAuthenticated,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        NotAcceptable,
        Conflict,
        Gone,
        TooLarge,
        RangeNotSatisfiable,
        InvalidInput,
        TooManyRequests,
        Unavailable,
    )
}


class FieldError(BaseModel):
    """``pointer``: RFC 6901 into the part named by ``in``; ``reason``: a stable word; ``limits``: what was allowed."""

    location: str = Field(alias="in", examples=["body"])
    pointer: str = Field(examples=["/birth_date"])
    reason: str = Field(examples=["date_from_datetime_parsing"])
    limits: dict[str, Any] = Field(default_factory=dict)


class Problem(BaseModel):
    """RFC 9457. Clients decide by ``code``; people read ``title``."""

    type: str = Field(examples=["urn:callcenter:problem:not-found"])
    title: str = Field(examples=["未找到该记录。"])
    status: int = Field(examples=[404])
    code: str = Field(examples=["not-found"])
    trace_id: str = Field(examples=["5d1c6e0c4f1e4b0f9b1f0a4d2c3e5f67"], description="Stands in our logs too.")
    detail: str | None = None
    details: dict[str, Any] = Field(default_factory=dict)
    errors: list[FieldError] = Field(default_factory=list, description="Only with `validation-failed`.")


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses=`` of a route or router: each status as a problem document, with an example."""
    return {
        status: {
            "description": _BY_STATUS[status].title_en,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _example(status)}},
        }
        for status in statuses
    }


def _example(status: int) -> dict[str, Any]:
    error = ValidationFailed if status == 422 else _BY_STATUS[status]
    example: dict[str, Any] = {
        "type": f"urn:callcenter:problem:{error.code}",
        "title": error.title_zh,
        "status": status,
        "code": error.code,
        "trace_id": "5d1c6e0c4f1e4b0f9b1f0a4d2c3e5f67",
    }
    if status == 422:
        example["errors"] = [{"in": "body", "pointer": "/birth_date", "reason": "date_parsing", "limits": {}}]
    return example


def install_problem_handlers(app: FastAPI) -> None:
    """Every error that leaves a route of ``app`` becomes a problem document."""
    app.exception_handler(CallcenterError)(_on_expected)
    app.exception_handler(RequestValidationError)(_on_validation)
    app.exception_handler(HTTPException)(_on_http)
    app.exception_handler(DBAPIError)(_on_database)
    app.exception_handler(PoolTimeout)(_on_pool_timeout)


def _on_expected(request: Request, error: CallcenterError) -> Response:
    detail = error.message if error.message != error.title_en else None
    return problem_response(request.scope, type(error), detail=detail, details=error.details)


def _on_validation(request: Request, error: RequestValidationError) -> Response:
    errors = [field_error(one) for one in error.errors()]
    return problem_response(request.scope, ValidationFailed, errors=errors)


def _on_http(request: Request, error: HTTPException) -> Response:
    kind = _BY_STATUS.get(error.status_code, BadRequest if error.status_code < 500 else CallcenterError)
    return problem_response(request.scope, kind, headers=error.headers)


def _on_database(request: Request, error: DBAPIError) -> Response:
    """Races that a check before could not see end here; anything else of the database is our fault."""
    if is_passing(error):
        return problem_response(request.scope, DatabaseUnavailable)
    sqlstate = str(getattr(error.orig, "sqlstate", "") or "")
    if isinstance(error, IntegrityError) and sqlstate == "23505":
        return problem_response(request.scope, Conflict)
    if isinstance(error, IntegrityError) and sqlstate == "23503":
        return problem_response(request.scope, RefersToMissing)
    return unexpected_response(request.scope, error)


def _on_pool_timeout(request: Request, _error: PoolTimeout) -> Response:
    return problem_response(request.scope, DatabaseUnavailable)


def unexpected_response(scope: Mapping[str, Any], error: BaseException) -> Response:
    """500 without details; the log gets type and stack, not the message: it may quote a patient's data."""
    frames = "".join(traceback.format_tb(error.__traceback__)[-12:])
    log.error("unexpected_error", error=type(error).__name__, stack=frames)
    return problem_response(scope, CallcenterError)


_PLAIN_KEY = re.compile(r"[a-z][a-z_]{0,40}")
_SAFE_LIMITS = ("ge", "gt", "le", "lt", "min_length", "max_length", "multiple_of", "pattern", "expected")


def field_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """One pydantic error without what was sent: its message, input and unknown keys may hold patient data."""
    location, *path = error["loc"]
    if error["type"] in {"extra_forbidden", "json_invalid"}:
        path = path[:-1]
    pointer = "".join(f"/{part if isinstance(part, int) or _PLAIN_KEY.fullmatch(part) else '*'}" for part in path)
    context = error.get("ctx") or {}
    limits = {name: context[name] for name in _SAFE_LIMITS if isinstance(context.get(name), str | int | float)}
    return {"in": location, "pointer": pointer, "reason": error["type"], "limits": limits}


def problem_response(
    scope: Mapping[str, Any],
    kind: type[CallcenterError],
    *,
    detail: str | None = None,
    details: Mapping[str, Any] | None = None,
    errors: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    language = preferred_language(_header(scope, b"accept-language"))
    body: dict[str, Any] = {
        "type": f"urn:callcenter:problem:{kind.code}",
        "title": kind.title_en if language == "en" else kind.title_zh,
        "status": kind.status,
        "code": kind.code,
        "trace_id": scope.get("state", {}).get("trace_id", ""),
    }
    body |= {name: value for name, value in (("detail", detail), ("details", details), ("errors", errors)) if value}
    response = Response(orjson.dumps(body, default=str), status_code=kind.status, media_type=MEDIA_TYPE)
    response.headers["Content-Language"] = "en" if language == "en" else "zh-CN"
    response.headers["Vary"] = "Accept-Language"
    if kind.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if kind.status in {429, 503}:
        response.headers["Retry-After"] = "5"
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def preferred_language(accept_language: str) -> str:
    """``en`` if the reader prefers English to Chinese (RFC 9110, 12.5.4), otherwise ``zh``.

    >>> preferred_language("en-GB;q=0.8, zh;q=0.9"), preferred_language("en, zh;q=0.5")
    ('zh', 'en')
    """
    weights = {"zh": 0.0, "en": 0.0}
    for choice in accept_language[:500].split(","):
        tag, _, quality = choice.partition(";")
        language = tag.strip().lower().partition("-")[0]
        match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", quality) if quality else None
        weight = float(match.group(1)) if match else (0.0 if quality else 1.0)
        if language in weights:
            weights[language] = max(weights[language], weight)
    return "en" if weights["en"] > weights["zh"] else "zh"


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name), "")
