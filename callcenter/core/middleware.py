"""Around every request: a trace id, security headers, a limit of size, the figures, the last net for errors."""

import re
import time
from collections.abc import Mapping
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callcenter.core.http import API_PREFIX
from callcenter.core.metrics import HttpMetrics
from callcenter.core.problems import BadRequest, problem_response, unexpected_response

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
MAX_BODY_BYTES = 1_048_576
"""Of any request but the uploads that the application names."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestEnvelope:
    """Plain ASGI, outermost. The trace id is the caller's W3C ``traceparent`` or a new one.

    Headers are set only where a route has not set its own: pages bring their own Content-Security-Policy.
    """

    def __init__(self, app: ASGIApp, metrics: HttpMetrics, uploads: Mapping[str, int]) -> None:
        """``uploads``: path, as routes write it, to the bytes a body sent there may have: more than MAX_BODY_BYTES."""
        self._app = app
        self._metrics = metrics
        self._uploads = [(_path_pattern(path), most) for path, most in uploads.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace_id = _trace_id(scope)
        scope.setdefault("state", {})["trace_id"] = trace_id
        status = 0
        started_at = time.monotonic()

        async def send_enveloped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _set_headers(MutableHeaders(scope=message), scope["path"], trace_id)
            await send(message)

        with structlog.contextvars.bound_contextvars(trace_id=trace_id):
            try:
                if b"\x00" in scope["path"].encode() or b"%00" in scope["query_string"]:
                    await problem_response(scope, BadRequest)(scope, receive, send_enveloped)
                else:
                    await self._app(scope, _limited(receive, self._most(scope["path"])), send_enveloped)
            except Exception as error:
                response = unexpected_response(scope, error)
                if status:
                    raise  # the answer has begun: the server can only cut it off
                await response(scope, receive, send_enveloped)
            finally:
                method = scope["method"] if scope["method"] in _METHODS else "OTHER"
                self._metrics.record_request(method, route_template(scope), status, time.monotonic() - started_at)

    def _most(self, path: str) -> int:
        return next((most for pattern, most in self._uploads if pattern.fullmatch(path)), MAX_BODY_BYTES)


def _path_pattern(path: str) -> re.Pattern[str]:
    """``/campaigns/{id}/import``: whatever stands between two slashes for what is in braces."""
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in _FILLED_IN.split(path)))


_FILLED_IN = re.compile(r"(\{[^}]*\})")


def route_template(scope: Scope) -> str:
    """``/api/v1/patients/{patient_id}``: the route without what was filled in; ``unmatched`` without a route."""
    path: str | None = getattr(scope.get("route"), "path", None)
    if path is None:
        return "unmatched"
    under_api = scope["path"].startswith(f"{API_PREFIX}/") and not path.startswith(API_PREFIX)
    return f"{API_PREFIX}{path}" if under_api else path


def _limited(receive: Receive, max_bytes: int) -> Receive:
    """Counts what really comes, whatever Content-Length says; FastAPI passes HTTPExceptions through."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise HTTPException(413)
        return message

    return receive_limited


def _trace_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"traceparent" and (match := _TRACEPARENT.fullmatch(value)):
            return match.group(1).decode()
    return uuid4().hex


def _set_headers(headers: MutableHeaders, path: str, trace_id: str) -> None:
    headers["X-Trace-Id"] = trace_id
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    if path.startswith("/api/"):
        headers.setdefault("Cache-Control", "no-store")
