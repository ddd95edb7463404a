"""What a wheel holds is enough: installed without the repository, it finds all that it reads beside its code."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from callcenter.asterisk.sounds import own_sounds
from callcenter.core.config import Settings
from callcenter.web.bundles import bundles

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("callcenter", "asterisk_conf", "ivr_flows", "migrations", "prompts", "pyproject.toml", "setup.py")
FOUND = """
import json
from callcenter.asterisk.sounds import own_sounds
from callcenter.core.config import Settings
from callcenter.core.health import head_revision
from callcenter.web.bundles import bundles
import callcenter.core.config as config
settings = Settings()
print(json.dumps({
    "code": config.__file__,
    "head": head_revision(),
    "flows": sorted(path.name for path in settings.flows_dir.glob("*.yaml")),
    "templates": sorted(path.name for path in settings.asterisk_conf_dir.glob("*.j2")),
    "sounds": sum(len(own_sounds(settings, language)) for language in ("zh", "en")),
    "pages": sorted(bundles()),
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's files and nothing else of ours; the libraries are this environment's."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"  # the build writes beside what it builds
    source.mkdir()
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    offline = ["--no-deps", "--no-index", "--quiet"]
    run([*pip, "wheel", *offline, "--no-build-isolation", "-w", str(place), str(source)], place)
    (wheel,) = place.glob("*.whl")
    run([*pip, "install", *offline, "--no-compile", "--target", str(place / "lib"), str(wheel)], place)
    shutil.rmtree(source)
    return place / "lib"


def run(command: list[str], directory: Path, library: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
    if library:
        environment["PYTHONPATH"] = str(library)  # comes before the editable installation
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_finds_what_it_carries(installed: Path, tmp_path: Path) -> None:
    found = json.loads(run([sys.executable, "-c", FOUND], tmp_path, installed))
    ours = Settings()
    assert Path(found["code"]).is_relative_to(installed)
    assert found["head"] == sorted(path.name[:4] for path in (ROOT / "migrations/versions").glob("0*.py"))[-1]
    assert found["flows"] == sorted(path.name for path in (ROOT / "ivr_flows").glob("*.yaml"))
    assert found["templates"] == sorted(path.name for path in (ROOT / "asterisk_conf").glob("*.j2"))
    assert found["pages"] == sorted(bundles()) != []
    assert found["sounds"] == sum(len(own_sounds(ours, language)) for language in ("zh", "en")) > 0


def test_its_commands_run_from_anywhere(installed: Path, tmp_path: Path) -> None:
    assert "flow" in run([sys.executable, "-m", "callcenter", "--help"], tmp_path, installed)
    assert "All flows are good" in run([sys.executable, "-m", "callcenter", "flow", "check"], tmp_path, installed)
