"""``callcenter prompts ...``"""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from callcenter.asterisk.sounds import refresh_sounds
from callcenter.cli.common import out
from callcenter.core.config import get_settings
from callcenter.ivr.prompt_rendering import render as render_prompts
from callcenter.ivr.prompts import load_prompts
from callcenter.speech.engine_choice import engine_choice
from callcenter.speech.recognition import LIMIT_ERROR_RATE, Heard, Recogniser, error_rate
from callcenter.speech.speaker import make_provider

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Spoken prompts.")


class Provider(StrEnum):
    """Who speaks."""

    KOKORO = "kokoro"
    ESPEAK = "espeak-ng"
    HTTP = "http"


class SpokenLanguage(StrEnum):
    """What is listened to."""

    ZH = "zh"
    EN = "en"


@app.command()
def render(
    provider: Annotated[Provider, typer.Option(help="Speech engine.")] = Provider.KOKORO,
    voices_dir: Annotated[
        Path | None, typer.Option(help="Kokoro's voice files (docs/prompts.md); else CALLCENTER_SPEECH_VOICES_DIR.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this prompt (may be repeated).")] = None,
) -> None:
    """Speak what is missing or whose text has changed; a running Asterisk plays it from the next call on."""
    settings = get_settings()
    choice = engine_choice(settings, provider.value)
    if voices_dir is not None:
        choice = replace(choice, voices_dir=str(voices_dir))
    engine = make_provider(choice)
    library = load_prompts(settings.prompts_dir)
    with Progress(console=out) as bar:
        task = bar.add_task("prompts", total=None)
        written = render_prompts(
            library,
            engine,
            only=only,
            progress=lambda done, total, _name: bar.update(task, completed=done, total=total),
        )
    refresh_sounds(settings)
    out.print(f"{len(written)} files written.")


@app.command()
def listen(
    model_dir: Annotated[Path, typer.Option(help="Folder of a Whisper model for faster-whisper (docs/prompts.md).")],
    language: Annotated[SpokenLanguage, typer.Option(help="Language to listen to.")] = SpokenLanguage.ZH,
    only: Annotated[list[str] | None, typer.Option(help="Only this prompt (may be repeated).")] = None,
) -> None:
    """How much of the spoken prompts a recogniser understands; status 1 above 12 % wrong characters in Chinese."""
    library = load_prompts(get_settings().prompts_dir)
    prompts = (
        [library.get(prompt_id) for prompt_id in only] if only else [p for p in library if p.sound.startswith("cc/")]
    )
    recogniser = Recogniser(model_dir)
    results: list[Heard] = []
    for prompt in prompts:
        path = library.audio_path(prompt, language.value)
        if prompt.tone or not path.is_file():
            continue
        heard = recogniser.listen(path, prompt.texts[language.value], language.value)
        results.append(heard)
        out.print(f"{prompt.id}: {heard.errors} of {len(heard.wanted)}", highlight=False, markup=False)
        if heard.errors:
            separator = "" if language is SpokenLanguage.ZH else " "
            out.print(f"  wanted {separator.join(heard.wanted)}", highlight=False, markup=False, soft_wrap=True)
            out.print(f"  heard  {separator.join(heard.heard)}", highlight=False, markup=False, soft_wrap=True)
    rate = error_rate(results)
    out.print(f"{sum(one.errors for one in results)} of {sum(len(one.wanted) for one in results)}: {rate:.1%}")
    if language is SpokenLanguage.ZH and rate > LIMIT_ERROR_RATE:
        raise typer.Exit(1)


@app.command()
def check() -> None:
    """Which audio is missing or older than its text; exit status 1 if any."""
    library = load_prompts(get_settings().prompts_dir)
    for name in library.missing_audio():
        out.print(f"missing: {name}")
    for name in library.stale_audio():
        out.print(f"stale: {name}")
    if library.missing_audio() or library.stale_audio():
        raise typer.Exit(1)
    out.print("Every prompt has its audio.")
