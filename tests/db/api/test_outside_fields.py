"""Every path, query and file name of the API with hostile values: answered or refused, never an error of ours."""

import re
from typing import Any
from urllib.parse import quote

import httpx

from callcenter.accounts.models import Role
from callcenter.core.db import Database
from tests.support.api import as_role
from tests.unit.test_injection import HOSTILE

TRIED = ("NUL", "SQL", "long digits")
"""Each harmful in its own way; all of them meet the parameters' kinds in the unit test."""


async def reads(client: httpx.AsyncClient) -> list[tuple[str, dict[str, Any]]]:
    """(path, operation) of all that is only read."""
    document = (await client.get("/api/v1/openapi.json")).json()
    return [
        (path, methods["get"])
        for path, methods in document["paths"].items()
        if "get" in methods and path.startswith("/api/v1")
    ]


async def test_paths_and_queries(client: httpx.AsyncClient, database: Database) -> None:
    admin = await as_role(database, Role.ADMIN)
    failed = []
    for path, operation in await reads(client):
        known = re.sub(r"\{[^}]+\}", "00000000-0000-0000-0000-000000000000", path)
        queries = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        for name in TRIED:
            evil = HOSTILE[name][:2_000]  # longer ones never reach a route
            asked: list[tuple[str, dict[str, str]]] = [(known, {query: evil}) for query in queries]
            if "{" in path:
                asked.append((re.sub(r"\{[^}]+\}", quote(evil, safe=""), path), {}))
            for url, params in asked:
                answer = await client.get(url, params=params, headers=admin)
                if answer.status_code >= 500:
                    failed.append((path, name, params.keys()))
    assert failed == []


async def test_names_of_uploaded_files(client: httpx.AsyncClient, database: Database) -> None:
    """Nothing is told by them, nothing is written under them."""
    admin = await as_role(database, Role.ADMIN)
    uploads = {
        "/api/v1/patients/import": (b"external_id,name\nP1,A\n", {}),
        "/api/v1/prompts/recordings": (b"no sound", {"prompt_id": "greeting", "language": "zh"}),
    }
    for path, (content, fields) in uploads.items():
        for evil in [HOSTILE[name] for name in TRIED]:
            answer = await client.post(path, files={"file": (evil, content)}, data=fields, headers=admin)
            assert answer.status_code < 500, (path, evil)
            assert len(evil) < 4 or evil not in answer.text
