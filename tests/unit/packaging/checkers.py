"""Programs that check files of deploy/ (scripts/setup-checkers.sh)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
_CACHE = Path(os.environ.get("CALLCENTER_CACHE_DIR", "~/.cache/callcenter")).expanduser()
_PLACES = (str(Path(sys.executable).parent), str(_CACHE / "tools"), os.environ.get("PATH", os.defpath), "/usr/sbin")


def program(name: str) -> str:
    """Of this environment, of the cache, or the machine's."""
    found = shutil.which(name, path=os.pathsep.join(_PLACES))
    assert found, f"{name} is missing: run make setup-checkers"
    return found


def check(name: str, *arguments: object, directory: Path = ROOT) -> str:
    """What the program says; it must find no fault."""
    done = subprocess.run(
        [program(name), *map(str, arguments)], cwd=directory, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
