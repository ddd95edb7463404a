"""Secrets of an installation: made once, for their owner's eyes only."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from callcenter.core.config import Settings
from callcenter.core.errors import SetupError
from callcenter.core.secrets import NAMES, get_secret

NAME = "check_code_key"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in NAMES:
        monkeypatch.delenv(f"CALLCENTER_{name.upper()}", raising=False)
    return Settings(state_dir=tmp_path / "state")


def test_a_secret_is_made_once_and_kept(settings: Settings) -> None:
    made = get_secret(settings, NAME)
    assert get_secret(settings, NAME) == made
    assert len(made) >= 43
    assert len({get_secret(settings, name) for name in NAMES}) == len(NAMES)
    assert sorted(path.name for path in settings.secrets_dir.iterdir()) == sorted(NAMES)


def test_only_the_owner_can_read_it(settings: Settings) -> None:
    """Whatever the umask."""
    before = os.umask(0)
    try:
        get_secret(settings, NAME)
    finally:
        os.umask(before)
    assert stat.S_IMODE((settings.secrets_dir / NAME).stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.secrets_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_secret_that_others_can_read_is_refused(settings: Settings, mode: int) -> None:
    secret = get_secret(settings, NAME)
    (settings.secrets_dir / NAME).chmod(mode)
    with pytest.raises(SetupError, match="chmod 600") as refusal:
        get_secret(settings, NAME)
    assert secret not in refusal.value.message


@pytest.mark.parametrize("content", ["", "\n", "  \n"])
def test_an_empty_secret_is_refused(settings: Settings, content: str) -> None:
    get_secret(settings, NAME)
    (settings.secrets_dir / NAME).write_text(content)
    with pytest.raises(SetupError, match="empty"):
        get_secret(settings, NAME)


def test_the_environment_comes_first(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLCENTER_CHECK_CODE_KEY", "from-the-environment")
    assert get_secret(settings, NAME) == "from-the-environment"
    assert not settings.secrets_dir.exists()


def test_only_known_names(settings: Settings) -> None:
    with pytest.raises(KeyError):
        get_secret(settings, "../../etc/shadow")


def test_many_who_start_together_agree(settings: Settings) -> None:
    """Threads of one process..."""
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: get_secret(settings, NAME), range(64)))) == 1
    assert [path.name for path in settings.secrets_dir.iterdir()] == [NAME]


def test_processes_that_start_together_agree(settings: Settings) -> None:
    """...and the roles of one installation."""
    code = (
        "import sys; from callcenter.core.config import Settings; from callcenter.core.secrets import get_secret;"
        "sys.stdin.readline(); print(get_secret(Settings(), 'check_code_key'))"
    )
    environment = os.environ | {"CALLCENTER_STATE_DIR": str(settings.state_dir)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert len({process.communicate(timeout=60)[0] for process in processes}) == 1
    assert [process.returncode for process in processes] == [0, 0, 0]
