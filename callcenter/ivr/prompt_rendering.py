"""Turns prompt texts into the wav files that Asterisk plays, and writes the manifest.

Needed only when texts change: the standard prompts are in the repository as audio (docs/prompts.md).
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from callcenter.ivr.prompts import (
    MANIFEST_FILE,
    Audio,
    Prompt,
    PromptLibrary,
    audio_name,
    fingerprint,
    load_manifest,
)
from callcenter.speech.audio import to_telephone, wav_seconds, write_tone
from callcenter.speech.languages import LANGUAGES, Language
from callcenter.speech.providers import SpeechProvider, speak

Progress = Callable[[int, int, str], None]
"""Called after each file: how many are done, how many there are, the audio's name."""


def render(
    library: PromptLibrary,
    provider: SpeechProvider,
    languages: Sequence[Language] = LANGUAGES,
    only: Collection[str] | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Speak what is missing, stale, or made by another voice or provider; with ``only``, exactly these prompt ids.

    Writes each wav and its manifest entry at once, so that an interrupted run goes on where it stopped. Returns the
    names of the files written; load the prompts again afterwards. Raises :class:`SetupError` when a tool is
    missing or fails, :class:`~callcenter.ivr.prompts.UnknownPrompt` for an unknown id.
    """
    prompts = list(library) if only is None else [library.get(prompt_id) for prompt_id in only]
    todo = [
        (prompt, language)
        for prompt in prompts
        for language in languages
        if only is not None or _is_due(library, prompt, language, provider)
    ]
    manifest = load_manifest(library.prompts_dir)
    written: list[str] = []
    with tempfile.TemporaryDirectory() as work_dir:
        for prompt, language in todo:
            name = audio_name(prompt, language)
            duration_seconds = _render_one(library, prompt, language, provider, Path(work_dir))
            made_by = _maker(prompt, language, provider)
            manifest[name] = Audio(
                **made_by,
                fingerprint=fingerprint(prompt.spoken(language), *_ordered(made_by)),
                duration_seconds=round(duration_seconds, 3),
            )
            _write_manifest(library.prompts_dir, manifest)
            written.append(name)
            if progress is not None:
                progress(len(written), len(todo), name)
    return written


def _ordered(made_by: Mapping[str, str]) -> tuple[str, str, str]:
    return made_by["voice"], made_by["provider"], made_by["provider_version"]


def _maker(prompt: Prompt, language: Language, provider: SpeechProvider) -> dict[str, str]:
    if prompt.tone:
        return {"provider": "sox", "provider_version": "1", "voice": "sine"}
    return {"provider": provider.name, "provider_version": provider.version, "voice": provider.voice(language)}


def _is_due(library: PromptLibrary, prompt: Prompt, language: Language, provider: SpeechProvider) -> bool:
    audio = prompt.audio.get(language)
    if audio is None or not library.audio_path(prompt, language).is_file():
        return True
    made_by = _maker(prompt, language, provider)
    return audio.fingerprint != fingerprint(prompt.spoken(language), *_ordered(made_by))


def _render_one(
    library: PromptLibrary, prompt: Prompt, language: Language, provider: SpeechProvider, work_dir: Path
) -> float:
    raw, finished = work_dir / "raw.wav", work_dir / "finished.wav"
    if prompt.tone:
        write_tone(finished, hertz=prompt.tone.hertz, seconds=prompt.tone.seconds)
    else:
        speak(provider, prompt.texts[language], language, raw)
        to_telephone(raw, finished)
    path = library.audio_path(prompt, language)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(finished, partial := path.with_suffix(".partial"))
    partial.replace(path)
    return wav_seconds(path)


def _write_manifest(prompts_dir: Path, manifest: Mapping[str, Audio]) -> None:
    entries = {name: asdict(manifest[name]) for name in sorted(manifest)}
    partial = prompts_dir / f"{MANIFEST_FILE}.partial"
    partial.write_text(json.dumps({"audio": entries}, indent=1, sort_keys=True) + "\n", "utf-8")
    partial.replace(prompts_dir / MANIFEST_FILE)
