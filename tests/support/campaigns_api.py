"""Campaigns over HTTP, as whoever plans them does it."""

from typing import Any

import httpx
from sqlalchemy import select

from callcenter.core.audit import AuditEntry
from callcenter.core.db import Database
from tests.support.campaigns import campaign_body

CAMPAIGNS, LIMITS = "/api/v1/campaigns", "/api/v1/campaigns/limits"
Headers = dict[str, str]
MADE_UP = "00000000-0000-0000-0000-000000000000"


async def audited(database: Database) -> list[str]:
    async with database.transaction() as session:
        query = select(AuditEntry.action).where(AuditEntry.action.startswith("campaigns."))
        return list(await session.scalars(query.order_by(AuditEntry.id)))


async def made(client: httpx.AsyncClient, headers: Headers, **changes: Any) -> dict[str, Any]:
    answer = await client.post(CAMPAIGNS, headers=headers, json=campaign_body(**changes))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def becomes(client: httpx.AsyncClient, headers: Headers, campaign: str, state: str) -> httpx.Response:
    return await client.put(f"{CAMPAIGNS}/{campaign}/state", headers=headers, json={"state": state})


async def send(client: httpx.AsyncClient, headers: Headers, campaign: str, *people: dict[str, Any]) -> httpx.Response:
    return await client.post(f"{CAMPAIGNS}/{campaign}/contacts", headers=headers, json={"contacts": people})


def someone(index: int = 1, **more: Any) -> dict[str, Any]:
    return {"key": f"p{index}", "numbers": [f"138{index:08}"], **more}
