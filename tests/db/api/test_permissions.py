"""Every route against every role, from the OpenAPI document; and the table of who may do what."""

import re
from typing import Any

import httpx
import pytest

from callcenter.accounts.models import Role
from callcenter.core.db import Database
from tests.support.api import as_role

EVERYBODY = sorted(role.value for role in Role)
READERS = ["admin", "agent", "expert", "integration", "quality", "supervisor"]
CARERS = ["admin", "agent", "expert", "integration", "supervisor"]
HOSPITAL = ["admin", "integration"]

PUBLIC = {"accounts_log_in"}
"""Operations under /api/v1 that ask for no token."""

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
    "patients_get_patient": READERS,
    "patients_import_patients": HOSPITAL,
    "patients_put_patient": ["admin", "integration", "supervisor"],
    "patients_put_number": CARERS,
    "patients_remove_number": CARERS,
    "patients_put_card": ["admin", "integration", "supervisor"],
    "patients_list_locked_cards": ["admin", "supervisor"],
    "patients_unlock_cards": ["admin", "supervisor"],
    "patients_put_visit": HOSPITAL,
    "patients_put_discharge": HOSPITAL,
    "patients_put_appointment": HOSPITAL,
    "patients_list_vip_grades": EVERYBODY,
    "patients_put_vip_grade": ["admin"],
    "patients_remove_vip_grade": ["admin"],
}
TABLED = ("accounts_", "directory_", "patients_")
"""Domains whose rights stand in ALLOWED; the others keep such a table beside their own tests."""


async def operations(client: httpx.AsyncClient) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path with made-up ids, operation) of all that stands under /api/v1."""
    document = (await client.get("/api/v1/openapi.json")).json()
    return [
        (method.upper(), re.sub(r"\{[^}]+\}", "00000000-0000-0000-0000-000000000000", path), operation)
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
            answer = await client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated"), path


@pytest.mark.parametrize("role", list(Role))
async def test_each_route_lets_in_its_roles_and_nobody_else(
    client: httpx.AsyncClient, database: Database, role: Role
) -> None:
    """The made-up ids and missing bodies then fail in other ways: 403 or not is what counts."""
    headers = await as_role(database, role)
    last = ("accounts_log_out",)  # it ends this log-in
    for method, path, operation in sorted(await operations(client), key=lambda one: one[2]["operationId"] in last):
        if operation["operationId"] in PUBLIC:
            continue
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code != 401, path
        assert (answer.status_code == 403) == (role.value not in operation["x-roles"]), (method, path)
        assert answer.status_code != 500, (method, path)
