"""The command line: ``callcenter --help``. Each group of commands is a module of this package."""

import sys

import typer
from rich.console import Console

from callcenter.cli import backup, database, flow, patients, pbx, prompts, serve, users
from callcenter.core.errors import CallcenterError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="A hospital's call centre.")
app.command("serve")(serve.serve)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(pbx.app, name="pbx", help="The Asterisk beside this service.")
app.add_typer(database.app, name="db", help="The embedded PostgreSQL and the schema.")
app.add_typer(users.app, name="users", help="Accounts.")
app.add_typer(patients.app, name="patients", help="Patients from files.")
app.add_typer(flow.app, name="flow", help="Call flows, without a PBX or database.")
app.add_typer(prompts.app, name="prompts", help="Spoken prompts.")


def main() -> None:
    """Entry point. An expected error is one sentence on stderr and exit status 1."""
    try:
        app()
    except CallcenterError as error:
        Console(stderr=True).print(f"callcenter: {error.message}", style="red", highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
