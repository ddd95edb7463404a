"""Every route against every role, from the OpenAPI document; and the table of who may do what."""

import re
from typing import Any

import httpx
import pytest

from callcenter.accounts.models import Role
from callcenter.core.db import Database
from tests.support.api import as_api_key, as_role

EVERYBODY = sorted(role.value for role in Role)
READERS = ["admin", "agent", "expert", "integration", "quality", "supervisor"]
CARERS = ["admin", "agent", "expert", "integration", "supervisor"]
HOSPITAL = ["admin", "integration"]

MADE_UP_ID = "00000000-0000-0000-0000-000000000000"

PUBLIC = {"accounts_log_in", "messages_report_sms"}
"""Operations under /api/v1 that ask for no token: the second for a signature."""

ALLOWED = {
    "accounts_log_out": EVERYBODY,
    "accounts_who_am_i": EVERYBODY,
    "accounts_change_own_password": EVERYBODY,
    "accounts_list_users": ["admin"],
    "accounts_create_user": ["admin"],
    "accounts_get_user": ["admin"],
    "accounts_change_user": ["admin"],
    "accounts_reset_password": ["admin"],
    "accounts_list_api_keys": ["admin"],
    "accounts_create_api_key": ["admin"],
    "accounts_revoke_api_key": ["admin"],
    "directory_list_departments": EVERYBODY,
    "directory_get_department": EVERYBODY,
    "directory_put_department": HOSPITAL,
    "directory_list_doctors": EVERYBODY,
    "directory_get_doctor": EVERYBODY,
    "directory_put_doctor": HOSPITAL,
    "patients_search_patients": READERS,
    "patients_add_patient_to_do_not_call": ["admin", "agent", "expert", "integration", "scheduler", "supervisor"],
    "patients_get_patient": READERS,
    "patients_import_patients": HOSPITAL,
    "patients_import_do_not_call": ["admin", "integration", "supervisor"],
    "patients_put_patient": ["admin", "integration", "supervisor"],
    "patients_put_number": CARERS,
    "patients_remove_number": CARERS,
    "patients_put_card": ["admin", "integration", "supervisor"],
    "patients_list_locked_cards": ["admin", "supervisor"],
    "patients_unlock_cards": ["admin", "supervisor"],
    "patients_put_visit": HOSPITAL,
    "patients_put_discharge": HOSPITAL,
    "patients_put_appointment": HOSPITAL,
    "patients_put_reminder": HOSPITAL,
    "patients_list_vip_grades": EVERYBODY,
    "patients_put_vip_grade": ["admin"],
    "patients_remove_vip_grade": ["admin"],
}
TABLED = ("accounts_", "directory_", "patients_")
"""Domains whose rights stand in ALLOWED; the others keep such a table beside their own tests."""


async def operations(client: httpx.AsyncClient) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path with made-up ids, operation) of all under /api/v1; ``sent``: arguments of a request with a body."""
    document = (await client.get("/api/v1/openapi.json")).json()
    return [
        (
            method.upper(),
            re.sub(r"\{[^}]+\}", MADE_UP_ID, path),
            operation | {"sent": example_body(operation, document["components"]["schemas"])},
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/v1")
    ]


async def test_the_table_of_who_may_do_what(client: httpx.AsyncClient) -> None:
    declared = {
        operation["operationId"]: operation["x-roles"]
        for _, _, operation in await operations(client)
        if operation["operationId"].startswith(TABLED) and operation["operationId"] not in PUBLIC
    }
    assert declared == ALLOWED


async def test_every_route_declares_who_may_call_it(client: httpx.AsyncClient) -> None:
    open_to_all = {
        operation["operationId"] for _, _, operation in await operations(client) if "x-roles" not in operation
    }
    assert open_to_all == PUBLIC


async def test_without_a_token_nothing_is_answered(client: httpx.AsyncClient) -> None:
    for method, path, operation in await operations(client):
        if operation["operationId"] not in PUBLIC:
            answer = await client.request(method, path, **operation["sent"])
            assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated"), path


@pytest.mark.parametrize("kind", ["user", "api_key"])
@pytest.mark.parametrize("role", list(Role))
async def test_each_route_lets_in_its_roles_and_nobody_else(
    client: httpx.AsyncClient, database: Database, role: Role, kind: str
) -> None:
    """With a body that is right; the made-up ids then fail in other ways: 403 or not is what counts."""
    headers = await (as_role if kind == "user" else as_api_key)(database, role)
    last = ("accounts_log_out",)  # it ends this log-in
    for method, path, operation in sorted(await operations(client), key=lambda one: one[2]["operationId"] in last):
        if operation["operationId"] in PUBLIC:
            continue
        answer = await client.request(method, path, headers=headers, **operation["sent"])
        assert answer.status_code != 401, path
        is_refused = answer.status_code == 403 and answer.json()["code"] == "forbidden"
        assert is_refused == (role.value not in operation["x-roles"]), (method, path)
        assert answer.status_code < 500, (method, path)


async def test_the_bodies_that_are_sent_are_right(client: httpx.AsyncClient, database: Database) -> None:
    """Else the test above would show less than it says."""
    admin = await as_role(database, Role.ADMIN)
    for method, path, operation in await operations(client):
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content or operation["operationId"] in {*PUBLIC, "accounts_log_out"}:
            continue
        answer = await client.request(method, path, headers=admin, **operation["sent"])
        errors = answer.json().get("errors", []) if answer.status_code == 422 else []
        assert [error for error in errors if error["in"] == "body"] == [], (method, path, errors)


def example_body(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The example body of the operation, as the document shows it."""
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return {}
    return {"json": example(content["application/json"]["schema"], schemas)}


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """What the schema shows as an example, or what is made of its fields' examples."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    for choice in ("default", "example", "const"):
        if choice in schema:
            return schema[choice]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in schema.get("anyOf", schema.get("oneOf", ())):
        return example(choice, schemas)
    if schema.get("type") == "object":
        wanted = schema.get("required", ())
        return {name: example(schema["properties"][name], schemas) for name in wanted}
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)] if schema.get("minItems") else []
    formats = {"date": "2026-01-05", "date-time": "2026-01-05T08:00:00+08:00", "uuid": MADE_UP_ID}
    plain = {"boolean": True, "integer": schema.get("minimum", 1), "string": formats.get(schema.get("format", ""), "x")}
    return plain[schema["type"]]
