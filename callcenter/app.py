"""The HTTP way in: one FastAPI application over the domains' routes. It speaks no AMI."""

from functools import cache
from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from callcenter import __version__
from callcenter.accounts import routes as accounts_routes
from callcenter.accounts.access import require
from callcenter.accounts.guessing import LoginThrottle
from callcenter.agents import routes as agents_routes
from callcenter.alarms import routes as alarms_routes
from callcenter.calendar import routes as calendar_routes
from callcenter.callbacks import routes as callbacks_routes
from callcenter.callouts import do_not_call_routes
from callcenter.callouts import routes as callouts_routes
from callcenter.calls import recording_routes
from callcenter.calls import routes as calls_routes
from callcenter.calls.recording_keys import recording_keys
from callcenter.campaigns import audience_routes
from callcenter.campaigns import handlers as campaign_handlers
from callcenter.campaigns import result_routes as campaign_result_routes
from callcenter.campaigns import routes as campaign_routes
from callcenter.core.background import Background
from callcenter.core.bus import BusListener
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.http import API_PREFIX
from callcenter.core.metrics import HttpMetrics
from callcenter.core.middleware import RequestEnvelope
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.problems import Problem, install_problem_handlers, problem_responses
from callcenter.core.secrets import find_secret, get_secret
from callcenter.core.uploaded_tables import MAX_UPLOAD_BYTES
from callcenter.desk import call_routes as desk_call_routes
from callcenter.desk import own_routes, phone_routes, preview_routes, record_routes, screen_pop_routes
from callcenter.desk import routes as desk_routes
from callcenter.desk import socket as desk_socket
from callcenter.desk.socket import DeskSockets
from callcenter.directory import article_routes
from callcenter.directory import routes as directory_routes
from callcenter.ivr import campaign_routes as campaign_choice_routes
from callcenter.ivr import routes as ivr_routes
from callcenter.messaging import routes as messaging_routes
from callcenter.messaging.routes import MAX_REPORT_BYTES
from callcenter.operations import RoleChecks, add_operations_routes
from callcenter.patients import do_not_call_routes as patient_do_not_call_routes
from callcenter.patients import routes as patients_routes
from callcenter.quality import routes as quality_routes
from callcenter.queues import recording_policy_routes
from callcenter.queues import routes as queues_routes
from callcenter.reports import routes as reports_routes
from callcenter.speech import routes as speech_routes
from callcenter.speech.recordings import MAX_RECORDING_BYTES
from callcenter.supervision import action_routes, alarm_routes, announcement_routes, chart_routes, people_routes
from callcenter.supervision import routes as supervision_routes
from callcenter.supervision.board_keeper import BoardKeeper
from callcenter.web import routes as web_routes
from callcenter.workorders import routes as workorders_routes

DOMAINS: tuple[ModuleType, ...] = (
    accounts_routes,
    alarms_routes,
    alarm_routes,
    calendar_routes,
    directory_routes,
    article_routes,
    patients_routes,
    patient_do_not_call_routes,
    queues_routes,
    desk_routes,
    desk_call_routes,
    phone_routes,
    screen_pop_routes,
    preview_routes,
    record_routes,
    own_routes,
    desk_socket,
    agents_routes,
    calls_routes,
    callbacks_routes,
    callouts_routes,
    do_not_call_routes,
    campaign_choice_routes,
    campaign_result_routes,
    campaign_routes,
    audience_routes,
    messaging_routes,
    recording_routes,
    recording_policy_routes,
    quality_routes,
    workorders_routes,
    reports_routes,
    speech_routes,
    ivr_routes,
    supervision_routes,
    action_routes,
    people_routes,
    announcement_routes,
    chart_routes,
)
"""Each module's ``router`` is mounted under /api/v1. A new domain is one import and one entry here.

In this order: /campaigns/choices is found before /campaigns/{campaign_id} takes it for an id."""

UPLOADS: dict[str, int] = {
    f"{API_PREFIX}/patients/import": MAX_UPLOAD_BYTES + 65_536,
    f"{API_PREFIX}/do-not-call/import": MAX_UPLOAD_BYTES + 65_536,
    f"{API_PREFIX}/campaigns/{{campaign_id}}/contacts/import": MAX_UPLOAD_BYTES + 65_536,
    f"{API_PREFIX}/messages/sms-reports": MAX_REPORT_BYTES,
    f"{API_PREFIX}/prompts/recordings": MAX_RECORDING_BYTES + 65_536,
    f"{API_PREFIX}/spoken-texts/recordings": MAX_RECORDING_BYTES + 65_536,
}
"""Paths that take files, or what strangers send, as their routes write them, and the bytes these may have."""


def create_app(settings: Settings, database: Database, role_checks: RoleChecks = ()) -> FastAPI:
    """The API over ``database``, which the caller closes.

    ``app.state``: settings, database, number_plan, code_key, recording_keys, background, sms_gateway_key,
    tell_of_messages.
    """
    background = Background(BusListener(database.url))
    app = FastAPI(
        title="Call centre",
        version=__version__,
        description="A hospital's call centre: patients, agents, queues, calls and their records.",
        openapi_url=f"{API_PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        routes=_api_routes(),
        lifespan=background.lifespan,
    )
    app.state.background = background
    app.include_router(web_routes.router)
    app.state.settings = settings
    app.state.database = database
    app.state.number_plan = NumberPlan(settings.country, settings.area_code)
    app.state.code_key = get_secret(settings, "check_code_key")
    app.state.recording_keys = recording_keys(settings)
    app.state.sms_gateway_key = find_secret(settings, "sms_gateway_key")
    app.state.tell_of_messages = (campaign_handlers.on_message,)
    app.state.login_throttle = LoginThrottle()
    app.state.desk_sockets = DeskSockets(database, background)
    app.state.board_keeper = BoardKeeper(settings, database, background)
    install_problem_handlers(app)
    metrics = HttpMetrics(database)
    add_operations_routes(app, metrics, role_checks)
    app.add_middleware(RequestEnvelope, metrics=metrics, uploads=UPLOADS)
    _complete_openapi(app)
    return app


@cache
def _api_routes() -> list[BaseRoute]:
    """Put together once in a process: FastAPI reads the signature of every route, a fifth of a second of work."""
    router = APIRouter(generate_unique_id_function=_operation_id)
    for domain in DOMAINS:
        router.include_router(domain.router, prefix=API_PREFIX, responses=problem_responses(400, 413, 422, 429, 503))
    return router.routes


def _operation_id(route: APIRoute) -> str:
    """``patients_search_patients``: stable as long as tag and function keep their names."""
    return f"{route.tags[0]}_{route.name}" if route.tags else route.name


def _complete_openapi(app: FastAPI) -> None:
    """Add to FastAPI's document the Problem schema and, per operation, ``x-roles``: who may call it."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= problem.pop("$defs", {})
            schemas["Problem"] = problem
            for path, method, roles in declared_roles():
                document["paths"][path][method]["x-roles"] = sorted(roles)
        return generate()

    app.openapi = openapi  # type: ignore[method-assign]


def declared_roles() -> list[tuple[str, str, frozenset[str]]]:
    """(path, method, roles) of every route that declares ``require``; admin is always among them."""
    found = []
    for domain in DOMAINS:
        for route in domain.router.routes:
            if not isinstance(route, APIRoute) or not route.include_in_schema:
                continue
            roles = _required_roles(route.dependant)
            if roles is not None:
                found += [(f"{API_PREFIX}{route.path_format}", method.lower(), roles) for method in route.methods or ()]
    return found


def _required_roles(dependant: Dependant) -> frozenset[str] | None:
    """Also where ``require`` stands behind another dependency of the route."""
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, require):
            return frozenset(role.value for role in dependency.call.roles)
        if (behind := _required_roles(dependency)) is not None:
            return behind
    return None
