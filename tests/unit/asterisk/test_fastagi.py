"""FastAgiServer: what connects, what is let through, how it ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import LogCapture

from callcenter.asterisk import fastagi
from callcenter.asterisk.errors import AgiError
from callcenter.asterisk.fastagi import AgiChannel, FastAgiServer
from tests.support.agi_peer import request_block, reset, talk
from tests.support.ami_peer import eventually


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    capture = LogCapture()
    monkeypatch.setattr(fastagi, "log", structlog.wrap_logger(None, processors=[capture]))
    return capture.entries


async def _ask(channel: AgiChannel) -> None:
    await channel.get_variable("X")


@asynccontextmanager
async def serving(
    handler: Callable[[AgiChannel], Awaitable[None]] = _ask, **options: Any
) -> AsyncIterator[FastAgiServer]:
    server = FastAgiServer("127.0.0.1", 0, handler, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


def _connections(server: FastAgiServer) -> int:
    return len(server._newcomers) + len(server._conversations)


async def _is_served(server: FastAgiServer) -> bool:
    """A good client gets its command."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request_block())
    command = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return command == b"GET VARIABLE X\n"


async def _ends_without_a_word(reader: asyncio.StreamReader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(), 10) == b""
    except ConnectionResetError:
        return True


# -- what is no Asterisk


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n",
        b"agi_network: yes\n\n",
        b"x" * 100_000,
        b"x" * 20_000 + b"\n\n",
    ],
)
async def test_garbage_is_closed_and_the_next_call_served(garbage: bytes, logged: list[Any]) -> None:
    async with serving(request_timeout_seconds=0.5) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(garbage)
        assert await _ends_without_a_word(reader)
        writer.close()
        assert await _is_served(server)
        await eventually(lambda: not _connections(server))
    assert {entry["log_level"] for entry in logged} == {"debug"}
    assert "xxx" not in repr(logged)


async def test_a_port_scan_costs_nothing(logged: list[Any]) -> None:
    async with serving() as server:
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.close()
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            reset(writer)
        assert await _is_served(server)
        await eventually(lambda: not _connections(server))
    assert {entry["log_level"] for entry in logged} == {"debug"}


async def test_a_slow_loris_is_closed(logged: list[Any]) -> None:
    async with serving(request_timeout_seconds=0.1) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"agi_network: yes\n")
        assert await _ends_without_a_word(reader)
        assert [entry["reason"] for entry in logged] == ["TimeoutError"]


async def test_conversations_beyond_the_limit_are_closed_and_told_once(logged: list[Any]) -> None:
    async with serving(max_conversations=2) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        for reader, writer in held:
            writer.write(request_block())
            assert await reader.readline()
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(request_block())
            assert await _ends_without_a_word(reader)
            writer.close()
        for _, writer in held:
            writer.close()
        await eventually(lambda: not _connections(server))
        assert await _is_served(server)
    assert [entry["event"] for entry in logged].count("agi_server_full") == 1


async def test_who_says_nothing_gives_way_to_the_next_caller(logged: list[Any]) -> None:
    async with serving(max_newcomers=3, request_timeout_seconds=60) as server:
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(5)]
        await eventually(lambda: len(server._newcomers) == 3)
        assert [await _ends_without_a_word(reader) for reader, _ in silent[:2]] == [True, True]
        assert await _is_served(server)  # in the place of the third
        assert await _ends_without_a_word(silent[2][0])
        await eventually(lambda: len(server._newcomers) == 2)
        for _, writer in silent:
            writer.close()
        await eventually(lambda: not _connections(server))
    assert {entry["log_level"] for entry in logged} == {"debug"}


async def test_a_conversation_gives_way_to_nobody() -> None:
    async with serving(max_newcomers=2, request_timeout_seconds=60) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request_block())
        assert await reader.readline() == b"GET VARIABLE X\n"
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(10)]
        await eventually(lambda: len(server._newcomers) == 2 and len(server._conversations) == 1)
        writer.write(b"200 result=1 (x)\n")
        assert await reader.read() == b""
        for _, one in [*silent, (reader, writer)]:
            one.close()


async def test_what_a_stranger_sends_without_end_is_not_kept() -> None:
    async with serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        with suppress(ConnectionError):
            for _ in range(2_000):
                writer.write(b"x" * 10_000)
                await writer.drain()
        assert await _ends_without_a_word(reader)
        writer.close()
        await eventually(lambda: not _connections(server))


WIRE = st.one_of(st.binary(max_size=100), st.sampled_from([b"\n", b"\n\n", b"agi_network: yes\n", request_block()]))


@settings(deadline=None, max_examples=40)
@given(st.lists(WIRE, max_size=6), st.booleans())
def test_whatever_connects_the_next_call_is_served(chunks: list[bytes], hard: bool) -> None:
    async def spoil_then_call() -> None:
        unhandled: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        async with serving() as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            with suppress(OSError):
                for chunk in chunks:
                    writer.write(chunk)
                    await writer.drain()
            reset(writer) if hard else writer.close()
            assert await _is_served(server)
            assert await server.drain(10) == 0
        assert not unhandled

    asyncio.run(spoil_then_call())


@settings(deadline=None, max_examples=40)
@given(st.one_of(st.binary(max_size=100), st.from_regex(rb"(100|200|510|511|520)[ -](result=.{0,20})?\n(HANGUP\n)?")))
def test_whatever_is_replied_ends_in_an_answer_or_an_agi_error(reply: bytes) -> None:
    async def one_call() -> None:
        seen: list[object] = []

        async def handle(channel: AgiChannel) -> None:
            try:
                await channel._command("GET VARIABLE", "X", within_seconds=5, has_value=True)
                seen.append("answer")
            except AgiError as error:
                seen.append(error)

        async with serving(handle) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(request_block())
            await reader.readline()
            writer.write(reply)
            writer.write_eof()
            assert await server.drain(10) == 0
            writer.close()
        assert len(seen) == 1

    asyncio.run(one_call())


# -- handlers


async def test_a_handler_that_fails_is_logged_and_its_call_let_go(logged: list[Any]) -> None:
    async def fail(channel: AgiChannel) -> None:
        raise ZeroDivisionError

    said = await talk(fail)
    assert isinstance(said.error, ZeroDivisionError)
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [("agi_handler_failed", "error")]


async def test_a_hang_up_is_no_fault(logged: list[Any]) -> None:
    await talk(_ask, "HANGUP")
    assert [(entry["event"], entry["log_level"]) for entry in logged] == [("agi_caller_hung_up", "debug")]


# -- the end


async def test_draining_refuses_new_calls_and_lets_running_ones_finish() -> None:
    finish = asyncio.Event()

    async def wait(channel: AgiChannel) -> None:
        await finish.wait()
        await channel.get_variable("X")

    async with serving(wait) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request_block())
        await eventually(lambda: server._conversations)
        server.stop_accepting()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)
        assert await server.drain(0.05) == 1
        finish.set()
        assert await reader.readline() == b"GET VARIABLE X\n"
        writer.write(b"200 result=1 (x)\n")
        assert await server.drain(10) == 0
        assert await reader.read() == b""
        writer.close()


async def test_close_ends_what_still_runs_and_asyncio_finds_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[str] = []
    ended: list[str] = []

    async def stay(channel: AgiChannel) -> None:
        begun.append(channel.path)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(channel.path)

    async with serving(stay) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request_block("flow"))
        await eventually(lambda: begun)
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await eventually(lambda: _connections(server) == 2)
        await server.close()
        assert ended == ["flow"]
        assert await _ends_without_a_word(reader)
        assert await _ends_without_a_word(idle)
        writer.close()
        idle_writer.close()
    assert caplog.record_tuples == []
