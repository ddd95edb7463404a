"""What a flow may do with the telephone, and how it is done over AGI."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Protocol

from pydantic import SecretStr

from callcenter.asterisk import variables
from callcenter.asterisk.fastagi import AgiChannel
from callcenter.ivr.prompts import MissingAudio, PromptLibrary, UnknownPrompt
from callcenter.speech.languages import Language

KEYS = "0123456789*#"

_FREEZE_SECONDS = 3
"""Beyond what a command may rightly take: how long a caller waits for a service that froze."""
_ASTERISK_GONE_SECONDS = 15.0
"""Beyond it we stop waiting for Asterisk: the channel's own time-out has run off long ago."""
_UNKNOWN_PROMPT_SECONDS = 60.0
"""Assumed length of a prompt of which no audio is known to us (recorded by hand, or of an older revision)."""
_ANSWER_SECONDS = 1.0
"""ANSWER waits about 0.5 s for the first RTP (measured)."""
_WAY_EVENTS = 6
"""In one event of the ledger: as long as they may be, they fit into AGI's line (agi_channel.MAX_COMMAND_BYTES)."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Audio that is no prompt of ours: an article, an announcement of today.

    ``file``: as Asterisk plays it, without suffix, absolute or below its sounds folder. ``seconds``: how long.
    """

    file: str
    seconds: float


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """A prompt in the language that the caller does not hear now ("for English, press...")."""

    prompt_id: str


Spoken = str | Sound | OtherLanguage
"""What can be played; a plain string is a prompt's id."""


class Line(Protocol):
    """A call as a step sees it. Every method raises CallerHungUp once the caller is gone.

    It is answered before the first thing that the caller is to hear, and not before: what must be looked up for that
    is looked up while the telephone still rings, not in silence.
    """

    @property
    def uniqueid(self) -> str:
        """Asterisk's id of the caller's channel."""

    @property
    def caller_number(self) -> str:
        """As the dialplan let it through: digits and ``+``, or anything else for a withheld one. A hint."""

    @property
    def language(self) -> Language: ...

    async def say(self, spoken: Sequence[Spoken]) -> None:
        """Play one after the other, to the end."""

    async def say_until_key(self, spoken: Sequence[Spoken]) -> str:
        """Play one after the other until a key is pressed; the key, or ``""`` when none was."""

    async def ask_key(self, spoken: Sequence[Spoken], timeout_seconds: int) -> str:
        """Play, and wait for one key during it or within ``timeout_seconds`` after it; ``""`` is silence."""

    async def ask_digits(self, prompt_id: str, *, max_digits: int, timeout_seconds: int, alone: str = "") -> SecretStr:
        """Play, and collect digits until ``#``, ``max_digits`` or silence. Never logged by any line.

        ``alone``: keys each of which, pressed first, is the whole answer at once.
        """

    async def get_variable(self, name: str) -> str:
        """A channel variable; ``""`` when it is not set."""

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable. Raises ValueError for a value that is not plain (variables.VALUE)."""

    async def set_language(self, language: Language) -> None: ...

    async def event(self, kind: str, values: Mapping[str, str]) -> None:
        """Write a fact into the ledger. Raises ValueError for a value that is not plain."""

    async def add_to_way(self, kind: str, values: Mapping[str, str]) -> None:
        """A fact about the call's way, for the ledger: written together with others, before the next thing that the
        caller could notice. Raises ValueError for a value that is not plain."""

    async def write_way(self) -> None:
        """Write what was added now: nothing else will be done on this line."""

    async def start_recording(self, file: str) -> None:
        """Record what is said from now on, while connected to somebody, into ``file`` (``*.raw``) below the recordings
        folder."""

    async def record_message(self, file: str, *, max_seconds: int, silence_seconds: int) -> float:
        """A beep, then record the caller alone into ``file`` (``*.wav``) below the recordings folder.

        Ends by a key, by silence or after ``max_seconds``; the seconds recorded. When the caller hangs up the
        file stays, and CallerHungUp is raised as ever.
        """

    async def hand_over(self, values: Mapping[str, str]) -> None:
        """Set these variables in this order and let go of the call: the dialplan goes on with it.

        All of them or none, even if this process dies meanwhile. Raises ValueError for a value that is not plain.
        """


class AgiLine:
    """A :class:`Line` over FastAGI.

    Before every command the channel's absolute time-out is set to what the command may rightly take and
    3 s more; with AGIEXITONHANGUP the dialplan then takes the call from a service that froze
    (asterisk-facts, FastAGI). So a frozen service costs the caller at most that.
    """

    def __init__(self, channel: AgiChannel, prompts: PromptLibrary, recordings_dir: PurePath) -> None:
        self._channel = channel
        self._prompts = prompts
        self._recordings_dir = recordings_dir
        self._variables = dict(channel.told)
        self._language: Language = "en" if channel.variables.get("language", "").startswith("en") else "zh"
        self._armed_until = 0.0
        self._way: list[tuple[str, Mapping[str, str]]] = []
        self._is_answered = bool(channel.told.get(variables.STEP))  # a call that was parked comes back

    @property
    def uniqueid(self) -> str:
        return self._channel.variables.get("uniqueid", "")

    @property
    def caller_number(self) -> str:
        return self._channel.variables.get("callerid", "")

    @property
    def language(self) -> Language:
        return self._language

    async def say(self, spoken: Sequence[Spoken]) -> None:
        for one in spoken:
            await self._play(one, "")

    async def say_until_key(self, spoken: Sequence[Spoken]) -> str:
        for one in spoken:
            if key := await self._play(one, KEYS):
                return key
        return ""

    async def ask_key(self, spoken: Sequence[Spoken], timeout_seconds: int) -> str:
        *before, last = spoken
        if key := await self.say_until_key(before):
            return key
        key, timed_out = await self._play_and_collect(last, timeout_seconds, 1)
        return key or ("" if timed_out else "#")  # "#" ends GET DATA and is not in its result

    async def ask_digits(self, prompt_id: str, *, max_digits: int, timeout_seconds: int, alone: str = "") -> SecretStr:
        digits, _ = await self._play_and_collect(prompt_id, timeout_seconds, 1 if alone else max_digits)
        # Asterisk forgets a key that comes between two commands; after one key none comes for 80 ms (tone and pause)
        while alone and digits and digits not in alone and len(digits) < max_digits:
            await self._arm(timeout_seconds)
            key = await self._channel.wait_for_digit(timeout_seconds)
            if key in ("", "#"):
                break
            digits += key
        return SecretStr(digits)

    async def get_variable(self, name: str) -> str:
        if name not in self._variables:
            await self._arm(0)
            self._variables[name] = await self._channel.get_variable(name) or ""
        return self._variables[name]

    async def set_variable(self, name: str, value: str) -> None:
        _require_plain(name, value)
        await self._arm(0)
        await self._channel.set_variable(name, value)
        self._variables[name] = value

    async def set_language(self, language: Language) -> None:
        await self._arm(0)
        await self._channel.set_variable("CHANNEL(language)", language)
        self._language = language

    async def event(self, kind: str, values: Mapping[str, str]) -> None:
        payload = variables.format_payload(values)
        await self._arm(0)
        await self._write_way()
        await self._channel.execute("CELGenUserEvent", kind, payload)

    async def add_to_way(self, kind: str, values: Mapping[str, str]) -> None:
        variables.format_payload(values)
        self._way.append((kind, values))
        if self._armed_until - asyncio.get_running_loop().time() < _FREEZE_SECONDS - 1:
            await self._arm(0)  # steps that only ask the database say nothing else to the channel

    async def write_way(self) -> None:
        if self._way:  # once the call is handed over, nothing may be armed
            await self._arm(0)
            await self._write_way()

    async def start_recording(self, file: str) -> None:
        await self._prepare(0)
        # b: only while connected, so neither menu nor music; D: both sides apart; no command is run afterwards, no beep
        await self._channel.execute("MixMonitor", str(self._recordings_dir / file), "bD")

    async def record_message(self, file: str, *, max_seconds: int, silence_seconds: int) -> float:
        path = self._recordings_dir / file
        await self._prepare(max_seconds)
        recording = await self._channel.record_file(
            str(path.with_suffix("")),
            path.suffix.removeprefix("."),
            max_seconds=max_seconds,
            escape_digits=KEYS,
            silence_seconds=silence_seconds,
            beep=True,
        )
        return recording.duration_seconds

    async def hand_over(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            _require_plain(name, value)
        await self._prepare(0)
        # one command; the dialplan disarms too, but a call must not be lost to what we armed
        pairs = {"TIMEOUT(absolute)": "0", **values}
        await self._channel.execute("MSet", *(f"{name}={value}" for name, value in pairs.items()))
        self._armed_until = 0.0

    async def _play(self, spoken: Spoken, keys: str) -> str:
        sound = self._sound(spoken)
        await self._prepare(sound.seconds)
        return await self._channel.stream_file(sound.file, keys, at_most_seconds=sound.seconds + _ASTERISK_GONE_SECONDS)

    async def _play_and_collect(self, spoken: Spoken, timeout_seconds: int, max_digits: int) -> tuple[str, bool]:
        """One command, so that no key is lost between prompt and wait. The wait counts anew for each digit."""
        sound = self._sound(spoken)
        seconds = sound.seconds + timeout_seconds * max_digits
        await self._prepare(seconds)
        return await self._channel.get_data(
            sound.file, timeout_seconds, max_digits, at_most_seconds=seconds + _ASTERISK_GONE_SECONDS
        )

    async def _prepare(self, seconds: float) -> None:
        """Before what the caller hears, for ``seconds``: time for it, the way so far into the ledger, the answer."""
        await self._arm(seconds if self._is_answered else seconds + _ANSWER_SECONDS)
        await self._write_way()
        if not self._is_answered:
            await self._channel.answer()
            self._is_answered = True

    async def _write_way(self) -> None:
        while self._way:
            now, self._way = self._way[:_WAY_EVENTS], self._way[_WAY_EVENTS:]
            if len(now) == 1:
                ((kind, values),) = now
                await self._channel.execute("CELGenUserEvent", kind, variables.format_payload(values))
            else:
                await self._channel.execute("CELGenUserEvent", variables.EVENT_WAY, variables.format_way(now))

    async def _arm(self, seconds: float) -> None:
        """Leave the channel ``seconds`` + 3 s from now, unless it has about that already: from commands just before,
        or as the rest of a prompt that was heard to its end."""
        now = asyncio.get_running_loop().time()
        beyond = self._armed_until - now - seconds
        if _FREEZE_SECONDS - 1 <= beyond <= _FREEZE_SECONDS + 1:
            return
        wanted = math.ceil(seconds + _FREEZE_SECONDS)
        await self._channel.set_variable("TIMEOUT(absolute)", str(wanted))
        self._armed_until = now + wanted

    def _sound(self, spoken: Spoken) -> Sound:
        match spoken:
            case Sound():
                return spoken
            case OtherLanguage(prompt_id):
                other: Language = "zh" if self._language == "en" else "en"
                # Asterisk finds no such file below its own language's folder, and then looks below all of them
                return Sound(f"{other}/{self._file(prompt_id)}", self._seconds(prompt_id, other))
            case prompt_id:
                return Sound(self._file(prompt_id), self._seconds(prompt_id, self._language))

    def _seconds(self, prompt_id: str, language: Language) -> float:
        try:
            return self._prompts.duration_seconds(prompt_id, language)
        except (UnknownPrompt, MissingAudio):
            return _UNKNOWN_PROMPT_SECONDS

    def _file(self, prompt_id: str) -> str:
        try:
            return self._prompts.sound(prompt_id)
        except UnknownPrompt:
            return f"cc/{prompt_id}"  # a call on an older revision: its audio may still be there


def _require_plain(name: str, value: str) -> None:
    if not variables.VALUE.fullmatch(value):
        raise ValueError(f"not plain: {name}")
