"""The HTTP API over a test's database, and people who may use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts import service as accounts
from callcenter.accounts.access import SESSION_PREFIX
from callcenter.accounts.models import LoginSession, Role, User
from callcenter.app import create_app
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.ids import new_id
from callcenter.core.security import new_token, token_digest

NOBODY_S_PASSWORD = "$argon2id$v=19$m=65536,t=3,p=4$WZL+k6rKrbkeTjd+hoTXXA$j/lxSRwQc6rLRJY6839vQQ27AeOaDQAaQX4jUKypN5Y"


@asynccontextmanager
async def api_client(database: Database, state_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a whole application, in this process; what a route raises is answered, as in production."""
    app = create_app(Settings(state_dir=state_dir), database)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://callcenter.test") as client:
        yield client


async def given_log_in(session: AsyncSession, *roles: Role, queue_scope: tuple[str, ...] = ()) -> tuple[UUID, str]:
    """A logged-in user's id and token; without the slow password."""
    token = SESSION_PREFIX + new_token()
    user = User(
        id=new_id(),
        username=f"user-{new_id().hex}",
        display_name="测试",
        password_hash=NOBODY_S_PASSWORD,
        roles=[role.value for role in roles],
        queue_scope=list(queue_scope),
        created_at=now(),
    )
    session.add(user)
    await session.flush()
    session.add(
        LoginSession(
            token_digest=token_digest(token),
            user_id=user.id,
            created_at=now(),
            expires_at=now() + timedelta(hours=1),
            source="test",
        )
    )
    return user.id, token


async def given_token(database: Database, *roles: Role, queue_scope: tuple[str, ...] = ()) -> str:
    """As :func:`given_log_in`, the token alone."""
    async with database.transaction() as session:
        return (await given_log_in(session, *roles, queue_scope=queue_scope))[1]


async def as_role(database: Database, *roles: Role) -> dict[str, str]:
    """Request headers of a logged-in user with these roles."""
    return {"Authorization": f"Bearer {await given_token(database, *roles)}"}


async def as_api_key(database: Database, *roles: Role) -> dict[str, str]:
    """Request headers of a programme with these roles."""
    async with database.transaction() as session:
        name = f"key-{new_id().hex}"
        _, token = await accounts.create_api_key(session, SYSTEM, name=name, roles=list(roles), expires_at=None)
    return {"Authorization": f"Bearer {token}"}


async def declared_roles(client: httpx.AsyncClient, *prefixes: str) -> dict[str, list[str]]:
    """Who may call the operations whose names begin with one of these, as the OpenAPI document says."""
    document = (await client.get("/api/v1/openapi.json")).json()
    return {
        operation["operationId"]: operation["x-roles"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if operation["operationId"].startswith(prefixes)
    }
