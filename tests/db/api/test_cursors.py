"""Cursors of every list come back from outside: what no list gave out is refused, never an error of ours."""

from typing import Any

import httpx
import pytest

from callcenter.accounts.models import Role
from callcenter.core.cursors import encode_cursor
from callcenter.core.db import Database
from tests.db.api.test_permissions import operations
from tests.support.api import as_role

HOSTILE_KEYS: tuple[list[Any], ...] = (
    [],
    [None],
    [None, None, None],
    ["\x00"],
    ["x\x00", "y\x00"],
    [2**63],
    [2**40],
    [2**40, 2**40],
    ["x", 2**40, "00000000-0000-0000-0000-000000000000"],
    ["2026-01-05T08:00:00", "x"],
    ["0001-01-01T00:00:00+23:00", "00000000-0000-0000-0000-000000000000"],
    ["9999-12-31T23:59:59-23:00", 1],
    ["'; DROP TABLE users; --", "x", "x", "x"],
)


async def lists(client: httpx.AsyncClient) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(operation, method, path, request) of each route that takes a cursor; ``request`` has a place for it."""
    found: list[tuple[str, str, str, dict[str, Any]]] = []
    document = (await client.get("/api/v1/openapi.json")).json()
    for method, path, operation in await operations(client):
        if any(parameter["name"] == "cursor" for parameter in operation.get("parameters", ())):
            found.append((operation["operationId"], method, path, {"params": {}}))
        elif "json" in operation["sent"] and "cursor" in fields_of(operation, document):
            found.append((operation["operationId"], method, path, operation["sent"]))
    return found


def fields_of(operation: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    fields: dict[str, Any] = schema.get("properties", {})
    return fields


@pytest.mark.parametrize("key", HOSTILE_KEYS, ids=str)
async def test_a_key_that_no_list_gave_out_is_refused(
    client: httpx.AsyncClient, database: Database, key: list[Any]
) -> None:
    admin = await as_role(database, Role.ADMIN)
    refused = 0
    for operation, method, path, request in await lists(client):
        place = next(iter(request))
        with_cursor: dict[str, Any] = {place: {**request[place], "cursor": encode_cursor(key)}}
        answer = await client.request(method, path, headers=admin, **with_cursor)
        assert answer.status_code in {200, 404, 422}, (operation, answer.status_code)
        refused += answer.status_code == 422 and answer.json()["code"] == "invalid-cursor"
    assert refused >= 10


async def test_the_lists_are_found(client: httpx.AsyncClient) -> None:
    """Else the test above would show nothing."""
    found = {operation for operation, *_ in await lists(client)}
    assert {"patients_search_patients", "calls_search_calls", "articles_list_articles", "agents_list_changes"} <= found
