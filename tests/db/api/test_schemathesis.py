"""Schemathesis on the whole API: whatever is sent to an operation, the answer is what its document promises.

Data that fits the document and data that does not, as administrator and as agent; no answer is a 5xx, each has a
documented status, media type and shape, each error is a problem document.
"""

from typing import Any

import httpx
import pytest
import requests
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from callcenter.accounts.models import Role
from callcenter.app import DOMAINS
from callcenter.core.http import API_PREFIX
from callcenter.core.problems import MEDIA_TYPE
from tests.support.api import given_token
from tests.support.served_app import ServedApp

EXAMPLES = 3
"""Of each operation, role and kind of data: bounded, `make test` waits for them."""

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

_NOT_SENT = frozenset({"timeout", "verify"})

OPERATIONS = sorted(
    (f"{API_PREFIX}{route.path_format}", method)
    for domain in DOMAINS
    for route in domain.router.routes
    if isinstance(route, APIRoute) and route.include_in_schema  # no socket
    for method in route.methods or ()
)
"""All that can be called; the document is made anew from the running application."""


@pytest.fixture(scope="session")
def schema(hospital_api: ServedApp) -> BaseSchema:
    document = hospital_api.app.openapi()
    config = SchemathesisConfig.from_dict({})
    return schemathesis.openapi.from_dict(document, config=config)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AGENT])
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_as_documented(
    hospital_api: ServedApp, schema: BaseSchema, path: str, method: str, role: Role
) -> None:
    operation = schema[path][method]
    positive = operation.as_strategy(GenerationMode.POSITIVE)
    both = st.one_of(positive, operation.as_strategy(GenerationMode.NEGATIVE))

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=both)
    def check(case: Case[Any]) -> None:
        token = hospital_api.run(given_token(hospital_api.database, role))
        case.validate_response(send(hospital_api, case, token), checks=[*CHECKS, errors_are_problems])

    check()


def send(api: ServedApp, case: Case[Any], token: str) -> httpx.Response:
    """As a client writes it; what no client can put into a request is left out."""
    values = case.as_transport_kwargs(base_url="http://callcenter.test")
    try:
        made = requests.Request(
            **{name: values[name] for name in values if name not in {"timeout", "verify"}}
        ).prepare()
    except (requests.exceptions.RequestException, UnicodeError, ValueError):
        assume(False)
    headers = [(name.encode("latin-1"), _raw(value)) for name, value in made.headers.items() if name != "Authorization"]
    headers.append((b"Authorization", f"Bearer {token}".encode()))
    body = made.body.encode() if isinstance(made.body, str) else made.body
    assert isinstance(body, bytes | None)
    return api.send(httpx.Request(made.method or "GET", made.url or "", headers=headers, content=body))


def _raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1", "replace")


def errors_are_problems(_context: Any, response: Any, _case: Case[Any]) -> None:
    if response.status_code >= 400:
        assert response.headers["content-type"] == [MEDIA_TYPE], response.headers
        assert {"type", "title", "status", "code", "trace_id"} <= set(response.json())
