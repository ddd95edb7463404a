"""One AMI session that stays up, over panoramisk's protocol hardened in ami_protocol.py.

* An action is sent once, on one link, or not at all; nothing survives a reconnect (architecture.md, principle 3).
* Every action ends: with its answer, with a time-out, or with the link.
* Events reach one synchronous callback in Asterisk's order; it only enqueues.

Each fault of stock panoramisk 1.4 is shown beside its cure in tests/unit/asterisk/test_manager*.py.
"""

import asyncio
import itertools
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from callcenter.asterisk.ami_protocol import AmiAction, AmiManager
from callcenter.asterisk.errors import AmiActionFailed, AmiTimeout, AmiUnavailable
from callcenter.core.errors import Unavailable
from callcenter.core.waiting import wait_at_most

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.25
LONGEST_RETRY_SECONDS = 2.0
REFUSED_RETRY_SECONDS = 15.0
"""A wrong secret does not mend itself in a second, and each try is a line in Asterisk's security log."""
_WAIT_BOOTED = {"Command": "core waitfullybooted"}
MISSED_PONGS = 2
"""In a row, so that a stall of our own process does not cut a good link."""


@dataclass(frozen=True, slots=True)
class AmiResponse:
    """Asterisk's answer. ``headers``: names as Asterisk wrote them, repeated ones joined by line feeds."""

    success: bool
    message: str
    headers: Mapping[str, str]


class _LoginRefused(Unavailable):
    """Asterisk listens and does not let us in."""


class AmiSession:
    """A named session with one Asterisk: ``run()`` keeps it up, everything else may be called at any time.

    ``on_event`` gets every event as headers, in order; it must return at once (enqueue, nothing else): a reader that
    stalls loses its session. Without it the session asks Asterisk for no events. ``on_connected`` is called after
    each log-in, ``on_disconnected`` after each loss; what happened in between is gone, so compare snapshots.
    Keep events and commands in separate sessions (asterisk-facts: AMI 6). ``booted``: connected only once Asterisk has
    loaded all its modules; it lets people log in before, and does not know the actions of those that still come. For
    accounts with the right to CLI commands.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        username: str,
        secret: str,
        name: str,
        on_event: Callable[[Mapping[str, str]], None] | None = None,
        on_connected: Callable[[], None] | None = None,
        on_disconnected: Callable[[], None] | None = None,
        action_timeout_seconds: float = 5.0,
        ping_interval_seconds: float = 2.0,
        booted: bool = False,
    ) -> None:
        self.name = name
        self._host = host
        self._port = port
        self._credentials = {"Username": username, "Secret": secret, "Events": "on" if on_event else "off"}
        self._on_event = on_event
        self._on_connected = on_connected
        self._on_disconnected = on_disconnected
        self._action_timeout_seconds = action_timeout_seconds
        self._ping_interval_seconds = ping_interval_seconds
        self._booted = booted
        self._id_prefix = f"{name}-{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)
        self._link: AmiManager | None = None
        self._connected = asyncio.Event()
        self._failures = 0
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<AmiSession {self.name} {'connected' if self.connected else 'not connected'}>"

    # -- the link

    @property
    def connected(self) -> bool:
        """Logged in, as far as is known: a dead peer is noticed after the Pong deadline."""
        return self._connected.is_set()

    async def run(self) -> None:
        """Keep the session up until ``close()`` or cancellation. Raises nothing that a PBX or network may do.

        Raises AmiRefused at once for credentials that no AMI line can carry.
        """
        if self._closed:
            return
        self._new_action("Login", self._credentials)
        self._keeper = asyncio.create_task(self._keep_linked(), name=f"ami-{self.name}")
        try:
            await asyncio.wait({self._keeper})
        finally:
            await self._stop_keeper()

    async def close(self) -> None:
        """End the session for good; open actions fail with AmiUnavailable."""
        self._closed = True
        await self._stop_keeper()

    async def wait_connected(self, timeout_seconds: float) -> None:
        """Raises AmiUnavailable if there is no log-in in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._connected.wait()
        except TimeoutError:
            raise AmiUnavailable(sent=False) from None

    async def _stop_keeper(self) -> None:
        keeper = self._keeper
        if keeper is None:
            return
        keeper.cancel()
        await asyncio.wait({keeper})
        if not keeper.cancelled():
            keeper.result()

    async def _keep_linked(self) -> None:
        while True:
            link = AmiManager(
                host=self._host, port=self._port, list_id_prefix=self._id_prefix + "-list-", on_event=self._on_event
            )
            wait_seconds = retry_after_seconds(self._failures, random.random())  # noqa: S311
            self._failures += 1
            try:
                await self._connect(link)
                await self._watch(link)
                log.warning("ami_link_lost", session=self.name)
            except _LoginRefused as refusal:
                wait_seconds = REFUSED_RETRY_SECONDS
                log.error("ami_login_refused", session=self.name, reason=refusal.message, retry_seconds=wait_seconds)
            except (OSError, AmiUnavailable, AmiTimeout) as error:
                log.warning("ami_not_reachable", session=self.name, reason=type(error).__name__)
            finally:
                self._disconnect(link)
            await asyncio.sleep(wait_seconds)

    async def _connect(self, link: AmiManager) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            await link.open()
        answer = await self._perform(link, self._new_action("Login", self._credentials), CONNECT_TIMEOUT_SECONDS)
        if answer.get("Response") != "Success":
            raise _LoginRefused(_message(answer))
        if self._booted:
            booted = await self._perform(link, self._new_action("Command", _WAIT_BOOTED), CONNECT_TIMEOUT_SECONDS)
            if booted.get("Response") != "Success":
                raise _LoginRefused(_message(booted))
        self._link = link
        self._connected.set()
        log.info("ami_connected", session=self.name)
        self._notify(self._on_connected)

    def _disconnect(self, link: AmiManager) -> None:
        link.close()
        if self._link is link:
            self._link = None
            self._connected.clear()
            self._notify(self._on_disconnected)

    async def _watch(self, link: AmiManager) -> None:
        """Returns when the link is lost: closed, or Pongs missed (a half-open connection says nothing)."""
        missed = 0
        while not link.lost.is_set():
            try:
                await self._perform(link, self._new_action("Ping"), self._ping_interval_seconds)
            except AmiTimeout:
                missed += 1
                if missed == MISSED_PONGS:
                    return
            except AmiUnavailable:
                return
            else:
                missed = self._failures = 0
                await wait_at_most(link.lost, self._ping_interval_seconds)

    def _notify(self, callback: Callable[[], None] | None) -> None:
        if callback is None:
            return
        try:
            callback()
        except Exception:
            log.exception("ami_link_callback_failed", session=self.name)

    # -- actions

    async def send(
        self,
        action: str,
        headers: Mapping[str, str | Sequence[str]] | None = None,
        *,
        timeout_seconds: float | None = None,
    ) -> AmiResponse:
        """Send one action and await Asterisk's answer; ``success`` False is an answer, no error.

        A header with several values (``Variable``) is written once per value. An own ActionID is kept (it comes back
        in OriginateResponse), otherwise one is made.
        Raises AmiRefused (not sent), AmiUnavailable (see its ``sent``), AmiTimeout (sent, outcome unknown).
        """
        answer = await self._perform(self._link, self._new_action(action, headers), timeout_seconds)
        return AmiResponse(answer["Response"] in ("Success", "Goodbye"), _message(answer), answer)

    async def send_list(
        self,
        action: str,
        headers: Mapping[str, str | Sequence[str]] | None = None,
        *,
        timeout_seconds: float | None = None,
    ) -> list[Mapping[str, str]]:
        """The rows (events) of a list action, without its closing event. ``No ... found`` is an empty list.

        Raises AmiActionFailed when Asterisk refuses, else as :meth:`send`.
        """
        listing = self._new_action(action, headers, is_list=True)
        answer = await self._perform(self._link, listing, timeout_seconds)
        message = _message(answer)
        if answer.get("Response") == "Error" and not (message.startswith("No ") and message.endswith(" found")):
            raise AmiActionFailed(message, action=action)
        return listing.rows

    async def command(self, line: str) -> list[str]:
        """Output lines of a CLI command. Raises AmiActionFailed when Asterisk does not know or permit it."""
        response = await self.send("Command", {"Command": line})
        output = response.headers.get("Output")
        if not response.success:
            raise AmiActionFailed(output or response.message, action="Command")
        return [] if output is None else [text.removesuffix("\r") for text in output.split("\n")]

    def _new_action(
        self, name: str, headers: Mapping[str, str | Sequence[str]] | None = None, *, is_list: bool = False
    ) -> AmiAction:
        action_id = f"{self._id_prefix}-{'list-' if is_list else ''}{next(self._numbers)}"
        return AmiAction(name, headers, action_id=action_id, is_list=is_list)

    async def _perform(
        self, link: AmiManager | None, action: AmiAction, timeout_seconds: float | None = None
    ) -> Mapping[str, str]:
        """Send and await; however it ends, nothing of the action stays behind."""
        if link is None:
            raise AmiUnavailable(sent=False, action=action.name)
        answer: asyncio.Future[Mapping[str, str]] = link.protocol.send(action)
        try:
            async with asyncio.timeout(timeout_seconds or self._action_timeout_seconds):
                return await answer
        except TimeoutError:
            raise AmiTimeout(action=action.name) from None
        finally:
            link.protocol.forget(action)


def retry_after_seconds(failures: int, jitter: float) -> float:
    """How long to wait before the next connection: doubling up to a limit, halved at most by ``jitter`` (0 to 1).

    Two seconds at most, since agents and queues must be in step 5 s after Asterisk is back.
    """
    full = min(FIRST_RETRY_SECONDS * 2.0 ** min(failures, 16), LONGEST_RETRY_SECONDS)
    return full * (1 - jitter / 2)


def _message(answer: Mapping[str, str]) -> str:
    return answer.get("Message", "").strip()  # some of PJSIP's end in a line feed
