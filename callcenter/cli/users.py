"""``callcenter users ...``"""

import asyncio
from typing import Annotated

import typer

from callcenter.accounts import service
from callcenter.cli.common import database_url, open_database, out

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Accounts.")


@app.callback()
def _users() -> None:
    """Accounts."""


@app.command("create-admin")
def create_admin(
    username: Annotated[str, typer.Argument(help="Log-in name, e.g. admin.")],
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            confirmation_prompt=True,
            envvar="CALLCENTER_ADMIN_PASSWORD",
            help="At least 10 characters.",
        ),
    ],
    display_name: Annotated[str, typer.Option(help="Name shown to others.")] = "Administrator",
) -> None:
    """Open the first administrator's account. Never give the password as an argument on a shared machine."""

    async def create(url: str) -> None:
        async with open_database(url) as database, database.transaction() as session:
            await service.create_admin(session, username, password, display_name)

    with database_url() as url:
        asyncio.run(create(url))
    out.print(f"Administrator {username} can log in now.")
