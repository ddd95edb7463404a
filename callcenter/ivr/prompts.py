"""Spoken prompts: their texts (prompts/*.yaml), their audio (prompts/audio) and what the manifest knows of it.

``texts.yaml`` holds our own prompts, played as ``cc/<id>``; ``asterisk.yaml`` the sounds that Asterisk itself
plays (numbers, queue announcements) under Asterisk's own names. ``manifest.json`` is written by
:func:`callcenter.ivr.prompt_rendering.render` and says from which text, voice and provider each wav was made.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from callcenter.core.errors import CallcenterError, NotFound
from callcenter.speech.languages import LANGUAGES, Language

TEXTS_FILE = "texts.yaml"
ASTERISK_FILE = "asterisk.yaml"
MANIFEST_FILE = "manifest.json"
AUDIO_DIR = "audio"

_OWN_ID = re.compile(r"[a-z][a-z0-9_]*")
_ASTERISK_NAME = re.compile(r"([a-z]+/)?[a-z0-9][a-z0-9-]*")
_MAX_FILE_BYTES = 256 * 1024
_MAX_TEXT_LENGTH = 1000
_STRING_TAG = "tag:yaml.org,2002:str"


class InvalidPrompts(CallcenterError):
    """A prompt file cannot be used; the message names file and line."""

    status, code = 500, "invalid-prompts"
    title_en, title_zh = "A prompt file is not valid.", "语音提示文件无效。"


class UnknownPrompt(NotFound):
    """No prompt has this id."""

    code = "unknown-prompt"
    title_en, title_zh = "There is no such prompt.", "没有这条语音提示。"


class MissingAudio(NotFound):
    """The prompt has not been rendered in this language."""

    code = "missing-prompt-audio"
    title_en, title_zh = "This prompt has no audio yet.", "这条语音提示尚无录音。"


@dataclass(frozen=True, slots=True)
class Tone:
    """A plain tone in place of speech, the same in every language."""

    hertz: int
    seconds: float

    def __str__(self) -> str:
        return f"tone {self.hertz} Hz {self.seconds} s"


@dataclass(frozen=True, slots=True)
class Audio:
    """What the manifest knows of one wav file."""

    provider: str
    provider_version: str
    voice: str
    fingerprint: str
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt. ``sound`` is what Asterisk plays, without language and suffix: ``cc/greeting``, ``digits/1``.

    ``texts`` has every language, or none when ``tone`` is set; ``audio`` has the rendered languages.
    """

    id: str
    sound: str
    texts: Mapping[Language, str]
    tone: Tone | None
    audio: Mapping[Language, Audio]

    @property
    def duration_seconds(self) -> Mapping[Language, float]:
        """Length of the rendered audio by language."""
        return {language: audio.duration_seconds for language, audio in self.audio.items()}

    def spoken(self, language: Language) -> str:
        """The text to speak, or the description of the tone."""
        return str(self.tone) if self.tone else self.texts[language]


@dataclass(frozen=True, slots=True)
class PromptLibrary:
    """All prompts of one ``prompts`` folder, as they were when it was loaded.

    ``recorded_seconds``: by (sound, language), what the hospital's own recordings in their place may take.
    """

    prompts_dir: Path
    prompts: Mapping[str, Prompt]
    recorded_seconds: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Prompt]:
        return iter(self.prompts.values())

    def __contains__(self, prompt_id: object) -> bool:
        return prompt_id in self.prompts

    def get(self, prompt_id: str) -> Prompt:
        """The prompt with this id. Raises :class:`UnknownPrompt`."""
        try:
            return self.prompts[prompt_id]
        except KeyError:
            raise UnknownPrompt(f"There is no prompt {prompt_id!r}.", id=prompt_id) from None

    def sound(self, prompt_id: str) -> str:
        """What Asterisk plays for this prompt: ``cc/<id>``. Raises :class:`UnknownPrompt`."""
        return self.get(prompt_id).sound

    def duration_seconds(self, prompt_id: str, language: Language) -> float:
        """How long the prompt takes to play, in seconds. Raises :class:`UnknownPrompt`, :class:`MissingAudio`."""
        prompt = self.get(prompt_id)
        audio = prompt.audio.get(language)
        recorded = self.recorded_seconds.get((prompt.sound, language), 0.0)
        if audio is None and not recorded:
            raise MissingAudio(f"Prompt {prompt_id!r} has no audio in {language}.", id=prompt_id, language=language)
        return max(recorded, audio.duration_seconds if audio else 0.0)

    def with_recordings(self, seconds: Mapping[tuple[str, str], float]) -> "PromptLibrary":
        """The same prompts, some of which may take as long as these own recordings."""
        return replace(self, recorded_seconds=seconds)

    def audio_path(self, prompt: Prompt, language: Language) -> Path:
        """Where the wav of this prompt is, or will be."""
        return self.prompts_dir / AUDIO_DIR / audio_name(prompt, language)

    def missing_audio(self) -> list[str]:
        """Wav files that are not there, relative to ``prompts/audio``."""
        return [
            audio_name(prompt, language)
            for prompt in self
            for language in LANGUAGES
            if not self.audio_path(prompt, language).is_file()
        ]

    def stale_audio(self) -> list[str]:
        """Wav files that are there but were made from another text, or nobody knows from which."""
        return [
            audio_name(prompt, language)
            for prompt in self
            for language in LANGUAGES
            if self.audio_path(prompt, language).is_file() and not is_current(prompt, language)
        ]


def audio_name(prompt: Prompt, language: Language) -> str:
    """Path of the wav relative to ``prompts/audio``, as it is in Asterisk's ``sounds`` folder."""
    return f"{language}/{prompt.sound}.wav"


def fingerprint(text: str, voice: str, provider: str, provider_version: str) -> str:
    """sha256 over all that decides how a prompt sounds."""
    facts = json.dumps([text, voice, provider, provider_version], ensure_ascii=False)
    return hashlib.sha256(facts.encode()).hexdigest()


def is_current(prompt: Prompt, language: Language) -> bool:
    """Whether the manifest's audio was made from today's text."""
    audio = prompt.audio.get(language)
    if audio is None:
        return False
    return audio.fingerprint == fingerprint(
        prompt.spoken(language), audio.voice, audio.provider, audio.provider_version
    )


def load_prompts(prompts_dir: Path) -> PromptLibrary:
    """Read both text files and the manifest. Raises :class:`InvalidPrompts` with file and line."""
    manifest = load_manifest(prompts_dir)
    prompts: dict[str, Prompt] = {}
    for file_name, id_pattern, prefix in ((TEXTS_FILE, _OWN_ID, "cc/"), (ASTERISK_FILE, _ASTERISK_NAME, "")):
        path = prompts_dir / file_name
        for key, value in _entries(_root(path), path):
            prompt_id: str = key.value
            if not id_pattern.fullmatch(prompt_id):
                raise _invalid(path, key, f"{prompt_id!r} is no prompt id ({id_pattern.pattern})")
            if prompt_id in prompts:
                raise _invalid(path, key, f"the id {prompt_id!r} is already taken in {TEXTS_FILE}")
            prompts[prompt_id] = _prompt(prompt_id, prefix + prompt_id, value, path, manifest)
    return PromptLibrary(prompts_dir, MappingProxyType(prompts))


def load_manifest(prompts_dir: Path) -> dict[str, Audio]:
    """The manifest by audio name; empty when nothing has been rendered. Raises :class:`InvalidPrompts`."""
    path = prompts_dir / MANIFEST_FILE
    if not path.exists():
        return {}
    try:
        return {name: Audio(**facts) for name, facts in json.loads(path.read_text("utf-8"))["audio"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidPrompts(f"{path}: not a prompt manifest ({error}); render the prompts again.") from error


def _prompt(prompt_id: str, sound: str, value: yaml.Node, path: Path, manifest: Mapping[str, Audio]) -> Prompt:
    fields = {key.value: (key, node) for key, node in _entries(value, path)}
    tone = _tone(fields, value, path) if "tone_hertz" in fields else None
    texts: dict[Language, str] = {}
    if tone is None:
        for name, (key, _) in fields.items():
            if name not in LANGUAGES:
                raise _invalid(path, key, f"{name!r} is no language; use {' and '.join(LANGUAGES)}")
        for language in LANGUAGES:
            if language not in fields:
                raise _invalid(path, value, f"{prompt_id!r} has no text in {language!r}")
            texts[language] = _text(fields[language][1], path)
    audio = {language: manifest[name] for language in LANGUAGES if (name := f"{language}/{sound}.wav") in manifest}
    return Prompt(prompt_id, sound, MappingProxyType(texts), tone, MappingProxyType(audio))


def _tone(fields: Mapping[str, tuple[yaml.Node, yaml.Node]], value: yaml.Node, path: Path) -> Tone:
    if set(fields) != {"tone_hertz", "tone_seconds"}:
        raise _invalid(path, value, "a tone has exactly tone_hertz and tone_seconds")
    try:
        tone = Tone(int(fields["tone_hertz"][1].value), float(fields["tone_seconds"][1].value))
    except (TypeError, ValueError):
        raise _invalid(path, value, "tone_hertz and tone_seconds are numbers") from None
    if not (50 <= tone.hertz <= 3400 and 0 < tone.seconds <= 10):
        raise _invalid(path, value, "a tone has 50 to 3400 Hz and at most 10 s")
    return tone


def _text(node: yaml.Node, path: Path) -> str:
    if not isinstance(node, yaml.ScalarNode) or node.tag != _STRING_TAG:
        raise _invalid(path, node, "a text is expected (put numbers and yes/no in quotes)")
    text = str(node.value).strip()
    if not any(character.isalnum() for character in text):
        raise _invalid(path, node, "the text is empty: nothing in it can be spoken")
    if len(text) > _MAX_TEXT_LENGTH:
        raise _invalid(path, node, f"the text is longer than {_MAX_TEXT_LENGTH} characters")
    return text


class _Loader(yaml.SafeLoader):
    """Refuses aliases: a text file needs none, and they can expand without end."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


def _root(path: Path) -> yaml.Node:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidPrompts(f"{path}: cannot be read ({error.strerror}).") from error
    if len(content) > _MAX_FILE_BYTES:
        raise InvalidPrompts(f"{path}: larger than {_MAX_FILE_BYTES // 1024} kB.")
    try:
        # Composed, not constructed: nodes keep their lines, and nothing turns into booleans or octals.
        root = yaml.compose(content.decode("utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise InvalidPrompts(f"{path}: not UTF-8 (byte {error.start}).") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidPrompts(f"{path}:{line}: {error.problem}.", file=str(path), line=line) from error
    except yaml.YAMLError as error:
        raise InvalidPrompts(f"{path}: {error}.") from error
    if root is None:
        raise InvalidPrompts(f"{path}: the file is empty.")
    return root


def _entries(node: yaml.Node, path: Path) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _invalid(path, node, "a mapping is expected (name: value)")
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _invalid(path, key, "a plain name is expected")
        if key.value in seen:
            raise _invalid(path, key, f"{key.value!r} stands here twice")
        seen.add(key.value)
    return list(node.value)


def _invalid(path: Path, node: yaml.Node, problem: str) -> InvalidPrompts:
    line = node.start_mark.line + 1
    return InvalidPrompts(f"{path}:{line}: {problem}.", file=str(path), line=line)
