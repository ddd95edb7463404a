"""The conversation with one channel over AGI: request, commands, replies (as Asterisk 22.10 writes them)."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, unquote

from callcenter.asterisk.errors import (
    AgiCommandFailed,
    AgiDesynchronised,
    AgiError,
    AgiRefused,
    AgiTimeout,
    CallerHungUp,
)

MAX_BLOCK_BYTES = 16 * 1024
"""Of the request's header block, and of one reply."""
MAX_COMMAND_BYTES = 2000
"""Asterisk's buffer holds 2,048 bytes of a command line."""
COMMAND_TIMEOUT_SECONDS = 5.0
"""For commands that Asterisk answers at once, and on top of what a command itself waits."""
MAX_USAGE_LINES = 200
RECORDING_RATE_HZ = 8000

_HEADER = re.compile(r"agi_([a-z0-9_]{1,40}): (.*)")
_UNIQUEID = re.compile(r"[A-Za-z0-9_.:;-]{1,150}")
_REPLY = re.compile(r"(\d{3})([ -])(.*)", re.DOTALL)
_RESULT = re.compile(r"result=(\S*)(?: \((.*)\))?(?: endpos=(\d+))?", re.DOTALL)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_,.:/@-]*\))?")
_WORD = re.compile(r"[A-Za-z0-9_]+")
_KEYS = re.compile(r"[0-9A-D*#]*")
_FORBIDDEN = re.compile(r"[\r\n\x00]")


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """What Asterisk says of the call as it connects: ``agi://host/path?query`` and the agi_ variables, unprefixed.

    ``told``: the ``NAME=value`` arguments of AGI(), so that the channel's variables need not be asked for.
    """

    path: str
    query: Mapping[str, str]
    variables: Mapping[str, str]
    told: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Recording:
    """How RECORD FILE ended. ``digit``: the key that ended it, or ``""``."""

    ended_by: Literal["digit", "timeout"]
    digit: str
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class _Reply:
    result: str
    data: str | None
    end_position: int


def parse_request(block: bytes) -> AgiRequest:
    """The header block up to its blank line. Raises ValueError for whatever Asterisk would not write.

    A header given twice is refused: a caller's name that smuggles a line end in would otherwise replace a header.
    """
    variables: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").removesuffix("\n\n").split("\n"):
        header = _HEADER.fullmatch(line)
        if header is None or header[1] in variables:
            raise ValueError("not an AGI header block")
        variables[header[1]] = header[2]
    if not _UNIQUEID.fullmatch(variables.get("uniqueid", "")):
        raise ValueError("no uniqueid")
    path, _, query = variables.get("network_script", "").partition("?")
    return AgiRequest(
        path=unquote(path).strip("/"),
        query=dict(parse_qsl(query, keep_blank_values=True, max_num_fields=32)),
        variables=variables,
        told=dict(value.split("=", 1) for name, value in variables.items() if name.startswith("arg_") and "=" in value),
    )


class AgiChannel:
    """One channel under our control. Commands run one at a time, in order.

    Every command may raise: CallerHungUp; AgiTimeout (Asterisk is silent); AgiDesynchronised; AgiCommandFailed
    (the caller is still there); AgiRefused (a value with CR, LF or NUL, or too long: nothing was sent). After the
    first three, or after a command was cancelled half-way, the connection is closed and every command raises.
    """

    def __init__(self, request: AgiRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.path = request.path
        self.query = request.query
        self.variables = request.variables
        self.told = request.told
        self._reader = reader
        self._writer = writer
        self._one_at_a_time = asyncio.Lock()
        self._ended: type[AgiError] | None = None

    def __repr__(self) -> str:
        return f"<AgiChannel {self.variables['uniqueid']} {self.path}>"

    async def get_variable(self, name: str) -> str | None:
        """A channel variable or function (``CALLERID(num)``), None when it is not set."""
        reply = await self._command("GET VARIABLE", _variable_name(name), has_value=True)
        return reply.data if reply.result == "1" else None

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable or function; the value is taken as it is, ``${...}`` in it is not evaluated."""
        await self._command("SET VARIABLE", _variable_name(name), _quoted(value))

    async def answer(self) -> None:
        """Answer the channel; takes up to half a second (Asterisk awaits the first RTP)."""
        await self._command("ANSWER")

    async def hangup(self) -> None:
        """Hang the channel up; what comes after raises CallerHungUp."""
        await self._command("HANGUP")

    async def execute(self, application: str, *arguments: str, at_most_seconds: float | None = None) -> str:
        """Run a dialplan application; returns AGI's result. One argument each: a comma in one is refused.

        Without ``at_most_seconds`` it may take as long as the application does.
        """
        if not _WORD.fullmatch(application) or any("," in argument for argument in arguments):
            raise AgiRefused(command="EXEC")
        reply = await self._command("EXEC", application, _quoted(",".join(arguments)), within_seconds=at_most_seconds)
        if reply.result == "-2":
            raise AgiCommandFailed(f"Asterisk has no application {application}.", command="EXEC")
        return reply.result

    async def stream_file(self, name: str, escape_digits: str = "", *, at_most_seconds: float | None = None) -> str:
        """Play a sound (no extension) to its end or to one of ``escape_digits``; returns that key or ``""``.

        Raises AgiCommandFailed when there is no such sound.
        """
        reply = await self._command(
            "STREAM FILE", _quoted(name), _quoted(_keys(escape_digits)), within_seconds=at_most_seconds
        )
        return _digit(reply.result)

    async def get_data(
        self, name: str, timeout_seconds: float, max_digits: int, *, at_most_seconds: float | None = None
    ) -> tuple[str, bool]:
        """Play a sound and collect digits until ``#``, ``max_digits`` or a pause of ``timeout_seconds``.

        Returns the digits (without ``#``) and whether the pause ended it.
        """
        reply = await self._command(
            "GET DATA", _quoted(name), _milliseconds(timeout_seconds), str(max_digits), within_seconds=at_most_seconds
        )
        return _keys_of(reply.result), reply.data == "timeout"

    async def wait_for_digit(self, timeout_seconds: float) -> str:
        """The next key, or ``""`` when none is pressed in time."""
        reply = await self._command(
            "WAIT FOR DIGIT",
            _milliseconds(timeout_seconds),
            within_seconds=timeout_seconds + COMMAND_TIMEOUT_SECONDS,
        )
        return _digit(reply.result)

    async def record_file(
        self,
        name: str,
        file_format: str,
        *,
        max_seconds: float,
        escape_digits: str = "#",
        silence_seconds: int | None = None,
        beep: bool = False,
    ) -> Recording:
        """Record the caller into ``name.file_format`` until a key, ``silence_seconds`` of silence or ``max_seconds``.

        When the caller hangs up this raises CallerHungUp and the file stays.
        """
        if not _WORD.fullmatch(file_format):
            raise AgiRefused(command="RECORD FILE")
        options = ["BEEP"] if beep else []
        if silence_seconds is not None:
            options.append(f"s={silence_seconds:d}")
        reply = await self._command(
            "RECORD FILE",
            *(_quoted(name), file_format, _quoted(_keys(escape_digits)), _milliseconds(max_seconds), *options),
            within_seconds=max_seconds + 2 * COMMAND_TIMEOUT_SECONDS,
        )
        # ended by silence, the "result" is the milliseconds that were left
        digit = "" if reply.data == "timeout" else _digit(reply.result)
        return Recording("digit" if digit else "timeout", digit, reply.end_position / RECORDING_RATE_HZ)

    def close(self) -> None:
        """Let go of the call: the dialplan goes on."""
        self._ended = self._ended or CallerHungUp
        self._writer.close()

    # -- the conversation

    async def _command(
        self,
        verb: str,
        *arguments: str,
        within_seconds: float | None = COMMAND_TIMEOUT_SECONDS,
        has_value: bool = False,
    ) -> _Reply:
        line = _encoded(verb, arguments)
        async with self._one_at_a_time:
            reply = await self._exchange(verb, line, within_seconds, has_value=has_value)
            if reply.result == "-1":
                await self._explain_failure(verb, reply)
            return reply

    async def _explain_failure(self, verb: str, failed: _Reply) -> None:
        """``result=-1`` says hang-up and missing file alike: ask whether the channel lives, and raise accordingly."""
        try:
            await self._exchange(verb, b"CHANNEL STATUS\n", COMMAND_TIMEOUT_SECONDS, has_value=False)
        except AgiError:
            raise self._end(CallerHungUp) from None
        raise AgiCommandFailed(f"{verb} failed.", command=verb, reason=failed.data)

    async def _exchange(self, verb: str, line: bytes, within_seconds: float | None, *, has_value: bool) -> _Reply:
        if self._ended is not None:
            raise self._ended(command=verb)
        try:
            async with asyncio.timeout(within_seconds):
                self._writer.write(line)
                await self._writer.drain()
                return await self._read_reply(verb, has_value=has_value)
        except TimeoutError:
            raise self._end(AgiTimeout) from None
        except (OSError, asyncio.IncompleteReadError):
            raise self._end(CallerHungUp) from None
        except asyncio.LimitOverrunError:
            raise self._end(AgiDesynchronised) from None
        except asyncio.CancelledError:
            self._end(AgiDesynchronised)  # the reply is still to come: nobody could tell it from the next one
            raise

    async def _read_reply(self, verb: str, *, has_value: bool) -> _Reply:
        line = await self._read_line()
        while has_value and line.startswith("200 result=1 (") and not line.endswith(")"):
            line += "\n" + await self._read_line()  # a variable's value may hold line feeds
            if len(line) > MAX_BLOCK_BYTES:
                raise self._end(AgiDesynchronised)
        reply = _REPLY.fullmatch(line)
        if reply is None:
            raise self._end(AgiDesynchronised)
        code, dash, rest = reply.groups()
        if code == "100":  # trying
            return await self._read_reply(verb, has_value=has_value)
        if code == "200" and (result := _RESULT.fullmatch(rest)):
            return _Reply(result[1], result[2], int(result[3] or 0))
        if code == "511":
            raise self._end(CallerHungUp)
        if code == "520" and dash == "-":
            await self._skip_usage()
        if code in ("510", "520"):
            raise AgiCommandFailed(f"Asterisk does not take {verb} so.", command=verb, reply=int(code))
        raise self._end(AgiDesynchronised)

    async def _read_line(self) -> str:
        line = (await self._reader.readuntil(b"\n"))[:-1].decode("utf-8", "replace")
        if line == "HANGUP":
            raise self._end(CallerHungUp)
        return line

    async def _skip_usage(self) -> None:
        for _ in range(MAX_USAGE_LINES):
            if (await self._read_line()).startswith("520 "):
                return
        raise self._end(AgiDesynchronised)

    def _end(self, why: type[AgiError]) -> AgiError:
        self._ended = why
        self._writer.close()
        return why()


def _encoded(verb: str, arguments: tuple[str, ...]) -> bytes:
    try:
        line = " ".join((verb, *arguments)).encode() + b"\n"
    except UnicodeEncodeError:
        raise AgiRefused("A value is no valid Unicode.", command=verb) from None
    if len(line) > MAX_COMMAND_BYTES:
        raise AgiRefused(f"Longer than {MAX_COMMAND_BYTES} bytes.", command=verb)
    return line


def _quoted(value: str) -> str:
    if _FORBIDDEN.search(value):
        raise AgiRefused("A value holds a line end or NUL.")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _variable_name(name: str) -> str:
    if not _VARIABLE_NAME.fullmatch(name):
        raise AgiRefused("Not a variable's name.")
    return name


def _keys(keys: str) -> str:
    if not _KEYS.fullmatch(keys):
        raise AgiRefused("Not keys of a telephone.")
    return keys


def _keys_of(result: str) -> str:
    if not _KEYS.fullmatch(result):
        raise AgiCommandFailed("Asterisk reported no keys of a telephone.")
    return result


def _milliseconds(seconds: float) -> str:
    """At least 1: zero and below mean "for ever" or "default" to some commands."""
    return str(max(1, round(seconds * 1000)))


def _digit(result: str) -> str:
    """AGI gives a pressed key as its ASCII number, 0 for none."""
    if result == "0":
        return ""
    if not (result.isascii() and result.isdecimal() and 32 < int(result) < 127):
        raise AgiCommandFailed("Asterisk reported no key of a telephone.")
    return chr(int(result))
