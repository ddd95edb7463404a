"""The command line as an operator uses it: an installation from nothing to taking calls, command by command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from callcenter.core.config import Settings
from demo.stack import environment

PATIENTS = """external_id,name,sex,numbers,card_number,check_code
P1,张伟,male,13800000001;family:13900000002,JZ0001,246810
P2,王芳,female,0138 0000 0003,JZ0002,135790
P3,坏号码,female,12,JZ0003,135790
"""


class Cli:
    """``callcenter`` with the settings of a private installation."""

    def __init__(self, settings: Settings) -> None:
        self._env = {**os.environ, **environment(settings, ""), "CALLCENTER_ADMIN_PASSWORD": "a long enough one"}
        del self._env["CALLCENTER_DATABASE_URL"]

    def __call__(self, *arguments: str, status: int = 0, **env: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "callcenter", *arguments],
            env=self._env | env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


def test_from_nothing_to_taking_calls(cli: Cli, settings: Settings, tmp_path: Path) -> None:
    cli("db", "up")
    try:
        assert "admin can log in" in cli("users", "create-admin", "admin")
        cli("users", "create-admin", "admin", status=1)  # the name is taken: one sentence, not 0

        file = tmp_path / "patients.csv"
        file.write_text(PATIENTS, encoding="utf-8")
        assert "3 rows: 2 created, 0 updated, 0 unchanged, 1 rejected" in cli("patients", "import", str(file), status=2)
        assert "3 rows: 0 created, 0 updated, 2 unchanged, 1 rejected" in cli("patients", "import", str(file), status=2)
        rejected = (tmp_path / "patients.csv.rejected.csv").read_text(encoding="utf-8-sig")
        assert "P3" in rejected
        assert "135790" not in rejected

        assert f"asterisk -f -C {settings.pbx_dir}/etc/asterisk.conf" in cli("pbx", "prepare")
        assert settings.ledger_file.exists()
        assert "takes calls" in cli("pbx", "up")
        try:
            assert "running" in cli("pbx", "status")
            assert "Nothing has changed" in cli("pbx", "render")
            assert "Asterisk 22" in cli("pbx", "cli", "core show version")
            (settings.pbx_dir / "etc" / "queues.conf").write_text("; somebody edited it\n")
            assert "app_queue.so" in cli("pbx", "render")
            taken = cli("serve", "--role", "api", status=1, CALLCENTER_API_PORT=str(settings.ami_port))
            assert "CALLCENTER_API_PORT" in taken  # what is taken, and the remedy
            assert "Traceback" not in taken
        finally:
            cli("pbx", "down")
        assert "not running" in cli("pbx", "status", status=1)
    finally:
        cli("db", "down")


def test_flows_and_prompts_without_pbx_and_database(cli: Cli, tmp_path: Path) -> None:
    assert "All flows are good" in cli("flow", "check")
    assert "main" in cli("flow", "show")
    assert "flowchart" in cli("flow", "show", "main", "--mermaid")
    transcript = cli("flow", "simulate", "8000", "--caller", "vip", "--keys", "135790 answered")
    assert "欢迎" in transcript
    assert "Every prompt has its audio" in cli("prompts", "check")
    bad = tmp_path / "bad.yaml"
    bad.write_text("flow: bad\nentry: ['1']\nstart: a\nsteps:\n  a: {say: greeting, next: nowhere}\n")
    assert "bad.yaml:5" in cli("flow", "check", str(tmp_path), status=1)
