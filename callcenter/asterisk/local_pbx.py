"""The Asterisk that we run ourselves: for development, tests and the demo, everything of it below ``pbx_dir``.

Many can run side by side, each with its own directory and ports. One is recognised by that directory, so it is found
again by the next command whoever started it, and nothing else is ever signalled.
"""

import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM

from callcenter.asterisk.install import AsteriskInstall
from callcenter.asterisk.sounds import LANGUAGES, copy_whole, own_sounds, sounds_dir
from callcenter.core.config import Settings
from callcenter.core.errors import SetupError, Unavailable
from callcenter.core.ports import require_free_port
from callcenter.core.processes import end_process, find_process, poll_until, running_seconds, wait_until_ended
from callcenter.core.runtime_dirs import exclusive_lock, make_private_dir, socket_dir

_SOCKET = "asterisk.ctl"
_DIRECTORIES = (
    "data",
    "lib/agi-bin",
    "log/cel-custom",  # without it Asterisk writes no ledger and says nothing
    "recordings",
    "spool/monitor",
    "spool/outgoing",
    "spool/tmp",
)
_OWNER_AND_GROUP = 0o027
"""umask: the ledger holds telephone numbers, so nothing is for others to read."""
_PACKAGE_LANGUAGE = "en"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class PbxStatus:
    """``pid`` None: not running."""

    pid: int | None
    running_seconds: float
    log_file: Path

    @property
    def running(self) -> bool:
        return self.pid is not None


def run_dir(settings: Settings) -> Path:
    """``astrundir``: ``pbx_dir/run``, or a short stand-in when the control socket's path would be too long."""
    return socket_dir(settings.pbx_dir / "run", _SOCKET)


class LocalPbx:
    """Blocking. ``die_with_parent``: for tests; see :meth:`AsteriskInstall.command` for what it depends on."""

    def __init__(self, settings: Settings, install: AsteriskInstall, *, die_with_parent: bool = False) -> None:
        self.settings = settings
        self.install = install
        self.directory = settings.pbx_dir
        self.run_dir = run_dir(settings)
        self.log_file = self.directory / "log" / "console.log"
        self._configuration = self.directory / "etc" / "asterisk.conf"
        self._die_with_parent = die_with_parent
        self._process: subprocess.Popen[bytes] | None = None

    # -- life

    def start(self, *, timeout_seconds: float = 60) -> None:
        """Start it with the configuration in ``etc`` and return when it is fully booted, or it was already.

        Raises SetupError: no configuration, a port taken (by whom), or its last words when it did not boot; then
        nothing is left running.
        """
        if not self._configuration.exists():
            raise SetupError(f"{self._configuration} is missing: run callcenter pbx render.")
        with exclusive_lock(self.directory / "pbx.lock"):
            if self._pid() is not None:
                return
            self._require_ports()
            self.prepare()
            (self.run_dir / _SOCKET).unlink(missing_ok=True)  # of one that was killed
            try:
                self._launch()
                self._await_boot(timeout_seconds)
            except BaseException:
                self.kill()
                raise

    def prepare(self) -> None:
        """Directories, ledger files and sounds, for whoever starts it; no harm to one that runs."""
        self._make_directories()
        prepare_data_dir(self.settings, self.install)

    def stop(self, *, graceful_seconds: float = 10) -> None:
        """``core stop now`` (all records are written), then SIGTERM, then SIGKILL. Nothing happens when it is down."""
        pid = self._pid()
        if pid is None:
            return
        with suppress(Unavailable):
            self.cli("core stop now")
        if not wait_until_ended(pid, graceful_seconds):
            self._end(pid, [(SIGTERM, 5), (SIGKILL, 5)])
        self._reap()

    def kill(self) -> None:
        """SIGKILL: the power cut. Calls end without a record."""
        if self._process is not None:  # just launched: the sandbox may not have started it yet
            poll_until(lambda: self._ended() or self._pid() is not None, 5)
        pid = self._pid()
        if pid is not None:
            self._end(pid, [(SIGKILL, 5)])
        self._reap()

    def status(self) -> PbxStatus:
        pid = self._pid()
        return PbxStatus(pid, running_seconds(pid) if pid is not None else 0.0, self.log_file)

    def cli(self, command: str, *, timeout_seconds: float = 15) -> str:
        """What Asterisk's console answers. Raises Unavailable when it is down or does not answer in time."""
        try:
            done = subprocess.run(
                self._command(["-rx", command]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"Asterisk did not answer {command!r} in {timeout_seconds:g} s.") from error
        output = done.stdout.decode(errors="replace")
        if done.returncode != 0:
            raise Unavailable(f"Asterisk is not running (callcenter pbx up starts it): {output.strip()}")
        return output

    # -- steps

    def _require_ports(self) -> None:
        settings = self.settings
        taken: list[tuple[str, str, int, str, str]] = [
            ("udp", settings.sip_host, settings.sip_port, "SIP", "CALLCENTER_SIP_PORT"),
            ("tcp", settings.ami_host, settings.ami_port, "Asterisk's manager interface", "CALLCENTER_AMI_PORT"),
        ]
        if "enabled = yes" in self._text("http.conf"):
            taken.append(("tcp", LOOPBACK, settings.pbx_http_port, "browser phones", "CALLCENTER_PBX_HTTP_PORT"))
        for protocol, host, port, purpose, name in taken:
            require_free_port("udp" if protocol == "udp" else "tcp", host, port, purpose=purpose, setting=name)

    def _text(self, name: str) -> str:
        path = self._configuration.with_name(name)
        return path.read_text() if path.exists() else ""

    def _make_directories(self) -> None:
        for name in _DIRECTORIES:
            path = self.directory / name
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o750)
        for path in (self.directory, self.directory / "log", self.directory / "spool", self.directory / "lib"):
            path.chmod(0o750)
        make_private_dir(self.run_dir)
        for record in (self.settings.ledger_file, self.settings.queue_log_file, self.log_file):
            record.touch()
            record.chmod(0o640)

    def _launch(self) -> None:
        with self.log_file.open("w") as log:
            try:
                self._process = subprocess.Popen(
                    self._command(["-f"], die_with_parent=self._die_with_parent),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    umask=_OWNER_AND_GROUP,
                )
            except FileNotFoundError as error:
                raise SetupError(f"{error.filename} is missing: run make setup-pbx.") from error

    def _await_boot(self, timeout_seconds: float) -> None:
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            poll_until(lambda: self._ended() or (self.run_dir / _SOCKET).exists(), deadline - time.monotonic())
            if self._ended():
                raise SetupError(f"Asterisk ended while starting; {self._last_words()}")
            with suppress(Unavailable):  # the socket is there a moment before anyone listens
                if "fully booted" in self.cli("core waitfullybooted", timeout_seconds=timeout_seconds):
                    return
        raise SetupError(f"Asterisk did not boot within {timeout_seconds:g} s; {self._last_words()}")

    def _last_words(self) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines()
        return "\n".join([f"its log is {self.log_file}:", *lines[-15:]])

    # -- process

    def _command(self, arguments: list[str], *, die_with_parent: bool = False) -> list[str]:
        binds = [self.directory, *([] if self.run_dir.is_relative_to(self.directory) else [self.run_dir])]
        return self.install.command(
            [*arguments, "-C", str(self._configuration)],
            binds=binds,
            directory=self.directory,
            die_with_parent=die_with_parent,
        )

    def _is_server(self, arguments: list[str]) -> bool:
        """Neither the sandbox around it nor a console connected to it."""
        return (
            bool(arguments)
            and Path(arguments[0]).name == "asterisk"
            and "-f" in arguments
            and str(self._configuration) in arguments
        )

    def _pid(self) -> int | None:
        return find_process(self.directory, self._is_server)

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _end(self, pid: int, signals: list[tuple[int, float]]) -> None:
        if not end_process(pid, lambda: self._pid() == pid, signals=signals):
            raise SetupError(f"Asterisk (pid {pid}) does not end.")

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None


# -- sounds and other data


def prepare_data_dir(settings: Settings, install: AsteriskInstall) -> None:
    """``astdatadir``: links to the package's own data, our prompts copied over the package's sounds. Idempotent.

    An English sound we do not have is the package's. Links point to where Asterisk sees the package, so for us they
    may lead nowhere.
    """
    data = settings.pbx_dir / "data"
    data.mkdir(parents=True, exist_ok=True)
    for entry in sorted(install.host_path(install.data_dir).iterdir()):
        if entry.name != "sounds":
            _link(data / entry.name, f"{install.data_dir}/{entry.name}")
    for language in LANGUAGES:
        _prepare_sounds(own_sounds(settings, language), sounds_dir(settings) / language, language, install)


def _prepare_sounds(wanted: Mapping[Path, Path], target: Path, language: str, install: AsteriskInstall) -> None:
    replaced = {relative.with_suffix("") for relative in wanted}
    links: dict[Path, str] = {}
    package_sounds = f"{install.data_dir}/sounds/{language}"
    if language == _PACKAGE_LANGUAGE:
        packaged = install.host_path(package_sounds)
        for path in packaged.rglob("*.wav"):
            relative = path.relative_to(packaged)
            if relative.with_suffix("") not in replaced:
                links[relative] = f"{package_sounds}/{relative}"
    target.mkdir(parents=True, exist_ok=True)
    for path in target.rglob("*"):
        relative = path.relative_to(target)
        if (path.is_symlink() or path.is_file()) and relative not in wanted and relative not in links:
            path.unlink()
    for relative, source in wanted.items():
        copy_whole(source, target / relative)
    for relative, destination in links.items():
        _link(target / relative, destination)


def _link(path: Path, destination: str) -> None:
    """A real directory stays: the hospital's own music, say."""
    if path.is_symlink():
        if str(path.readlink()) == destination:
            return
        path.unlink()
    elif path.is_dir():
        return
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(destination)
