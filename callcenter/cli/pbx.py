"""``callcenter pbx ...``: Asterisk for development, tests, demo, and beside the engine in production."""

import asyncio
from typing import Annotated

import typer

from callcenter.asterisk.commands import Reload
from callcenter.asterisk.install import ensure_asterisk, find_asterisk
from callcenter.asterisk.local_pbx import LocalPbx, prepare_data_dir
from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.render import PbxConfiguration, reload_modules, write_pbx_configuration
from callcenter.cli.common import database_url, open_database, out
from callcenter.core.config import Settings, get_settings
from callcenter.core.errors import SetupError
from callcenter.core.progress import console_progress
from callcenter.core.secrets import get_secret
from callcenter.queues import service as queues

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The Asterisk beside this service.")

AMI_SECONDS = 10.0


@app.command()
def up() -> None:
    """Install Asterisk if there is none, render its configuration, start it, wait until it takes calls."""
    settings = get_settings()
    with console_progress() as progress:
        install = ensure_asterisk(settings, progress)
        changed = write_pbx_configuration(settings, _configuration(settings))
        prepare_data_dir(settings, install)
        pbx = LocalPbx(settings, install)
        if pbx.status().running:
            asyncio.run(_reload(settings, reload_modules(changed)))
        progress("Asterisk: starting")
        pbx.start()
    version = ".".join(str(part) for part in install.version)
    out.print(f"Asterisk {version} takes calls on {settings.sip_host}:{settings.sip_port}/udp.")


@app.command()
def prepare() -> None:
    """Write all that Asterisk reads and make its directories, without starting it: for systemd and containers."""
    settings = get_settings()
    pbx = _pbx()
    write_pbx_configuration(settings, _configuration(settings))
    pbx.prepare()
    out.print(f"Start it with: asterisk -f -C {settings.pbx_dir / 'etc' / 'asterisk.conf'}", soft_wrap=True)


@app.command()
def down() -> None:
    """Stop it; calls in progress end and stand in the ledger."""
    _pbx().stop()


@app.command()
def status() -> None:
    """Whether it runs; exit status 1 if not."""
    found = _pbx().status()
    out.print(f"running, pid {found.pid}" if found.running else "not running")
    if not found.running:
        raise typer.Exit(1)


@app.command()
def cli(command: Annotated[str, typer.Argument(help='E.g. "queue show".')]) -> None:
    """One command of Asterisk's own console."""
    out.print(_pbx().cli(command), highlight=False, markup=False, soft_wrap=True)


@app.command()
def render() -> None:
    """Write the whole configuration from the templates and the database; a running Asterisk reads what changed."""
    settings = get_settings()
    changed = write_pbx_configuration(settings, _configuration(settings))
    if not changed:
        out.print("Nothing has changed.")
        return
    out.print(f"Changed: {', '.join(changed)}")
    modules = reload_modules(changed)
    if _pbx().status().running:
        asyncio.run(_reload(settings, modules))
        out.print(f"Read again without dropping calls: {', '.join(modules) or 'nothing'}")


async def _reload(settings: Settings, modules: list[str]) -> None:
    session = AmiSession(
        host=settings.ami_host,
        port=settings.ami_port,
        username="cc_commands",
        secret=get_secret(settings, "ami_commands_secret"),
        name="cli",
    )
    running = asyncio.create_task(session.run())
    try:
        await session.wait_connected(AMI_SECONDS)
        for module in modules:
            action, headers = Reload(module=module).ami()
            response = await session.send(action, headers)
            if not response.success:
                raise SetupError(f"Asterisk refused to reload {module}: {response.message}")
    finally:
        await session.close()
        await running


def _configuration(settings: Settings) -> PbxConfiguration:
    async def read(url: str) -> PbxConfiguration:
        async with open_database(url) as database, database.transaction() as session:
            return await queues.get_pbx_configuration(session)

    with database_url(settings) as url:
        return asyncio.run(read(url))


def _pbx() -> LocalPbx:
    settings = get_settings()
    install = find_asterisk(settings)
    if install is None:
        raise SetupError("There is no Asterisk 22.9 or newer here: run `callcenter pbx up` or `make setup-pbx`.")
    return LocalPbx(settings, install)
