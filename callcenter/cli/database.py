"""``callcenter db ...``"""

import typer

from callcenter.cli.common import database_url, embedded, out
from callcenter.core.config import get_settings
from callcenter.core.errors import SetupError
from callcenter.core.migrate import upgrade as upgrade_schema

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The embedded PostgreSQL and the schema.")


@app.command()
def up() -> None:
    """Start the embedded PostgreSQL, if no other is configured, and bring the schema up to date."""
    settings = get_settings()
    if settings.database_url:
        raise SetupError("CALLCENTER_DATABASE_URL names another PostgreSQL: start that one.")
    url = embedded(settings).start()
    upgrade_schema(url)
    out.print(url, soft_wrap=True)


@app.command()
def down() -> None:
    """Stop the embedded PostgreSQL."""
    embedded(get_settings()).stop()


@app.command()
def upgrade() -> None:
    """Bring the schema of the configured database up to date."""
    with database_url():
        out.print("The schema is up to date.")
