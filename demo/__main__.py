"""``python -m demo [--once]``: the whole hotline on this machine, with simulated callers and agents' telephones."""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from pathlib import Path

import httpx
from rich.console import Console

from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.embedded_postgres import EmbeddedPostgres
from callcenter.core.errors import CallcenterError
from callcenter.core.migrate import upgrade
from callcenter.core.ports import require_free_port
from callcenter.core.progress import console_progress
from callcenter.core.secrets import get_secret
from callcenter.ivr.prompts import load_prompts
from demo import articles, hospital, pages, quality, report
from demo.hospital import SampleAgent
from demo.mailbox import Mailbox
from demo.observer import NeverHappened, Observer
from demo.phones import PhoneFailed, PhoneSystem
from demo.reminders import Reminders
from demo.stack import Stack, make_directory, wipe
from demo.story import Story

MAIL_FROM = "hotline@example.com"

out = Console()
if not out.is_terminal:
    out = Console(width=120)


def demo_settings() -> Settings:
    """The standard ports; a directory of the demo's own unless one is set. Its trunk answers only now and then."""
    if "CALLCENTER_STATE_DIR" in os.environ:
        return Settings(trunk_watch_seconds=0)
    return Settings(state_dir=Path("~/.local/state/callcenter-demo"), trunk_watch_seconds=0)


async def main(once: bool) -> int:
    """Exit status: 0 when story and records agree (with ``once``), or when a person ended it."""
    settings = demo_settings()
    _require_ports(settings)
    async with Mailbox(lambda line: out.print(f"           {line}", highlight=False)) as mailbox:
        mail = {"mail_host": "127.0.0.1", "mail_port": mailbox.port, "mail_tls": "none", "mail_from": MAIL_FROM}
        return await _until_ended(settings.model_copy(update=mail), once)


async def _until_ended(settings: Settings, once: bool) -> int:
    """By itself, or by a person."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    playing = asyncio.create_task(_play(settings, once))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({playing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not playing.done():
        out.print("\nStopping: telephones, service, Asterisk, PostgreSQL ...")
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing
        return 0
    return playing.result()


async def _play(settings: Settings, once: bool) -> int:
    """Everything; without ``once`` it stays up until cancelled, and then ends all it started."""
    wipe(settings.state_dir)
    make_directory(settings.state_dir)
    admin_password, agent_password = secrets.token_urlsafe(9), secrets.token_urlsafe(9)
    postgres = EmbeddedPostgres(settings.state_dir / "postgres")
    try:
        with console_progress() as progress:
            progress("PostgreSQL: starting")
            url = settings.database_url
            if url is None:
                url = await asyncio.to_thread(postgres.start)
            progress("PostgreSQL: making the tables")
            await asyncio.to_thread(upgrade, url)
            database = Database(url, pool_size=4, application_name="callcenter-demo")
            progress("Sample hospital: loading")
            async with database.transaction() as session:
                seat_passwords = await hospital.load(
                    session,
                    code_key=get_secret(settings, "check_code_key"),
                    admin_password=admin_password,
                    agent_password=agent_password,
                )
                await articles.load(session)
                await quality.load(session)
                await pages.load(session, agent_password, code_key=get_secret(settings, "check_code_key"))
            stack = Stack(settings, url, progress)
            progress("Asterisk: starting")
            await stack.start_pbx(database)
        async with stack, PhoneSystem(settings.sip_port, keep_messages=False) as phones:
            with console_progress() as progress:
                progress("Service: starting")
                service = await stack.start_service()
            async with httpx.AsyncClient(base_url=service.url, timeout=10) as client:
                story = Story(
                    phones,
                    Observer(database, stack.pbx),
                    load_prompts(settings.prompts_dir),
                    seat_passwords,
                    Timeline(),
                    lambda agent: _log_agent_in(client, agent, agent_password),
                )
                await story.play()
                agree = await report.print_and_check(out, client, story, "admin", admin_password)
                differences = await Reminders(phones, client, settings.trunk_port, story.tell).play()
                for difference in differences:
                    out.print(f"[red]differs[/red]  {difference}", highlight=False)
                if once:
                    return 0 if agree and not differences else 1
                _print_addresses(settings, service.url, admin_password, agent_password)
                await asyncio.Event().wait()
                return 0
    finally:
        await asyncio.to_thread(postgres.stop)


class Timeline:
    """Prints what happens with the seconds since the beginning."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, line: str) -> None:
        seconds = time.monotonic() - self._started
        out.print(f"[dim]{seconds:6.1f} s[/dim]  {line}", highlight=False, soft_wrap=True)


async def _log_agent_in(client: httpx.AsyncClient, agent: SampleAgent, password: str) -> None:
    login = await client.post("/api/v1/auth/login", json={"username": agent.username, "password": password})
    login.raise_for_status()
    state = await client.put(
        "/api/v1/agents/me/state",
        json={"wanted": "available", "seat": agent.seat},
        headers={"Authorization": f"Bearer {login.json()['token']}"},
    )
    state.raise_for_status()


def _require_ports(settings: Settings) -> None:
    """One clear sentence before anything is started."""
    for protocol, host, port, purpose, name in (
        ("tcp", settings.api_host, settings.api_port, "HTTP", "CALLCENTER_API_PORT"),
        ("tcp", settings.fastagi_host, settings.fastagi_port, "FastAGI", "CALLCENTER_FASTAGI_PORT"),
        ("tcp", settings.ami_host, settings.ami_port, "Asterisk's manager interface", "CALLCENTER_AMI_PORT"),
        ("tcp", "127.0.0.1", settings.pbx_http_port, "browser phones", "CALLCENTER_PBX_HTTP_PORT"),
        ("udp", settings.sip_host, settings.sip_port, "SIP", "CALLCENTER_SIP_PORT"),
    ):
        require_free_port("udp" if protocol == "udp" else "tcp", host, port, purpose=purpose, setting=name)


def _print_addresses(settings: Settings, url: str, admin_password: str, agent_password: str) -> None:
    out.print()
    out.print("[bold]It stays up until Ctrl-C.[/bold]")
    out.print(f"  API        {url}/api/v1  (OpenAPI: {url}/api/v1/openapi.json)", highlight=False)
    out.print(f"  log-in     admin / {admin_password}", highlight=False)
    out.print(f"  desk       {url}/desk     {pages.AGENT} / {agent_password}, seat {pages.SEAT}", highlight=False)
    out.print(f"  console    {url}/console  {pages.SUPERVISOR} / {agent_password}", highlight=False)
    out.print(f"  health     {url}/health/ready   figures {url}/metrics", highlight=False)
    out.print(f"  SIP        {settings.sip_host}:{settings.sip_port}/udp, hotline {hospital.HOTLINE}", highlight=False)
    out.print(
        f'  Asterisk   CALLCENTER_STATE_DIR={settings.state_dir} callcenter pbx cli "queue show"', highlight=False
    )


def run() -> int:
    try:
        return asyncio.run(main(once="--once" in sys.argv[1:]))
    except CallcenterError as error:
        Console(stderr=True).print(f"demo: {error.message}", style="red", highlight=False, soft_wrap=True)
    except (PhoneFailed, NeverHappened) as error:
        Console(stderr=True).print(f"demo: the story went wrong: {error}", style="red", highlight=False, soft_wrap=True)
    return 1


if __name__ == "__main__":
    sys.exit(run())
