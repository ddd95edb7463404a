"""An Asterisk to run: the machine's own when it is new enough, else one in a root file system of its own.

Debian 12 and 13 carry no Asterisk; Debian's testing suite does. debootstrap makes a root file system from it in the
cache directory, bubblewrap runs it with nothing of the machine in sight but the directories it is given. What is
fetched is always checked against Debian's archive keys; there is no way round that check.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from callcenter.asterisk.apt_sources import find_debian_mirror
from callcenter.core.config import Settings, get_settings
from callcenter.core.errors import SetupError
from callcenter.core.progress import Progress, console_progress, silent
from callcenter.core.runtime_dirs import exclusive_lock

OLDEST_VERSION = (22, 9, 0)
"""The first with the ledger's JSON format (cel_custom.conf, "advanced" mapping)."""
SUITES = ("testing", "unstable")
"""Tried in turn: a package drops out of testing now and then."""
PACKAGES = ("asterisk", "asterisk-modules", "asterisk-moh-opsound-wav", "asterisk-core-sounds-en-wav")
_ONE_OF_ITS_OWN = "put Asterisk 22.9 or newer on PATH instead"


@dataclass(frozen=True, slots=True)
class AsteriskInstall:
    """``root`` is the root file system's directory (None: the machine's own); ``version`` e.g. (22, 10, 1)."""

    kind: Literal["system", "rootfs"]
    root: Path | None
    version: tuple[int, int, int]
    program: str = "/usr/sbin/asterisk"

    def command(
        self,
        arguments: Sequence[str],
        *,
        binds: Iterable[Path] = (),
        directory: Path = Path("/"),
        die_with_parent: bool = False,
    ) -> list[str]:
        """The whole command line that runs asterisk with ``arguments``.

        ``binds``: directories it may read and write, at the same paths as outside; all else of the machine is hidden.
        ``directory``: the working directory, one of ``binds``.
        ``die_with_parent``: the kernel ends it when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG).
        """
        if self.root is None:
            guard = ["setpriv", "--pdeathsig", "KILL"] if die_with_parent else []
            return ["env", f"--chdir={directory}", *guard, self.program, *arguments]
        guard = ["--die-with-parent"] if die_with_parent else []
        return [*_sandbox(self.root, binds), "--chdir", str(directory), *guard, self.program, *arguments]

    def host_path(self, inside: str) -> Path:
        """Where a file that Asterisk sees as ``inside`` lies for us; symbolic links followed as Asterisk would."""
        if self.root is None:
            return Path(inside)
        here = self.root
        pending = list(reversed(Path(inside).parts))
        while pending:
            name = pending.pop()
            if name == "/":
                here = self.root
            elif name == "..":
                here = here.parent
            elif (here / name).is_symlink():
                pending += reversed((here / name).readlink().parts)
            else:
                here /= name
        return here

    @property
    def modules_dir(self) -> str:
        """``astmoddir``, as Asterisk sees it."""
        for pattern in ("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "usr/local/lib/asterisk/modules"):
            for found in (self.root or Path("/")).glob(pattern):
                return "/" + str(found.relative_to(self.root or Path("/")))
        raise SetupError("Asterisk's modules are missing: install the package asterisk-modules.")

    @property
    def data_dir(self) -> str:
        """Documentation, sounds, music and keys of the package, as Asterisk sees them."""
        return next(
            (path for path in ("/usr/share/asterisk", "/var/lib/asterisk") if self.host_path(path).is_dir()),
            "/usr/share/asterisk",
        )

    @property
    def music_dir(self) -> str:
        return f"{self.data_dir}/moh"


def find_asterisk(settings: Settings) -> AsteriskInstall | None:
    """What is here already: PATH first when new enough, then the cache; None when :func:`ensure_asterisk` must act."""
    program = shutil.which("asterisk", path=_admin_path())
    if program:
        version = _version_of([program, "-V"])
        if version >= OLDEST_VERSION:
            return AsteriskInstall("system", None, version, program)
    for suite in SUITES:
        root = _tree(settings, suite)
        if root.is_dir():
            _require_tool("bwrap", "bubblewrap")
            version = _version_of(AsteriskInstall("rootfs", root, OLDEST_VERSION).command(["-V"]))
            if version < OLDEST_VERSION:
                raise SetupError(
                    f"Asterisk {_dotted(version)} in {root} is older than {_dotted(OLDEST_VERSION)}: "
                    "remove that directory and repeat."
                )
            return AsteriskInstall("rootfs", root, version)
    return None


def ensure_asterisk(settings: Settings, progress: Progress = silent) -> AsteriskInstall:
    """Find an Asterisk, or make the root file system (about a minute, 600 MB). Callers at the same time wait.

    Raises SetupError with the remedy; no half-made tree is ever used or left.
    """
    found = find_asterisk(settings)
    if found:
        return found
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(settings.cache_dir / "asterisk.lock"):
        found = find_asterisk(settings)
        if found:
            return found
        _make_root_file_system(settings, progress)
        made = find_asterisk(settings)
    if made is None:
        raise SetupError(f"The new root file system in {settings.cache_dir} has disappeared: repeat.")
    return made


# -- running


def _sandbox(root: Path, binds: Iterable[Path]) -> list[str]:
    """bubblewrap around the tree: read-only, no capabilities, own /tmp.

    The root directory itself is new, so a bound directory may lie at any path. The host name is localhost in there:
    one that does not resolve would stall every call for seconds.
    """
    links = [part for name in ("bin", "sbin", "lib", "lib64") for part in _top_level(root, name)]
    command = ["bwrap", "--ro-bind", str(root / "usr"), "/usr", "--ro-bind", str(root / "etc"), "/etc", *links]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/var/tmp", "--dir", "/run"]  # noqa: S108
    if Path("/etc/resolv.conf").exists() and (root / "etc/resolv.conf").exists():
        command += ["--ro-bind", str(Path("/etc/resolv.conf").resolve()), "/etc/resolv.conf"]
    for path in binds:
        command += ["--bind", str(path), str(path)]
    return [*command, "--unshare-uts", "--hostname", "localhost", "--cap-drop", "ALL"]


def _top_level(root: Path, name: str) -> list[str]:
    path = root / name
    if path.is_symlink():
        return ["--symlink", str(path.readlink()), f"/{name}"]
    return ["--ro-bind", str(path), f"/{name}"] if path.is_dir() else []


def _version_of(command: list[str]) -> tuple[int, int, int]:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SetupError(f"Asterisk cannot be run ({error}): repair or remove it.") from error
    version = parse_version(done.stdout)
    if version is None and done.stderr.startswith("bwrap:"):
        raise SetupError(
            f"The sandbox for Asterisk cannot be made here ({done.stderr.strip()}): "
            "run this as root, or allow unprivileged user namespaces."
        )
    if version is None:
        said = (done.stderr or done.stdout).strip() or f"status {done.returncode}"
        raise SetupError(f"Asterisk does not tell its version ({said}): repair or remove it.")
    return version


def parse_version(text: str) -> tuple[int, int, int] | None:
    """``Asterisk 22.10.1~dfsg+~cs6``, ``Asterisk certified/22.8-cert1``; None for a build from a working copy."""
    found = re.search(r"Asterisk (?:certified[/-])?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(str(part) for part in version)


# -- making


def _tree(settings: Settings, suite: str) -> Path:
    return settings.cache_dir / f"asterisk-{suite}"


def _make_root_file_system(settings: Settings, progress: Progress) -> None:
    become_root = _become_root()
    _require_tool("bwrap", "bubblewrap")
    debootstrap = _require_tool("debootstrap", "debootstrap")
    mirror = find_debian_mirror()
    if mirror is None:
        raise SetupError(
            f"{_why_none_fits()}and apt's sources here name no Debian mirror to fetch one: {_ONE_OF_ITS_OWN}."
        )
    progress("Asterisk: making a root file system for it (about a minute)")
    for suite in SUITES:
        log_file = settings.cache_dir / f"asterisk-{suite}.log"
        _remove_drafts(settings, become_root)
        draft = settings.cache_dir / f".asterisk-{suite}.{os.getpid()}"
        command = [
            *become_root,
            # a namespace of its own: its mounts and processes end with it, however it ends
            *("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"),
            *(debootstrap, "--force-check-gpg", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
            *(suite, str(draft), mirror),
            *_script_for(suite),
        ]
        try:
            failure = _run_debootstrap(command, log_file, progress)
            if failure is None:
                _finish(draft, become_root)
                draft.rename(_tree(settings, suite))
                return
        finally:
            _remove_drafts(settings, become_root)
        if "Couldn't find these debs" not in failure or suite == SUITES[-1]:
            raise SetupError(
                f"Debian's Asterisk could not be installed ({failure}); the log is {log_file}: "
                f"{_remedy_for(failure)}, or {_ONE_OF_ITS_OWN}."
            )


def _run_debootstrap(command: list[str], log_file: Path, progress: Progress) -> str | None:
    """None when all went well, else debootstrap's last error."""
    words = {
        "Retrieving": "fetching",
        "Extracting": "unpacking",
        "Unpacking": "installing",
        "Configuring": "setting up",
    }
    count = 0
    errors: list[str] = []
    line = ""
    environment = {
        **os.environ,
        **_apt_proxy(),
        "DEBIAN_FRONTEND": "noninteractive",
        "LC_ALL": "C",
        "PATH": _admin_path(),
    }
    with (
        log_file.open("w") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                log.write(line)
                kind, _, rest = line.strip().partition(": ")
                verb, _, package = rest.partition(" ")
                if kind == "I" and verb in words:
                    count += 1
                    progress(f"Asterisk: {words[verb]} {package.rstrip('.').split(' ')[0]} (step {count} of about 700)")
                elif kind == "E":
                    errors.append(rest)
        except BaseException:
            process.terminate()
            raise
    if process.returncode == 0:
        return None
    return errors[-1] if errors else line.strip() or f"debootstrap ended with status {process.returncode}"


def _finish(draft: Path, become_root: list[str]) -> None:
    hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n"
    for name, content in (("hosts", hosts), ("resolv.conf", None)):
        path = draft / "etc" / name
        if content is None and path.exists():
            continue
        subprocess.run(
            [*become_root, "tee", str(path)], input=content or "", text=True, stdout=subprocess.DEVNULL, check=True
        )


def _remove_drafts(settings: Settings, become_root: list[str]) -> None:
    drafts = [str(path) for path in settings.cache_dir.glob(".asterisk-*") if path.is_dir()]
    if drafts:
        subprocess.run([*become_root, "rm", "-rf", "--one-file-system", *drafts], check=True)


def _script_for(suite: str) -> list[str]:
    """Debian's older debootstraps do not know the newest suite's name; the script of sid serves all."""
    scripts = Path("/usr/share/debootstrap/scripts")
    return [] if (scripts / suite).exists() else [str(scripts / "sid")]


def _become_root() -> list[str]:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        raise SetupError(
            f"{_why_none_fits()}and fetching one needs root: run this as root or install sudo, or {_ONE_OF_ITS_OWN}."
        )
    command = [sudo] if sys.stdin.isatty() else [sudo, "-n"]
    if subprocess.run([*command, "true"], capture_output=not sys.stdin.isatty(), check=False).returncode != 0:
        raise SetupError(
            f"{_why_none_fits()}and fetching one needs root, which sudo refuses: be root, or {_ONE_OF_ITS_OWN}."
        )
    return command


def _why_none_fits() -> str:
    program = shutil.which("asterisk", path=_admin_path())
    if program:
        return f"Asterisk {_dotted(_version_of([program, '-V']))} on PATH is older than {_dotted(OLDEST_VERSION)} "
    return "There is no Asterisk on PATH "


def _admin_path() -> str:
    """A plain user's PATH leaves out where Debian puts debootstrap and asterisk."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def _require_tool(program: str, package: str) -> str:
    path = shutil.which(program, path=_admin_path())
    if path is None:
        raise SetupError(f"{program} is missing: run make setup-pbx, or apt-get install {package}.")
    return path


def _remedy_for(failure: str) -> str:
    if "signature" in failure.lower() or "keyring" in failure.lower():
        return "run apt-get install debian-archive-keyring (Debian's keys here are too old or missing) and repeat"
    return "check the network and the disk and repeat"


def _apt_proxy() -> dict[str, str]:
    """debootstrap fetches with wget, which does not read apt's proxy."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            ["apt-config", "shell", "PROXY", "Acquire::http::Proxy"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        found = re.search(r"PROXY='(http[^']+)'", done.stdout)
        if found and "http_proxy" not in os.environ:
            return {"http_proxy": found[1]}
    return {}


def main() -> int:
    """``python -m callcenter.asterisk.install``: what ``make setup-pbx`` does after the packages."""
    try:
        with console_progress() as progress:
            install = ensure_asterisk(get_settings(), progress)
    except SetupError as error:
        sys.stderr.write(f"setup-pbx: {error.message}\n")
        return 1
    sys.stderr.write(f"Asterisk {_dotted(install.version)} ({install.root or install.program})\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
