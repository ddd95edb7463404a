"""Health and figures of a process, whatever its roles: for whoever watches the service."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from callcenter import __version__
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.health import Check, check_database
from callcenter.core.metrics import HttpMetrics

RoleChecks = Sequence[Callable[[], list[Check]]]
"""What the process's other roles need, asked at each readiness question."""


def create_operations_app(settings: Settings, database: Database, role_checks: RoleChecks = ()) -> FastAPI:
    """Health and figures only, for a process without the api role."""
    app = FastAPI(title="Call centre operations", version=__version__, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.database = database
    add_operations_routes(app, HttpMetrics(database), role_checks)
    return app


def add_operations_routes(app: FastAPI, metrics: HttpMetrics, role_checks: RoleChecks) -> None:
    """For whoever watches the service: no log-in, no patient data."""

    @app.get("/health/live", tags=["operations"])
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "ok"}

    @app.get("/health/ready", tags=["operations"], responses={503: {"description": "One check failed."}})
    async def ready(request: Request) -> Response:
        """Whether this process has what its roles need: the database within a second, at the newest schema; the PBX."""
        checks = await check_database(request.app.state.database)
        checks += [check for checks_of_role in role_checks for check in checks_of_role()]
        is_ready = all(check.ok for check in checks)
        body: dict[str, Any] = {
            "status": "ok" if is_ready else "failing",
            "checks": {check.name: {"ok": check.ok, "reason": check.reason} for check in checks},
        }
        return Response(orjson.dumps(body), status_code=200 if is_ready else 503, media_type="application/json")

    @app.get("/metrics", tags=["operations"], response_class=Response)
    async def prometheus_metrics() -> Response:
        """Figures for Prometheus, without ids."""
        return Response(metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")
