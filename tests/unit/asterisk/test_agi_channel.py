"""AgiChannel: each reply as a real Asterisk 22.10 gave it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from callcenter.asterisk import agi_channel
from callcenter.asterisk.agi_channel import AgiChannel, Recording
from callcenter.asterisk.errors import AgiCommandFailed, AgiDesynchronised, AgiRefused, AgiTimeout, CallerHungUp
from tests.support.agi_peer import CLOSE, RESET, UNIQUEID, request_block, talk

Handler = Callable[[AgiChannel], Awaitable[Any]]

USAGE = (
    "520-Invalid command syntax.  Proper usage follows:\n"
    "Send the given file, allowing playback to be interrupted by the given digits, if any.\n"
    "It sets the following channel variables upon completion:\n"
    "<variable>PLAYBACKSTATUS</variable>: The status of the playback attempt as a text string.\n"
    "520 End of proper usage."
)


# -- the request


async def test_request_gives_path_query_and_variables() -> None:
    async def look(channel: AgiChannel) -> Any:
        return channel.path, channel.query, channel.variables

    said = await talk(look, block=request_block("ivr/step?x=1&who=%E5%BC%A0&empty=", arg_1="a"))
    path, query, variables = said.result
    assert path == "ivr/step"
    assert query == {"x": "1", "who": "张", "empty": ""}
    assert variables["uniqueid"] == UNIQUEID
    assert variables["callerid"] == "+8613800000001"
    assert (variables["dnid"], variables["language"], variables["extension"]) == ("8000", "zh", "s")
    assert (variables["accountcode"], variables["arg_1"]) == ("", "a")


@pytest.mark.parametrize(
    "block",
    [
        b"\n\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        request_block(uniqueid=""),
        request_block(uniqueid="../../etc/passwd"),
        request_block(calleridname="x\nagi_extension: vip"),  # would stand in for the header that comes later
        request_block(calleridname="x\nnonsense"),
        request_block("?" + "&".join(f"k{n}=1" for n in range(40))),
    ],
)
def test_what_asterisk_would_not_write_is_refused(block: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        agi_channel.parse_request(block)


# -- commands and their replies


@pytest.mark.parametrize(
    ("call", "command", "reply", "result"),
    [
        (lambda c: c.get_variable("CC_DID"), "GET VARIABLE CC_DID", "200 result=1 (8000)", "8000"),
        (lambda c: c.get_variable("CC_DID"), "GET VARIABLE CC_DID", "200 result=0", None),
        (lambda c: c.get_variable("CC_DID"), "GET VARIABLE CC_DID", "200 result=1 ()", ""),
        (lambda c: c.get_variable("CALLERID(num)"), "GET VARIABLE CALLERID(num)", '200 result=1 (a"b\\c)', 'a"b\\c'),
        (lambda c: c.get_variable("X"), "GET VARIABLE X", "200 result=1 (a) endpos=5)", "a) endpos=5"),
        (lambda c: c.get_variable("X"), "GET VARIABLE X", "200 result=1 (one\ntwo (2);\n3)", "one\ntwo (2);\n3"),
        (lambda c: c.get_variable("X"), "GET VARIABLE X", "100 result=0 Trying...\n200 result=1 (late)", "late"),
        (
            lambda c: c.set_variable("TIMEOUT(absolute)", 'a"b\\c ${X} 张'),
            'SET VARIABLE TIMEOUT(absolute) "a\\"b\\\\c ${X} 张"',
            "200 result=1",
            None,
        ),
        (lambda c: c.answer(), "ANSWER", "200 result=0", None),
        (lambda c: c.hangup(), "HANGUP", "200 result=1", None),
        (
            lambda c: c.execute("CELGenUserEvent", "CC_STEP", "flow=main:step=menu"),
            'EXEC CELGenUserEvent "CC_STEP,flow=main:step=menu"',
            "200 result=0",
            "0",
        ),
        (lambda c: c.execute("NoOp"), 'EXEC NoOp ""', "200 result=0", "0"),
        (lambda c: c.stream_file("cc/greeting"), 'STREAM FILE "cc/greeting" ""', "200 result=0 endpos=3404", ""),
        (lambda c: c.stream_file("cc/menu", "12#"), 'STREAM FILE "cc/menu" "12#"', "200 result=35 endpos=160", "#"),
        (lambda c: c.get_data("cc/card", 5, 4), 'GET DATA "cc/card" 5000 4', "200 result=1234", ("1234", False)),
        (lambda c: c.get_data("cc/card", 0.3, 4), 'GET DATA "cc/card" 300 4', "200 result=12 (timeout)", ("12", True)),
        (lambda c: c.get_data("cc/card", 1, 4), 'GET DATA "cc/card" 1000 4', "200 result= (timeout)", ("", True)),
        (lambda c: c.get_data("cc/card", 1, 4), 'GET DATA "cc/card" 1000 4', "200 result=", ("", False)),
        (lambda c: c.wait_for_digit(2), "WAIT FOR DIGIT 2000", "200 result=48", "0"),
        (lambda c: c.wait_for_digit(0), "WAIT FOR DIGIT 1", "200 result=0", ""),
        (
            lambda c: c.record_file("/r/a", "wav", max_seconds=60, silence_seconds=3, beep=True),
            'RECORD FILE "/r/a" wav "#" 60000 BEEP s=3',
            "200 result=35 (dtmf) endpos=16000",
            Recording("digit", "#", 2.0),
        ),
        (
            lambda c: c.record_file("/r/a", "wav", max_seconds=1),
            'RECORD FILE "/r/a" wav "#" 1000',
            "200 result=0 (timeout) endpos=8000",
            Recording("timeout", "", 1.0),
        ),
        (
            lambda c: c.record_file("/r/a", "wav", max_seconds=60, silence_seconds=5),
            'RECORD FILE "/r/a" wav "#" 60000 s=5',
            "200 result=54983 (timeout) endpos=8160",  # as Asterisk 22.10 reports silence
            Recording("timeout", "", 1.02),
        ),
    ],
)
async def test_a_command_and_its_reply(call: Handler, command: str, reply: str, result: object) -> None:
    said = await talk(call, reply)
    assert said.error is None
    assert said.commands == [command]
    assert said.result == result


async def test_the_value_hangup_is_no_hang_up() -> None:
    said = await talk(lambda c: c.get_variable("X"), "200 result=1 (hangup)")
    assert (said.result, said.error) == ("hangup", None)


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.set_variable("X", "a\nHANGUP"),
        lambda c: c.set_variable("X", "a\rb"),
        lambda c: c.set_variable("X", "a\x00b"),
        lambda c: c.set_variable("X", "\ud800"),
        lambda c: c.set_variable("X", "x" * 2000),
        lambda c: c.set_variable('X" "y', "a"),
        lambda c: c.get_variable("X Y"),
        lambda c: c.get_variable("X\nHANGUP"),
        lambda c: c.stream_file("a\nHANGUP"),
        lambda c: c.stream_file("a", '1" "2'),
        lambda c: c.get_data("a\nb", 1, 1),
        lambda c: c.execute("Set X"),
        lambda c: c.execute("NoOp", "a,b"),
        lambda c: c.execute("NoOp", "a\nHANGUP"),
        lambda c: c.record_file("a", "wav x", max_seconds=1),
    ],
)
async def test_what_would_become_another_command_is_not_sent(call: Handler) -> None:
    async def try_then_go_on(channel: AgiChannel) -> Any:
        with pytest.raises(AgiRefused):
            await call(channel)
        return await channel.get_variable("X")

    said = await talk(try_then_go_on, "200 result=1 (next)")
    assert (said.commands, said.result) == (["GET VARIABLE X"], "next")


# -- the caller is gone


@pytest.mark.parametrize(
    "replies",
    [
        ["200 result=-1 endpos=4000\nHANGUP"],
        ["200 result=-1 endpos=4000", "HANGUP\n511 Command Not Permitted on a dead channel or intercept routine"],
        ["200 result=-1 endpos=4000", "511 Command Not Permitted on a dead channel or intercept routine"],
        ["200 result=-1 endpos=4000", CLOSE],
        ["HANGUP\n200 result=0 endpos=0"],
        ["511 Command Not Permitted on a dead channel or intercept routine"],
        ["100 result=0 Trying...\nHANGUP"],
        [CLOSE],
        [RESET],
    ],
)
async def test_a_hang_up_however_it_shows(replies: list[object]) -> None:
    async def play_then_go_on(channel: AgiChannel) -> None:
        with pytest.raises(CallerHungUp):
            await channel.stream_file("cc/greeting")
        await channel.get_variable("X")

    said = await talk(play_then_go_on, *replies)
    assert isinstance(said.error, CallerHungUp)
    assert "GET VARIABLE X" not in said.commands


async def test_a_hang_up_between_two_commands() -> None:
    async def two(channel: AgiChannel) -> Any:
        assert await channel.get_variable("X") == "1"
        return await channel.get_variable("Y")

    said = await talk(two, "200 result=1 (1)\nHANGUP", "200 result=1 (2)")
    assert isinstance(said.error, CallerHungUp)


async def test_hanging_up_ends_the_conversation() -> None:
    async def hang_up_then_go_on(channel: AgiChannel) -> None:
        await channel.hangup()
        await channel.get_variable("X")

    said = await talk(hang_up_then_go_on, "200 result=1\nHANGUP", "200 result=1 (x)")
    assert isinstance(said.error, CallerHungUp)


# -- the caller is there, the command failed: the next one gets its own answer


@pytest.mark.parametrize(
    ("call", "replies"),
    [
        (lambda c: c.stream_file("nosuch"), ["200 result=-1 endpos=0", "200 result=6"]),
        (lambda c: c.get_data("nosuch", 1, 4), ["200 result=-1", "200 result=6"]),
        (lambda c: c.get_data("cc/card", 1, 4), ["200 result=12;3"]),
        (lambda c: c.get_data("cc/card", 1, 4), ["200 result=١٢"]),
        (lambda c: c.record_file("/no/x", "wav", max_seconds=1), ["200 result=-1 (writefile)", "200 result=6"]),
        (lambda c: c.execute("NoSuchApp"), ["200 result=-2"]),
        (lambda c: c.stream_file("x"), ["510 Invalid or unknown command"]),
        (lambda c: c.stream_file("x"), [USAGE]),
        (lambda c: c.stream_file("x"), ["520 Invalid command syntax.  Proper usage not available."]),
    ],
)
async def test_a_failed_command_leaves_the_next_one_its_answer(call: Handler, replies: list[str]) -> None:
    async def fail_then_go_on(channel: AgiChannel) -> Any:
        with pytest.raises(AgiCommandFailed):
            await call(channel)
        return await channel.get_variable("X"), await channel.get_variable("Y")

    said = await talk(fail_then_go_on, *replies, "200 result=1 (x)", "200 result=1 (y)")
    assert (said.error, said.result) == (None, ("x", "y"))


# -- Asterisk is silent, or talks nonsense


async def test_silence_is_a_time_out_and_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask_twice(channel: AgiChannel) -> None:
        with pytest.raises(AgiTimeout):
            await channel.stream_file("cc/greeting", at_most_seconds=0.05)
        await channel.get_variable("X")

    said = await talk(ask_twice)
    assert isinstance(said.error, AgiTimeout)
    assert len(said.commands) == 1


@pytest.mark.parametrize(
    "reply",
    [
        "nonsense",
        "agi_threadid: 1",
        "200 ok",
        "200 result=1 (unended",
        "999 result=1",
        "x" * 20_000,
        "520-usage\n" * 300,
    ],
)
async def test_nonsense_ends_the_conversation(reply: str) -> None:
    async def ask_twice(channel: AgiChannel) -> None:
        with pytest.raises((AgiDesynchronised, AgiTimeout)):
            await channel._command("GET VARIABLE", "X", within_seconds=0.2)
        await channel.get_variable("Y")

    said = await talk(ask_twice, reply)
    assert isinstance(said.error, AgiDesynchronised | AgiTimeout)
    assert len(said.commands) == 1


async def test_the_rest_of_a_value_is_never_taken_for_a_reply() -> None:
    """A line of the value that ends in ``)`` looks like its end; what follows must not answer the next command."""

    async def ask_twice(channel: AgiChannel) -> Any:
        await channel.get_variable("X")
        return await channel.get_variable("Y")

    said = await talk(ask_twice, "200 result=1 (one)\ntwo)", "200 result=1 (y)")
    assert isinstance(said.error, AgiDesynchronised)


async def test_a_cancelled_command_ends_the_conversation() -> None:
    async def give_up(channel: AgiChannel) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await channel.get_variable("X")
        await channel.get_variable("Y")

    said = await talk(give_up)
    assert isinstance(said.error, AgiDesynchronised)
    assert said.commands == ["GET VARIABLE X"]


async def test_commands_of_two_tasks_do_not_mix() -> None:
    async def both(channel: AgiChannel) -> Any:
        return await asyncio.gather(channel.get_variable("X"), channel.get_variable("Y"))

    said = await talk(both, "200 result=1 (x)", "200 result=1 (y)")
    assert said.result == ["x", "y"]
