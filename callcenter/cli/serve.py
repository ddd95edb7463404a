"""``callcenter serve``"""

from typing import Annotated

import typer
import uvloop

from callcenter.cli.common import database_url
from callcenter.core.allocator import keep_memory_flat
from callcenter.core.config import get_settings
from callcenter.core.logging import configure_logging
from callcenter.roles import ProcessRole
from callcenter.roles import serve as serve_roles


def serve(
    role: Annotated[
        list[ProcessRole] | None, typer.Option(help="Run only this role (may be repeated); default: all three.")
    ] = None,
) -> None:
    """Run the service until SIGTERM or Ctrl-C. Running flows finish first."""
    keep_memory_flat()
    settings = get_settings()
    roles = frozenset(role or ProcessRole)
    configure_logging(settings, "+".join(sorted(roles)))
    with database_url(settings) as url:
        uvloop.run(serve_roles(settings, url, roles))
