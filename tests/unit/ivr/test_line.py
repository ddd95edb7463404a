"""A call over AGI: what Asterisk is asked, and that no freeze of ours holds a caller for long."""

import math
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any

import pytest

from callcenter.asterisk.agi_channel import AgiChannel
from callcenter.asterisk.fastagi import FastAgiServer
from callcenter.ivr.line import AgiLine, OtherLanguage, Sound
from callcenter.ivr.prompts import Audio, Prompt, PromptLibrary
from tests.support import agi_peer
from tests.support.agi_caller import AgiCaller


def prompt(prompt_id: str, zh_seconds: float, en_seconds: float) -> Prompt:
    def audio(seconds: float) -> Audio:
        return Audio("test", "1", "nobody", "", seconds)

    return Prompt(prompt_id, f"cc/{prompt_id}", {}, None, {"zh": audio(zh_seconds), "en": audio(en_seconds)})


PROMPTS = PromptLibrary(
    Path(), MappingProxyType({one.id: one for one in (prompt("hi", 4.2, 7.0), prompt("choose", 10, 20))})
)


async def with_line(
    talk: Callable[[AgiLine], Awaitable[Any]], keys: Iterable[str] = (), *, step: str = "queue", **variables: str
) -> tuple[AgiCaller, Any]:
    """Run ``talk`` as one visit; the caller's side of it, and what it returned.

    ``step``: where the call was parked before, long answered; ``""`` for a new call.
    """
    results: list[Any] = []

    async def handle(channel: AgiChannel) -> None:
        results.append(await talk(AgiLine(channel, PROMPTS, PurePath("/recordings"))))

    server = FastAgiServer("127.0.0.1", 0, handle)
    await server.start()
    caller = AgiCaller(server.port, keys=keys, CC_STEP=step, **variables)
    await caller.visit()
    await server.close()
    (result,) = results
    return caller, result


async def test_say_is_armed_with_the_length_of_the_prompt() -> None:
    async def talk(line: AgiLine) -> None:
        await line.say(["hi", "choose"])

    caller, _ = await with_line(talk)
    assert caller.commands == [
        'SET VARIABLE TIMEOUT(absolute) "8"',  # 4.2 s + 3 s, whole seconds
        'STREAM FILE "cc/hi" ""',
        'SET VARIABLE TIMEOUT(absolute) "13"',
        'STREAM FILE "cc/choose" ""',
    ]


async def test_the_length_is_that_of_the_language() -> None:
    async def talk(line: AgiLine) -> None:
        await line.set_language("en")
        await line.say(["hi"])

    caller, _ = await with_line(talk)
    assert caller.said() == ['SET VARIABLE CHANNEL(language) "en"', 'STREAM FILE "cc/hi" ""']
    assert caller.armed("STREAM FILE") == 10


async def test_an_announcement_that_a_key_cuts_short_gives_the_key() -> None:
    async def talk(line: AgiLine) -> str:
        return await line.say_until_key(["hi", "choose"])

    caller, result = await with_line(talk, ["4"])
    assert result == "4"
    assert caller.said() == ['STREAM FILE "cc/hi" "0123456789*#"']


async def test_a_prompt_in_the_other_language_lies_below_that_language() -> None:
    async def talk(line: AgiLine) -> None:
        await line.say([OtherLanguage("hi")])

    caller, _ = await with_line(talk)
    assert caller.said() == ['STREAM FILE "en/cc/hi" ""']
    assert caller.armed("STREAM FILE") == 10  # as long as it is in English


async def test_a_sound_that_is_no_prompt_is_played_as_long_as_it_lasts() -> None:
    async def talk(line: AgiLine) -> None:
        await line.say([Sound("/spoken/zh/article", 30)])

    caller, _ = await with_line(talk)
    assert caller.said() == ['STREAM FILE "/spoken/zh/article" ""']
    assert caller.armed("STREAM FILE") == 33


@pytest.mark.parametrize(("pressed", "key"), [("1", "1"), ("*", "*"), ("#", "#"), ("", "")])
async def test_a_key_is_asked_for_in_one_command(pressed: str, key: str) -> None:
    async def talk(line: AgiLine) -> str:
        return await line.ask_key(["choose"], 6)

    caller, result = await with_line(talk, [pressed])
    assert result == key
    assert caller.said() == ['GET DATA "cc/choose" 6000 1']
    assert caller.armed("GET DATA") == 19


async def test_a_key_cuts_a_prompt_before_the_menu_short() -> None:
    async def talk(line: AgiLine) -> str:
        return await line.ask_key(["hi", "choose"], 6)

    caller, result = await with_line(talk, ["*"])
    assert result == "*"
    assert caller.said() == ['STREAM FILE "cc/hi" "0123456789*#"']


async def test_digits_end_with_hash_and_are_armed_for_each_digits_wait() -> None:
    async def talk(line: AgiLine) -> str:
        digits = await line.ask_digits("hi", max_digits=6, timeout_seconds=5)
        assert "123456" not in repr(digits)
        return digits.get_secret_value()

    caller, result = await with_line(talk, ["123456#"])
    assert result == "123456"
    assert caller.said() == ['GET DATA "cc/hi" 5000 6']
    assert caller.armed("GET DATA") == 38  # 4.2 + 6 * 5 + 3


@pytest.mark.parametrize(
    ("keys", "digits"),
    [
        (["*"], "*"),  # at once: nothing else is asked
        (["1", "2", "3", "#", "4"], "123"),
        (["1", "2", "*", "4", "5", "6", "7"], "12*456"),
        (["1", "2", ""], "12"),
        (["#", "1"], ""),
        (["", "1"], ""),
    ],
)
async def test_a_key_pressed_alone_is_the_whole_answer_at_once(keys: list[str], digits: str) -> None:
    async def talk(line: AgiLine) -> str:
        return (await line.ask_digits("hi", max_digits=6, timeout_seconds=5, alone="*")).get_secret_value()

    caller, result = await with_line(talk, keys)
    assert result == digits
    first, *more = caller.said()
    assert first == 'GET DATA "cc/hi" 5000 1'
    assert set(more) <= {"WAIT FOR DIGIT 5000"}
    if more:
        assert caller.armed("WAIT") == 8


async def test_a_burst_of_commands_is_armed_once() -> None:
    async def talk(line: AgiLine) -> None:
        for n in range(20):
            await line.set_variable(f"CC_{n}", "x")

    caller, _ = await with_line(talk)
    assert caller.commands[0] == 'SET VARIABLE TIMEOUT(absolute) "3"'
    assert len(caller.said()) == 20
    assert len(caller.commands) <= 23  # one a second of a slow machine at most


async def test_after_a_prompt_that_was_cut_short_the_time_out_comes_down_again() -> None:
    async def talk(line: AgiLine) -> None:
        await line.ask_key(["choose"], 60)
        await line.event("CC_STEP", {"step": "x"})

    caller, _ = await with_line(talk, ["1"])
    assert caller.armed("GET DATA") == 73
    assert caller.armed("EXEC") == 3


async def test_the_call_is_handed_over_by_one_command() -> None:
    async def talk(line: AgiLine) -> None:
        await line.hand_over({"CC_DO": "queue", "CC_OWN_QUEUE": "", "CC_OK": "1"})

    caller, _ = await with_line(talk)
    assert caller.said() == []
    assert caller.commands[1:] == ['EXEC MSet "TIMEOUT(absolute)=0,CC_DO=queue,CC_OWN_QUEUE=,CC_OK=1"']


async def test_what_the_dialplan_told_is_not_asked_for() -> None:
    seen = {}

    async def handle(channel: AgiChannel) -> None:
        line = AgiLine(channel, PROMPTS, PurePath("/recordings"))
        seen["told"] = await line.get_variable("CC_DID")
        seen["empty"] = await line.get_variable("CC_STEP")
        seen["asked"] = await line.get_variable("CC_OTHER")
        await line.set_variable("CC_DID", "8001")
        seen["set"] = await line.get_variable("CC_DID")

    block = agi_peer.request_block(arg_1="CC_DID=8000", arg_2="CC_STEP=", arg_3="nothing")
    said = await agi_peer.talk(handle, "200 result=1", "200 result=1 (x)", "200 result=1", block=block)
    assert seen == {"told": "8000", "empty": "", "asked": "x", "set": "8001"}
    assert said.commands[1:] == ["GET VARIABLE CC_OTHER", 'SET VARIABLE CC_DID "8001"']


async def test_a_prompt_heard_to_its_end_leaves_time_enough_for_what_follows() -> None:
    async def talk(line: AgiLine) -> None:
        await line.event("CC_STEP", {"step": "x"})
        line._armed_until -= 0.9  # what is left when a prompt of 2.9 s, armed with 6, is over
        await line.event("CC_STEP", {"step": "y"})
        line._armed_until -= 0.2
        await line.event("CC_STEP", {"step": "z"})

    caller, _ = await with_line(talk)
    assert ["TIMEOUT" in command for command in caller.commands] == [True, False, False, True, False]


async def test_events_and_recordings_are_plain_applications() -> None:
    async def talk(line: AgiLine) -> None:
        await line.event("CC_STEP", {"flow": "main", "outcome": "star"})
        await line.start_recording("20260301/complaint-pbx1-1.1.raw")

    caller, _ = await with_line(talk)
    assert caller.said() == [
        'EXEC CELGenUserEvent "CC_STEP,flow=main:outcome=star"',
        'EXEC MixMonitor "/recordings/20260301/complaint-pbx1-1.1.raw,bD"',
    ]


async def test_a_new_call_is_answered_when_there_is_something_to_hear() -> None:
    async def talk(line: AgiLine) -> None:
        await line.add_to_way("CC_FLOW", {"flow": "main"})
        await line.set_variable("CC_GRADE", "gold")
        await line.say(["hi", "hi"])

    caller, _ = await with_line(talk, step="")
    assert [command.split('"')[0] for command in caller.commands] == [
        "SET VARIABLE TIMEOUT(absolute) ",  # first of all: the service may freeze from now on
        "SET VARIABLE CC_GRADE ",
        "SET VARIABLE TIMEOUT(absolute) ",
        "EXEC CELGenUserEvent ",
        "ANSWER",
        "STREAM FILE ",
        "SET VARIABLE TIMEOUT(absolute) ",
        "STREAM FILE ",
    ]
    assert caller.armed("ANSWER") == math.ceil(PROMPTS.duration_seconds("hi", "zh") + 1 + 3)


@pytest.mark.parametrize("last", ["hand_over", "record_message", "start_recording"])
async def test_nothing_else_that_needs_a_caller_is_done_before_the_answer(last: str) -> None:
    async def talk(line: AgiLine) -> None:
        match last:
            case "hand_over":
                await line.hand_over({"CC_OK": "1"})
            case "record_message":
                await line.record_message("x.wav", max_seconds=5, silence_seconds=2)
            case _:
                await line.start_recording("x.wav")

    caller, _ = await with_line(talk, step="")
    assert caller.commands[1] == "ANSWER"


async def test_steps_that_only_ask_keep_the_channel_armed() -> None:
    """Each may wait a second for a database that is away; three of them must not look like a frozen service."""

    async def talk(line: AgiLine) -> None:
        for number in range(3):
            await line.add_to_way("CC_STEP", {"step": str(number)})
            line._armed_until -= 0.9  # the step after took that long

    caller, _ = await with_line(talk)
    assert caller.commands == ['SET VARIABLE TIMEOUT(absolute) "3"'] * 2


async def test_the_way_is_written_in_one_before_what_the_caller_notices() -> None:
    async def talk(line: AgiLine) -> None:
        await line.add_to_way("CC_FLOW", {"flow": "main", "rev": "1"})
        await line.add_to_way("CC_STEP", {"flow": "main", "step": "hours"})
        await line.set_variable("CC_GRADE", "gold")  # the caller notices nothing of it
        await line.say(["choose"])
        await line.add_to_way("CC_STEP", {"flow": "main", "step": "greet"})
        await line.event("CC_EMERGENCY", {"patient": "x"})
        for number in range(7):
            await line.add_to_way("CC_STEP", {"step": str(number)})
        await line.hand_over({"CC_OK": "1"})
        await line.write_way()  # nothing is left

    caller, _ = await with_line(talk)
    assert caller.said()[0] == 'SET VARIABLE CC_GRADE "gold"'
    assert [command for command in caller.said() if "CEL" in command] == [
        'EXEC CELGenUserEvent "CC_WAY,CC_FLOW:flow=main:rev=1~CC_STEP:flow=main:step=hours"',
        'EXEC CELGenUserEvent "CC_STEP,flow=main:step=greet"',
        'EXEC CELGenUserEvent "CC_EMERGENCY,patient=x"',
        'EXEC CELGenUserEvent "CC_WAY,' + "~".join(f"CC_STEP:step={number}" for number in range(6)) + '"',
        'EXEC CELGenUserEvent "CC_STEP,step=6"',
    ]
    assert caller.commands[-1].startswith("EXEC MSet")


async def test_the_longest_way_fits_into_a_line() -> None:
    async def talk(line: AgiLine) -> None:
        for _ in range(20):
            await line.add_to_way("CC_STEP", dict.fromkeys(("flow", "step", "outcome"), "x" * 80))
        await line.write_way()

    caller, _ = await with_line(talk)
    assert sum(command.count("CC_STEP") for command in caller.said()) == 20


@pytest.mark.parametrize("value", ["a b", "a,b", "a\nb", "${X}", '"', "中", "a:b", "a~b", "x" * 81])
async def test_values_that_are_not_plain_never_leave(value: str) -> None:
    async def talk(line: AgiLine) -> None:
        with pytest.raises(ValueError, match="not plain: CC_GRADE"):
            await line.set_variable("CC_GRADE", value)
        with pytest.raises(ValueError, match="not plain: grade"):
            await line.event("CC_WHO", {"grade": value})
        with pytest.raises(ValueError, match="not plain: grade"):
            await line.add_to_way("CC_WHO", {"grade": value})

    caller, _ = await with_line(talk)
    assert caller.commands == []


async def test_a_prompt_of_an_older_revision_is_still_played() -> None:
    async def talk(line: AgiLine) -> None:
        await line.say(["gone"])

    caller, _ = await with_line(talk)
    assert caller.said() == ['STREAM FILE "cc/gone" ""']
    assert caller.armed("STREAM FILE") == 63


async def test_variables_that_are_not_set_are_empty() -> None:
    async def talk(line: AgiLine) -> tuple[str, str, str, str]:
        known, unknown = await line.get_variable("CC_DID"), await line.get_variable("CC_GRADE")
        return known, unknown, line.caller_number, line.language

    _, result = await with_line(talk, CC_DID="8000")
    assert result == ("8000", "", "+8613800000001", "zh")
