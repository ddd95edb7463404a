"""Starting, finding and ending a real Asterisk, with a configuration as small as can be."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.asterisk.install import AsteriskInstall, ensure_asterisk
from callcenter.asterisk.local_pbx import LocalPbx, prepare_data_dir, run_dir
from callcenter.core.config import Settings
from callcenter.core.errors import SetupError, Unavailable
from callcenter.core.processes import poll_until
from tests.support.ports import free_port


@pytest.fixture(scope="session")
def asterisk() -> AsteriskInstall:
    return ensure_asterisk(Settings())


def write_configuration(settings: Settings, install: AsteriskInstall, modules: str = "load = pbx_config.so") -> None:
    etc = settings.pbx_dir / "etc"
    etc.mkdir(parents=True)
    directory = settings.pbx_dir
    files = {
        "asterisk.conf": f"""[directories]
astetcdir => {etc}
astmoddir => {install.modules_dir}
astvarlibdir => {directory}/lib
astdbdir => {directory}/lib
astdatadir => {directory}/data
astspooldir => {directory}/spool
astrundir => {run_dir(settings)}
astlogdir => {directory}/log
""",
        "modules.conf": f"[modules]\nautoload = no\n{modules}\n",
        "logger.conf": "[general]\n[logfiles]\nmessages.log => notice,warning,error\n",
        "manager.conf": f"[general]\nenabled = yes\nbindaddr = 127.0.0.1\nport = {settings.ami_port}\n",
        "extensions.conf": "[nowhere]\n",
    }
    for name, content in files.items():
        (etc / name).write_text(content)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", sip_port=free_port(), ami_port=free_port())


@pytest.fixture
def pbx(settings: Settings, asterisk: AsteriskInstall) -> Iterator[LocalPbx]:
    write_configuration(settings, asterisk)
    pbx = LocalPbx(settings, asterisk, die_with_parent=True)
    yield pbx
    pbx.kill()


def test_it_boots_answers_and_ends_in_order(pbx: LocalPbx) -> None:
    pbx.start()
    assert pbx.status().running
    assert pbx.cli("core show version").startswith("Asterisk ")
    with socket.create_connection(("127.0.0.1", pbx.settings.ami_port), timeout=5) as manager:
        assert manager.recv(100).startswith(b"Asterisk Call Manager/")
    pbx.stop()
    assert not pbx.status().running
    with pytest.raises(Unavailable, match="callcenter pbx up"):
        pbx.cli("core show version")


def test_its_records_are_for_owner_and_group_only(pbx: LocalPbx) -> None:
    pbx.start()
    pbx.stop()
    log_dir = pbx.settings.queue_log_file.parent
    assert (log_dir / "cel-custom").is_dir()
    for path in log_dir.rglob("*"):
        assert path.stat().st_mode & 0o007 == 0, path
    assert pbx.settings.ledger_file.stat().st_mode & 0o777 == 0o640


def test_it_is_found_again_and_stopped_by_another_object(pbx: LocalPbx, asterisk: AsteriskInstall) -> None:
    pbx.start()
    other = LocalPbx(pbx.settings, asterisk)
    assert other.status().pid == pbx.status().pid
    other.start()
    assert other.status().pid == pbx.status().pid
    other.stop()
    assert not pbx.status().running


def test_killed_it_starts_again_over_what_was_left(pbx: LocalPbx) -> None:
    pbx.start()
    first = pbx.status().pid
    assert first is not None
    pbx.kill()
    assert not pbx.status().running
    pbx.start()
    assert pbx.status().pid not in (None, first)


def test_two_run_side_by_side(pbx: LocalPbx, tmp_path: Path, asterisk: AsteriskInstall) -> None:
    settings = Settings(state_dir=tmp_path / "other", sip_port=free_port(), ami_port=free_port())
    write_configuration(settings, asterisk)
    other = LocalPbx(settings, asterisk, die_with_parent=True)
    try:
        pbx.start()
        other.start()
        other.kill()
        assert pbx.cli("core show uptime").startswith("System uptime")
    finally:
        other.kill()


@pytest.mark.parametrize(("protocol", "name"), [("udp", "CALLCENTER_SIP_PORT"), ("tcp", "CALLCENTER_AMI_PORT")])
def test_a_taken_port_names_its_holder_and_nothing_is_started(pbx: LocalPbx, protocol: str, name: str) -> None:
    udp = protocol == "udp"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.1", pbx.settings.sip_port if udp else pbx.settings.ami_port))
        if not udp:
            holder.listen()
        with pytest.raises(SetupError, match=rf"\(pid {os.getpid()}\) holds it: set {name}"):
            pbx.start()
    assert not pbx.status().running
    assert not (pbx.directory / "run").exists()


def test_without_configuration_the_remedy_is_named(settings: Settings, asterisk: AsteriskInstall) -> None:
    with pytest.raises(SetupError, match="callcenter pbx render"):
        LocalPbx(settings, asterisk).start()


def test_one_that_cannot_boot_shows_its_last_words_and_leaves_nothing(
    settings: Settings, asterisk: AsteriskInstall
) -> None:
    write_configuration(settings, asterisk, modules="require = no_such_module.so")
    pbx = LocalPbx(settings, asterisk, die_with_parent=True)
    with pytest.raises(SetupError, match=r"(?s)ended while starting; its log is .*no_such_module"):
        pbx.start()
    assert not pbx.status().running


def test_a_deep_state_directory_gets_a_short_control_socket(tmp_path: Path, asterisk: AsteriskInstall) -> None:
    settings = Settings(state_dir=tmp_path / "/".join(["deep"] * 20), sip_port=free_port(), ami_port=free_port())
    write_configuration(settings, asterisk)
    pbx = LocalPbx(settings, asterisk, die_with_parent=True)
    try:
        pbx.start()
        assert pbx.cli("core show uptime").startswith("System uptime")
    finally:
        pbx.kill()
        for left_over in pbx.run_dir.iterdir():
            left_over.unlink()
        pbx.run_dir.rmdir()


def test_it_goes_on_when_the_command_that_started_it_ends_unless_told_otherwise(
    settings: Settings, asterisk: AsteriskInstall
) -> None:
    write_configuration(settings, asterisk)
    program = """
import os, sys
from pathlib import Path
from callcenter.asterisk.install import find_asterisk
from callcenter.asterisk.local_pbx import LocalPbx
from callcenter.core.config import Settings
settings = Settings(state_dir=Path(sys.argv[1]), sip_port=int(sys.argv[2]), ami_port=int(sys.argv[3]))
LocalPbx(settings, find_asterisk(settings), die_with_parent=sys.argv[4] == "die").start()
os.kill(os.getpid(), 9)
"""

    def run(fate: str) -> None:
        arguments = [str(settings.state_dir), str(settings.sip_port), str(settings.ami_port), fate]
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr

    pbx = LocalPbx(settings, asterisk)
    try:
        run("live")
        assert pbx.status().running
        pbx.stop()
        run("die")
        assert poll_until(lambda: not pbx.status().running, 10)
    finally:
        pbx.kill()


def test_our_prompts_stand_beside_the_packages_sounds(
    tmp_path: Path, settings: Settings, asterisk: AsteriskInstall
) -> None:
    prompts = tmp_path / "prompts"
    for name, content in {"zh/greeting.wav": b"zh", "en/digits/1.wav": b"ours", "en/old.wav": b"old"}.items():
        path = prompts / "audio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    settings.prompts_dir = prompts
    prepare_data_dir(settings, asterisk)
    sounds = settings.pbx_dir / "data" / "sounds"
    assert (sounds / "zh/greeting.wav").read_bytes() == b"zh"
    assert (sounds / "en/digits/1.wav").read_bytes() == b"ours"
    assert asterisk.host_path(str((sounds / "en/digits/2.wav").readlink())).stat().st_size > 0
    assert (settings.pbx_dir / "data/documentation").is_symlink()
    (prompts / "audio/en/old.wav").unlink()
    (prompts / "audio/en/digits/1.wav").unlink()
    prepare_data_dir(settings, asterisk)
    assert not (sounds / "en/old.wav").exists()
    assert (sounds / "en/digits/1.wav").is_symlink(), "the package's own is back"
