"""One AMI connection: bytes to headers, actions to answers. panoramisk's classes with their faults mended.

Only callcenter/asterisk/manager.py uses this; the reasons stand beside the tests in tests/unit/asterisk.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager

from callcenter.asterisk.errors import AmiActionFailed, AmiRefused, AmiUnavailable

log = structlog.get_logger(__name__)

MAX_LINE_BYTES = 1022
"""Asterisk's 1,024 with CR and LF: measured, one more is answered with an error that names no action."""
MAX_HEADERS = 128
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
"""No CLI output of a PBX of ours comes near; something else than Asterisk would fill the memory."""

_LINE_END = "\r\n"
_MESSAGE_END = b"\r\n\r\n"
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN = re.compile(r"[\r\n\x00]")
_TRUE_WORDS = frozenset({"yes", "true", "y", "t", "1", "on"})  # ast_true()


class AmiAction(Action):  # type: ignore[misc]  # panoramisk has no types
    """One action, checked: it cannot be read as two, is not cut short and does not block its session.

    ``is_list``: its answer is a row of events that ends with ``EventList: Complete``.
    Raises AmiRefused, which names the header and never its value.
    """

    def __init__(
        self, name: str, headers: Mapping[str, str | Sequence[str]] | None = None, *, action_id: str, is_list: bool
    ) -> None:
        given = dict(headers or {})
        if is_list and any(header.lower() == "actionid" for header in given):
            raise AmiRefused("A list action gets its ActionID here.", action=name)
        if not any(header.lower() == "actionid" for header in given):
            given["ActionID"] = action_id
        self.name = name
        self.is_list = is_list
        self.rows: list[Mapping[str, str]] = []
        self.encoded = _encode(name, given)
        super().__init__({"Action": name, **given})

    def __repr__(self) -> str:
        return f"<AmiAction {self.name} {self.id}>"

    __str__ = __repr__  # the inherited one writes every header, Secret too

    def add_response(self, headers: Mapping[str, str]) -> bool:
        """Asterisk's first word. Returns whether the action is complete with it."""
        if self.is_list and headers["Response"] == "Success" and headers.get("EventList", "").lower() == "start":
            return False
        if not self.future.done():
            self.future.set_result(headers)
        return True

    def add_row(self, headers: Mapping[str, str]) -> bool:
        """One event of the list. Returns whether it was the last."""
        stage = headers.get("EventList", "").lower()
        if stage not in ("complete", "cancelled"):
            self.rows.append(headers)
            return False
        if not self.future.done():
            if stage == "complete":
                self.future.set_result(headers)
            else:
                self.future.set_exception(AmiActionFailed("Asterisk broke the list off.", action=self.name))
        return True


def _encode(name: str, headers: Mapping[str, str | Sequence[str]]) -> bytes:
    lines = [("Action", name)]
    for header, value in headers.items():
        lines.extend((header, one) for one in ([value] if isinstance(value, str) else value))
    if len(lines) > MAX_HEADERS:
        raise AmiRefused(f"More than {MAX_HEADERS} headers.", action=name, headers=len(lines))
    encoded: list[bytes] = []
    for header, value in lines:
        if not _HEADER_NAME.fullmatch(header) or (header.lower() == "action" and encoded):
            raise AmiRefused("Not a header name for an action.", action=name)
        if _FORBIDDEN.search(value):
            raise AmiRefused("A value holds a line end or NUL.", action=name, header=header)
        try:
            line = f"{header}: {value}".encode()
        except UnicodeEncodeError:
            raise AmiRefused("A value is no valid Unicode.", action=name, header=header) from None
        if len(line) > MAX_LINE_BYTES:
            raise AmiRefused(f"A line is longer than {MAX_LINE_BYTES} bytes.", action=name, header=header)
        encoded.append(line)
    if name.lower() == "originate" and not _is_async(headers):
        raise AmiRefused("Originate without Async blocks its session until the phone is answered.", action=name)
    return b"\r\n".join(encoded) + _MESSAGE_END


def _is_async(headers: Mapping[str, str | Sequence[str]]) -> bool:
    return any(
        name.lower() == "async" and isinstance(value, str) and value.lower() in _TRUE_WORDS
        for name, value in headers.items()
    )


class AmiProtocol(AMIProtocol):  # type: ignore[misc]
    """The byte stream of one connection. When it closes, every open action fails; none is kept."""

    def __init__(self, manager: "AmiManager") -> None:
        self._manager = manager
        self._buffer = bytearray()
        self.responses: dict[str, AmiAction] = {}
        self.transport: asyncio.Transport | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.factory = self._manager

    def send(self, action: AmiAction) -> "asyncio.Future[Mapping[str, str]]":
        """Write the action; the future is its answer. Raises AmiUnavailable (not sent) on a dead link."""
        if self.closed or self.transport is None or self.transport.is_closing():
            raise AmiUnavailable(sent=False, action=action.name)
        if action.id in self.responses:
            raise AmiRefused("This ActionID is in use.", action=action.name)
        self.responses[action.id] = action
        self.transport.write(action.encoded)
        future: asyncio.Future[Mapping[str, str]] = action.future
        return future

    def forget(self, action: AmiAction) -> None:
        """Nobody waits for this action any more; what still comes for it is dropped."""
        self.responses.pop(action.id, None)

    def data_received(self, data: bytes) -> None:
        """Split at whole messages before decoding, so that no character is cut at a TCP chunk's end."""
        buffer = self._buffer
        searched_to = max(len(buffer) - len(_MESSAGE_END) + 1, 0)
        buffer += data
        if buffer.find(_MESSAGE_END, searched_to) < 0:
            if len(buffer) > MAX_MESSAGE_BYTES:
                log.error("ami_message_without_end", message_bytes=len(buffer))
                self.close()
            return
        whole, _, rest = bytes(buffer).rpartition(_MESSAGE_END)
        self._buffer = bytearray(rest)
        for message in whole.decode("utf-8", "replace").split("\r\n\r\n"):
            if self.closed:
                return
            self.handle_message(parse_headers(message))

    def handle_message(self, headers: dict[str, str]) -> None:
        action_id = headers.get("ActionID")
        if "Event" in headers:  # first: OriginateResponse is an event that has a Response header too
            if action_id is None:
                self._manager.dispatch(headers)
            elif (action := self.responses.get(action_id)) is not None and action.is_list:
                if action.add_row(headers):
                    self.forget(action)
            elif not action_id.startswith(self._manager.list_id_prefix):  # else a row that comes too late
                self._manager.dispatch(headers)
        elif "Response" in headers:
            answered = self.responses.get(action_id or "")
            if answered is not None and answered.add_response(headers):
                self.forget(answered)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.close()
        self._manager.connection_lost(exc)

    def close(self) -> None:
        """Close at once (a peer that is gone must not hold the socket) and fail what is open."""
        if self.closed:
            return
        self.closed = True
        self._buffer.clear()
        if self.transport is not None:
            self.transport.abort()
        actions, self.responses = list(self.responses.values()), {}
        for action in actions:
            if not action.future.done():
                action.future.set_exception(AmiUnavailable(sent=True, action=action.name))


def parse_headers(message: str) -> dict[str, str]:
    """Header names as Asterisk wrote them; a repeated header's values are joined by line feeds.

    Lines that are no header (the banner, blank lines) are left out.
    """
    lines = message.split(_LINE_END)
    try:
        headers = dict([line.split(": ", 1) for line in lines])
    except ValueError:
        headers = {}
    if len(headers) == len(lines):
        return headers
    collected: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            collected.setdefault(name, []).append(value.removeprefix(" "))
    return {name: "\n".join(values) for name, values in collected.items()}


class AmiManager(Manager):  # type: ignore[misc]
    """One connection, from open to close. It does not reconnect, queue or repeat: AmiSession opens the next one."""

    def __init__(
        self, *, host: str, port: int, list_id_prefix: str, on_event: Callable[[Mapping[str, str]], None] | None
    ) -> None:
        super().__init__(host=host, port=port, protocol_factory=self._make_protocol, loop=asyncio.get_running_loop())
        self.list_id_prefix = list_id_prefix
        self.lost = asyncio.Event()
        self._on_event = on_event

    def _make_protocol(self) -> AmiProtocol:
        self.protocol = AmiProtocol(self)
        return self.protocol

    async def open(self) -> None:
        """Raises OSError when nobody listens."""
        await self.loop.create_connection(self.config["protocol_factory"], self.config["host"], self.config["port"])

    def dispatch(self, event: Mapping[str, str]) -> None:
        """One event to the callback; its fault is logged and costs that event only."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:
            log.exception("ami_event_callback_failed", event_kind=event.get("Event"))

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost.set()
