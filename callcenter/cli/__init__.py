"""The command line: ``callcenter --help``. Each group of commands is a module of this package."""

import gc
import sys
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from callcenter.core.errors import CallcenterError

COMMANDS: dict[str, str] = {
    "serve": "serve:serve",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "pbx": "pbx:app",
    "db": "database:app",
    "users": "users:app",
    "patients": "patients:app",
    "flow": "flow:app",
    "prompts": "prompts:app",
}
"""The module of this package that holds each, and its function or group there."""


class _Commands(TyperGroup):
    """Imports what one command needs when it is asked for: a start is waited for, by people and by calls."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _load(cmd_name) if cmd_name in COMMANDS else None


def _load(name: str) -> Any:
    """What is imported stays: to look for garbage in it meanwhile, and ever after, is lost time."""
    module, _, attribute = COMMANDS[name].partition(":")
    gc.disable()
    found = getattr(import_module(f"{__name__}.{module}"), attribute)
    gc.freeze()
    gc.enable()
    group = found if isinstance(found, typer.Typer) else typer.Typer(add_completion=False)
    if group is not found:
        group.command(name)(found)
    command = typer.main.get_command(group)
    command.name = name
    return command


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def callcenter() -> None:
    """A hospital's call centre."""


def main() -> None:
    """Entry point. An expected error is one sentence on stderr and exit status 1."""
    try:
        app()
    except CallcenterError as error:
        Console(stderr=True).print(f"callcenter: {error.message}", style="red", highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
