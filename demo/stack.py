"""A whole installation of its own: PostgreSQL, a real Asterisk and the service, each a process that can be killed.

The demo runs one on the standard ports; every e2e test runs one on ports, database and directory of its own.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO

import httpx

from callcenter.asterisk.install import ensure_asterisk
from callcenter.asterisk.local_pbx import LocalPbx, prepare_data_dir
from callcenter.asterisk.render import write_pbx_configuration
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.errors import SetupError
from callcenter.core.progress import Progress, silent
from callcenter.queues import service as queues
from callcenter.roles import ProcessRole
from demo.ports import free_port

READY_SECONDS = 60.0
LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class Service:
    """One process of the service."""

    roles: tuple[ProcessRole, ...]
    process: asyncio.subprocess.Process
    http_port: int
    log_file: Path

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.http_port}"

    async def ready(self, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait for /health/ready. Raises SetupError with the log's last lines if the process ends or takes too long."""
        async with httpx.AsyncClient(base_url=self.url, timeout=2) as client:
            deadline = asyncio.get_running_loop().time() + timeout_seconds
            while asyncio.get_running_loop().time() < deadline:
                if self.process.returncode is not None:
                    raise SetupError(f"The service ended with status {self.process.returncode}:\n{self.last_words()}")
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get("/health/ready")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise SetupError(f"The service is not ready after {timeout_seconds:g} s:\n{self.last_words()}")

    async def stop(self, timeout_seconds: float = 40.0) -> int:
        """SIGTERM and wait; returns the exit status."""
        self.signal(signal.SIGTERM)
        async with asyncio.timeout(timeout_seconds):
            return await self.process.wait()

    async def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)
        await self.process.wait()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def last_words(self) -> str:
        return self.log_file.read_text(errors="replace")[-3000:]


@dataclass(slots=True)
class Stack:
    """``async with Stack(settings, database_url) as stack``: the PBX runs; services are started one by one.

    Everything it started is ended at the end, whatever happened.
    """

    settings: Settings
    database_url: str
    progress: Progress = silent
    die_with_parent: bool = False
    services: list[Service] = field(default_factory=list)
    _pbx: LocalPbx | None = None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def pbx(self) -> LocalPbx:
        if self._pbx is None:
            raise RuntimeError("start_pbx() first")
        return self._pbx

    async def __aenter__(self) -> "Stack":
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for service in self.services:
            if service.process.returncode is None:
                service.signal(signal.SIGCONT)
                await service.kill()
        if self._pbx is not None:
            await asyncio.to_thread(self._pbx.stop)

    async def start_pbx(self, database: Database) -> None:
        """Render Asterisk's configuration from what stands in ``database`` and start it."""
        install = await asyncio.to_thread(ensure_asterisk, self.settings, self.progress)
        async with database.transaction() as session:
            configuration = await queues.get_pbx_configuration(session)
        await asyncio.to_thread(write_pbx_configuration, self.settings, configuration)
        await asyncio.to_thread(prepare_data_dir, self.settings, install)
        self._pbx = LocalPbx(self.settings, install, die_with_parent=self.die_with_parent)
        await asyncio.to_thread(self._pbx.start)

    async def start_service(
        self,
        roles: Sequence[ProcessRole] = tuple(ProcessRole),
        *,
        http_port: int | None = None,
        ways: Mapping[str, str] = MappingProxyType({}),
    ) -> Service:
        """Start one process with ``roles`` and wait until it is ready. ``http_port``: for a second process.

        ``ways``: settings of this process alone (``AMI_PORT``, ``DATABASE_URL``), to lead it over a wire of a test.
        """
        service = await self.launch_service(roles, http_port=http_port, ways=ways)
        await service.ready()
        return service

    async def launch_service(
        self,
        roles: Sequence[ProcessRole],
        *,
        http_port: int | None = None,
        ways: Mapping[str, str] = MappingProxyType({}),
    ) -> Service:
        """Start one process without waiting."""
        port = http_port or self.settings.api_port
        log_file = self.settings.state_dir / f"service-{'-'.join(roles)}-{next(self._numbers)}.log"
        arguments = [part for role in roles for part in ("--role", role)]
        with log_file.open("wb") as log:
            process = await self._spawn(arguments, port, ways, log)
        service = Service(tuple(roles), process, port, log_file)
        self.services.append(service)
        return service

    async def _spawn(
        self, arguments: list[str], http_port: int, ways: Mapping[str, str], log: IO[bytes]
    ) -> asyncio.subprocess.Process:
        own = {f"CALLCENTER_{name}": value for name, value in {"API_PORT": str(http_port), **ways}.items()}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "callcenter", "serve", *arguments),
            env={**os.environ, **environment(self.settings, self.database_url), **own},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def environment(settings: Settings, database_url: str) -> dict[str, str]:
    """``settings`` as the environment of a process."""
    values = settings.model_dump(mode="json", exclude_none=True)
    values["database_url"] = database_url
    return {f"CALLCENTER_{name.upper()}": str(value) for name, value in values.items()}


_RTP_BLOCK = 400
_FIRST_RTP_PORT = 34_000


def private_settings(state_dir: Path, *, slot: int) -> Settings:
    """Settings of an installation beside others on this machine: free ports, its own directory.

    ``slot`` 0..15: whose ports, and whose RTP range, which has to be free as a block.
    """
    first = _FIRST_RTP_PORT + slot * _RTP_BLOCK
    return Settings(
        state_dir=state_dir,
        api_port=free_port(slot),
        fastagi_port=free_port(slot),
        sip_port=free_port(slot),
        ami_port=free_port(slot),
        pbx_http_port=free_port(slot),
        trunk_port=free_port(slot),
        rtp_port_first=first,
        rtp_port_last=first + _RTP_BLOCK - 1,
        trunk_watch_seconds=0,  # nobody answers there but now and then
        log_level="INFO",
    )


def wipe(directory: Path) -> None:
    """Remove an installation made by this module; nothing else: it must hold our mark."""
    if not directory.exists():
        return
    if not (directory / _MARK).exists():
        raise SetupError(f"{directory} is not a demo's directory: remove it yourself, or set CALLCENTER_STATE_DIR.")
    shutil.rmtree(directory)


def make_directory(directory: Path) -> None:
    """A directory that :func:`wipe` may remove."""
    directory.mkdir(parents=True, mode=0o755)
    (directory / _MARK).touch()


_MARK = ".callcenter-demo"
