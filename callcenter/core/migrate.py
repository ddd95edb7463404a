"""Bring the schema to the newest revision (alembic, migrations/)."""

from alembic import command
from alembic.config import Config

from callcenter.core.shipped import shipped_dir

MIGRATIONS = shipped_dir("migrations")


def upgrade(url: str, revision: str = "head") -> None:
    """Blocking; opens its own connection. ``url`` as for :class:`callcenter.core.db.Database`."""
    command.upgrade(alembic_config(url), revision)


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config
