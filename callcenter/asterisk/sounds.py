"""What Asterisk plays under a prompt's name: our audio below ``data/sounds``, copied from where it is made.

``prompts_dir/audio/<language>`` becomes ``data/sounds/<language>``; a hospital's own recording in
``recorded_prompts_dir`` takes the place of the prompt of the same name. A file is replaced whole, so that who
listens to the old one hears it to its end. Blocking.
"""

import os
import shutil
from pathlib import Path

from callcenter.core.config import Settings

LANGUAGES = ("zh", "en")


def sounds_dir(settings: Settings) -> Path:
    """Asterisk's own ``sounds``: below it, by language, what has a name; outside of the languages, the rest."""
    return settings.pbx_dir / "data" / "sounds"


def recorded_prompts_dir(settings: Settings) -> Path:
    """Own recordings in place of standard prompts, laid out like ``prompts_dir/audio``."""
    return settings.pbx_dir / "recorded_prompts"


def own_sounds(settings: Settings, language: str) -> dict[Path, Path]:
    """Name below ``sounds/<language>`` (with suffix) to the file that shall stand there."""
    wanted: dict[Path, Path] = {}
    for source in (settings.prompts_dir / "audio" / language, recorded_prompts_dir(settings) / language):
        wanted |= {path.relative_to(source): path for path in sorted(source.rglob("*.wav")) if path.is_file()}
    return wanted


def refresh_sounds(settings: Settings) -> int:
    """Bring new and changed prompts to an Asterisk that may be running; how many. None where there is no Asterisk."""
    copied = 0
    for language in LANGUAGES:
        target = sounds_dir(settings) / language
        if target.is_dir():
            copied += sum(copy_whole(source, target / name) for name, source in own_sounds(settings, language).items())
    return copied


def copy_whole(source: Path, target: Path) -> bool:
    """Copy with its time unless it is there already; whether it was copied. Whole or not at all."""
    if target.is_file() and not target.is_symlink():
        old, new = target.stat(), source.stat()
        if (old.st_size, old.st_mtime_ns) == (new.st_size, new.st_mtime_ns):
            return False
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.new")
    shutil.copy2(source, draft)
    draft.replace(target)
    return True
