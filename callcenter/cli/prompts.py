"""``callcenter prompts ...``"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from callcenter.cli.common import out
from callcenter.core.config import get_settings
from callcenter.core.errors import SetupError
from callcenter.ivr import speech
from callcenter.ivr.prompts import load_prompts

app = typer.Typer(no_args_is_help=True)


class Provider(StrEnum):
    """Who speaks."""

    KOKORO = "kokoro"
    ESPEAK = "espeak-ng"


@app.command()
def render(
    provider: Annotated[Provider, typer.Option(help="Speech engine.")] = Provider.KOKORO,
    voices_dir: Annotated[Path | None, typer.Option(help="Kokoro's voice files (docs/prompts.md).")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this prompt (may be repeated).")] = None,
) -> None:
    """Speak what is missing or whose text has changed."""
    if provider is Provider.KOKORO:
        if voices_dir is None:
            raise SetupError("Kokoro needs --voices-dir: docs/prompts.md says where the voices come from.")
        engine: speech.SpeechProvider = speech.KokoroProvider(voices_dir)
    else:
        engine = speech.EspeakProvider()
    library = load_prompts(get_settings().prompts_dir)
    with Progress(console=out) as bar:
        task = bar.add_task("prompts", total=None)
        written = speech.render(
            library,
            engine,
            only=only,
            progress=lambda done, total, _name: bar.update(task, completed=done, total=total),
        )
    out.print(f"{len(written)} files written.")


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
