"""The units: what systemd itself says of them, how open they are, and whether they agree with the settings."""

import re
import shutil
from pathlib import Path

import pytest

from callcenter.core.config import Settings
from callcenter.roles import ProcessRole
from tests.unit.packaging.checkers import DEPLOY, check

UNITS = DEPLOY / "systemd"
SERVICES = ("callcenter@.service", "callcenter-asterisk.service", "callcenter-backup.service")
MOST_EXPOSED = 20
"""systemd-analyze's scale, times ten: below 20 is its word "OK"."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine that has the units and, in name, the programs they start."""
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(UNITS, units)
    template = (units / "callcenter@.service").read_text()
    for role in ProcessRole:
        (units / f"callcenter@{role}.service").write_text(template.replace("%i", role))
    for path in (units / "callcenter@.service", *units.glob("*.md")):
        path.unlink()
    for name in ("network-online.target", "sysinit.target", "basic.target", "shutdown.target", "multi-user.target"):
        (units / name).write_text("[Unit]\nDescription=of systemd\n")
    for name in ("timers.target", "time-sync.target", "time-set.target", "-.mount", "system.slice", "umount.target"):
        suffix = "[Mount]\nWhat=none\nWhere=/\n" if name.endswith("mount") else ""
        (units / name).write_text(f"[Unit]\nDescription=of systemd\n{suffix}")
    for program in ("opt/callcenter/.venv/bin/callcenter", "usr/sbin/asterisk"):
        path = tmp_path / program
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return tmp_path


def test_systemd_understands_them(root: Path) -> None:
    names = sorted(path.name for path in (root / "etc/systemd/system").glob("callcenter*"))
    assert len(names) == 7
    said = check("systemd-analyze", "verify", "--man=no", "--recursive-errors=yes", f"--root={root}", *names)
    assert [line for line in said.splitlines() if "callcenter" in line] == []


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_break_in_could_reach_is_small(root: Path, name: str) -> None:
    file = root / name.replace("@.", "@engine.")
    shutil.copy(UNITS / name, file)
    check("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", file)


def test_draining_ends_before_systemd_loses_patience() -> None:
    found = re.search(r"^TimeoutStopSec=(\d+)$", (UNITS / "callcenter@.service").read_text(), re.MULTILINE)
    assert found
    assert int(found[1]) > Settings.model_fields["drain_seconds"].default + 5  # and what is open at HTTP


def test_the_engine_may_render_speech_behind_calls() -> None:
    """callcenter.speech.speaker lowers its own priority; @resources, refused as a whole, holds that call."""
    filters = re.findall(r"^SystemCallFilter=(.*)$", (UNITS / "callcenter@.service").read_text(), re.MULTILINE)
    assert filters.index("setpriority") > filters.index("~@privileged @resources")
    assert "setpriority" in check("systemd-analyze", "syscall-filter", "@resources")


def test_the_target_brings_every_role() -> None:
    wanted = set(re.findall(r"callcenter@\w+\.service", (UNITS / "callcenter.target").read_text()))
    assert wanted == {f"callcenter@{role}.service" for role in ProcessRole}


def test_asterisk_waits_for_nothing_of_ours() -> None:
    text = (UNITS / "callcenter-asterisk.service").read_text()
    assert not re.search(r"^(After|Wants|Requires|PartOf|BindsTo)=.*(postgresql|callcenter)", text, re.MULTILINE)
