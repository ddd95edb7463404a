"""What a bare machine meets: the scripts with stand-ins for apt, pip and Python, and the locks."""

import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from callcenter.core.processes import poll_until

ROOT = Path(__file__).resolve().parents[2]
TOOLS = (
    "bash",
    "env",
    "cat",
    "cp",
    "cut",
    "dirname",
    "find",
    "flock",
    "grep",
    "mkdir",
    "rm",
    "sha256sum",
    "sleep",
    "tail",
    "tr",
)
GOOD_PYTHON = """#!/bin/bash
# stands in for python3: has venv, and a pip that behaves as $PIP says
case "$*" in
  *"-m venv"*) mkdir -p "${@: -1}/bin"; cp "$0" "${@: -1}/bin/python" ;;
  *"sys.prefix == sys.base_prefix"*) [[ $0 == */bin/python ]] ;;
  *"-m pip"*) echo "pip $*" >> "$CALLS"; eval "${PIP:-true}" ;;
  --version) echo Python 3.12.0 ;;
esac
"""


class Machine:
    """A copy of the files that set up, and a PATH with nothing but what is put on it."""

    def __init__(self, directory: Path) -> None:
        self.bin = directory / "bin"
        self.project = directory / "project"
        self.cache = directory / "cache"
        self.calls = directory / "calls"
        self.bin.mkdir(parents=True)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        (self.project / "scripts").mkdir(parents=True)
        for name in ("Makefile", "pyproject.toml", "requirements-dev.txt", "scripts/lib.sh", "scripts/setup.sh"):
            shutil.copy(ROOT / name, self.project / name)
        shutil.copy(ROOT / "scripts/setup-pbx.sh", self.project / "scripts/setup-pbx.sh")
        for name in ("bwrap", "setpriv", "sox", "espeak-ng"):
            self.put(name, "#!/bin/bash\n")

    def put(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": str(self.bin),
            "HOME": str(self.cache),
            "CALLCENTER_CACHE_DIR": str(self.cache),
            "CALLS": str(self.calls),
            **more,
        }

    def run(self, script: str, *, as_nobody: bool = False, **more: str) -> subprocess.CompletedProcess[str]:
        """``as_nobody``: in a user namespace where we are not root."""
        unshare = [shutil.which("unshare") or "unshare", "--user"] if as_nobody else []
        command = [*unshare, str(self.bin / "bash"), str(self.project / "scripts" / script)]
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=self.environment(**more),
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip().splitlines()[-1]


def named_log(done: subprocess.CompletedProcess[str]) -> Path:
    found = re.search(r"see (\S+\.log)", last_line(done))
    assert found, done.stderr
    return Path(found[1])


def test_setup_installs_from_the_lock_and_then_has_nothing_to_do(machine: Machine) -> None:
    machine.put("python3", GOOD_PYTHON)
    first = machine.run("setup.sh")
    assert first.returncode == 0, first.stderr
    calls = machine.calls.read_text()
    assert "--require-hashes" in calls
    assert "--editable" in calls
    again = machine.run("setup.sh")
    assert (again.returncode, again.stderr) == (0, "")
    assert machine.calls.read_text() == calls


def test_a_changed_lock_is_installed(machine: Machine) -> None:
    machine.put("python3", GOOD_PYTHON)
    machine.run("setup.sh")
    before = machine.calls.read_text()
    lock = machine.project / "requirements-dev.txt"
    lock.write_text(lock.read_text() + "\n")
    assert machine.run("setup.sh").returncode == 0
    assert len(machine.calls.read_text()) > len(before)


def test_pip_failing_names_its_log_and_is_tried_again(machine: Machine) -> None:
    machine.put("python3", GOOD_PYTHON)
    done = machine.run("setup.sh", PIP="echo no such host; exit 1")
    assert done.returncode != 0
    assert last_line(done).startswith("setup: pip install failed, see ")
    assert "no such host" not in done.stderr
    assert "no such host" in named_log(done).read_text()
    assert machine.run("setup.sh").returncode == 0
    assert "ready" in machine.run("setup.sh", VENV="other").stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_running(machine: Machine, tmp_path: Path, number: signal.Signals) -> None:
    machine.put("python3", GOOD_PYTHON)
    pid_file = tmp_path / "pid"
    environment = machine.environment(PIP=f"echo $$ > {pid_file}; exec sleep 60")
    script = str(machine.project / "scripts/setup.sh")
    # started in the background by a shell we would ignore SIGINT, and bash cannot trap what it inherits as ignored
    command = [str(shutil.which("env")), "--default-signal=INT", str(machine.bin / "bash"), script]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as setup:
        assert poll_until(lambda: pid_file.exists() and bool(pid_file.read_text()), 30)
        setup.send_signal(number)
        assert setup.wait(30) != 0
    assert not Path(f"/proc/{pid_file.read_text().strip()}").exists()


def test_a_python_too_old_is_refused_with_the_remedy(machine: Machine) -> None:
    machine.put("python3", "#!/bin/bash\n[[ $1 == --version ]] && echo Python 3.9.2 || exit 1\n")
    machine.put("apt-get", "#!/bin/bash\n")
    machine.put("sudo", '#!/bin/bash\n[[ $1 == -n ]] && shift\nexec "$@"\n')
    machine.put("true", "#!/bin/bash\n")
    done = machine.run("setup.sh")
    assert done.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed, and this system offers Python 3.9.2" in last_line(done)


def test_without_root_and_sudo_one_sentence_says_what_to_do(machine: Machine) -> None:
    machine.put("apt-get", "#!/bin/bash\n")
    done = machine.run("setup-pbx.sh", as_nobody=True)
    assert done.returncode != 0
    assert re.fullmatch(
        r"setup-pbx: installing sip-tester.* needs root, and there is no sudo: run as root.*\n", done.stderr
    )


def test_sudo_refusing_is_said(machine: Machine) -> None:
    machine.put("apt-get", "#!/bin/bash\n")
    machine.put("sudo", "#!/bin/bash\nexit 1\n")
    done = machine.run("setup-pbx.sh", as_nobody=True)
    assert done.returncode != 0
    assert "needs root, and sudo refuses" in last_line(done)


def test_apt_failing_names_its_log(machine: Machine) -> None:
    machine.put("apt-get", "#!/bin/bash\necho E: mirror is down\nexit 100\n")
    machine.put("sudo", '#!/bin/bash\n[[ $1 == -n ]] && shift\nexec "$@"\n')
    machine.put("true", "#!/bin/bash\n")
    done = machine.run("setup-pbx.sh")
    assert done.returncode != 0
    assert last_line(done).startswith("setup-pbx: apt-get update failed, see ")
    assert "mirror is down" in named_log(done).read_text()


def test_without_apt_the_packages_are_named(machine: Machine) -> None:
    done = machine.run("setup-pbx.sh")
    assert done.returncode != 0
    assert "there is no apt-get" in last_line(done)
    assert "sip-tester" in last_line(done)


# -- Asterisk


def run_install(machine: Machine, version: str | None, *, as_nobody: bool) -> subprocess.CompletedProcess[str]:
    if version:
        machine.put("asterisk", f"#!/bin/bash\necho Asterisk {version}\n")
    unshare = [shutil.which("unshare") or "unshare", "--user"] if as_nobody else []
    return subprocess.run(
        [*unshare, sys.executable, "-m", "callcenter.asterisk.install"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env=machine.environment(),
    )


def test_an_asterisk_too_old_without_root_is_refused_with_the_remedy(machine: Machine) -> None:
    done = run_install(machine, "20.6.0~dfsg+~cs6", as_nobody=True)
    assert done.returncode != 0
    assert re.fullmatch(
        r"setup-pbx: Asterisk 20\.6\.0 on PATH is older than 22\.9\.0[a-z ]* needs root: .*22\.9 or newer.*\n",
        done.stderr,
    )


def test_an_asterisk_new_enough_is_used(machine: Machine) -> None:
    done = run_install(machine, "22.9.0", as_nobody=True)
    assert (done.returncode, done.stderr) == (0, f"Asterisk 22.9.0 ({machine.bin / 'asterisk'})\n")


def test_an_asterisk_that_cannot_run_is_said(machine: Machine) -> None:
    machine.put("asterisk", "#!/bin/bash\necho libfoo.so missing >&2; exit 127\n")
    done = run_install(machine, None, as_nobody=True)
    assert done.returncode != 0
    assert "does not tell its version (libfoo.so missing)" in done.stderr


# -- locks


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE)
    return {normalised(package): version for package, version in found}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_a_lock_pins_every_dependency_with_hashes_and_names_no_registry(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in requirement, requirement
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(project["optional-dependencies"]["dev"] if "dev" in name else [])]
    missing = {normalised(re.split(r"[\[<>=!~; ]", line)[0]) for line in wanted} - set(pins(name))
    assert not missing, "run make lock"
    assert "setuptools" in pins(name)


def test_both_locks_agree() -> None:
    runtime, development = pins("requirements.txt"), pins("requirements-dev.txt")
    assert runtime.items() <= development.items()


def test_every_target_of_the_makefile_is_explained() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    explained = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[1] for line in explained.splitlines()} == targets
