"""Who asks, and whether they may: the dependency that every route under /api/v1 declares.

    @router.get("/queues")
    async def list_queues(access: Annotated[Access, Depends(require(Role.SUPERVISOR))], session: DbSession) -> ...

Source of the roles: docs/glossary.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts import queries
from callcenter.accounts.errors import TooManyLogins
from callcenter.accounts.guessing import ALARM, LoginThrottle, source_network
from callcenter.accounts.models import Role
from callcenter.core.alarms import raise_alarm
from callcenter.core.audit import Actor
from callcenter.core.clock import now
from callcenter.core.errors import Forbidden, NotAuthenticated
from callcenter.core.http import DbSession, get_database, open_transaction, source_of
from callcenter.core.security import token_digest

log = structlog.get_logger(__name__)

API_KEY_PREFIX = "cck_"
SESSION_PREFIX = "ccs_"

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="Token of `POST /api/v1/auth/login`, or an API key.",
)


@dataclass(frozen=True, slots=True)
class Access:
    """An authenticated asker. ``queue_scope``: the queues a supervisor steers; empty: none is excluded.

    ``user_id`` is None for an API key. ``token_digest`` tells this log-in from the user's others.
    """

    actor: Actor
    roles: frozenset[Role]
    queue_scope: frozenset[str]
    user_id: UUID | None
    token_digest: bytes

    def has(self, *roles: Role) -> bool:
        """Whether one of ``roles``, or admin, is among the asker's."""
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(roles)

    def covers_queue(self, queue_name: str) -> bool:
        """Whether a supervisor may see and steer this queue (an admin all; an empty scope is no limit)."""
        return Role.ADMIN in self.roles or not self.queue_scope or queue_name in self.queue_scope


async def authenticate(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    session: DbSession,
) -> Access:
    """The asker behind the bearer token, in one query; raises NotAuthenticated, TooManyLogins (wrong tokens).

    A right token is let in however many wrong ones come from its address: a token cannot be guessed, and a
    forgotten page that asks with an old one must not lock its neighbours out.
    """
    if credentials is None:
        raise NotAuthenticated
    source = source_of(request)
    access = await find_access(session, credentials.credentials, source=source)
    if access is None:
        await _count_wrong_token(request, source_network(source))
        raise NotAuthenticated
    return access


async def _count_wrong_token(request: Request, source: str) -> None:
    throttle: LoginThrottle = request.app.state.login_throttle
    try:
        throttle.hit(f"token:{source}")
    except TooManyLogins:
        if throttle.is_news(f"token:{source}"):
            async with open_transaction(get_database(request)) as kept:  # the request's own is rolled back
                await raise_alarm(kept, ALARM, key=f"token:{source}", source=source)
        raise


async def find_access(session: AsyncSession, token: str, *, source: str) -> Access | None:
    """The asker of a live log-in or API key, or None: also for WebSockets, which send the token their own way."""
    digest = token_digest(token)
    if token.startswith(API_KEY_PREFIX):
        key = await queries.find_live_api_key(session, digest, at=now())
        if key is None:
            return None
        actor = Actor(kind="api_key", id=str(key.id), name=key.name, source=source)
        return Access(actor, _roles(key.roles), frozenset(), None, digest)
    user = await queries.find_user_of_live_session(session, digest, at=now())
    if user is None:
        return None
    actor = Actor(kind="user", id=str(user.id), name=user.username, source=source)
    return Access(actor, _roles(user.roles), frozenset(user.queue_scope), user.id, digest)


async def live_roles(session: AsyncSession, digests: Collection[bytes]) -> dict[bytes, frozenset[Role]]:
    """Those of the log-ins and API keys that still hold, with what they may do now: for screens that stay open."""
    found = await queries.list_live_roles(session, digests, at=now())
    return {digest: _roles(names) for digest, names in found}


_ROLES = {role.value: role for role in Role}


def _roles(names: list[str]) -> frozenset[Role]:
    return frozenset(_ROLES[name] for name in names)


class require:  # noqa: N801 - reads as a word of the route's declaration
    """Dependency: the asker's :class:`Access` if they hold one of ``roles`` (admin always); none named: anybody.

    Raises NotAuthenticated (401) or Forbidden (403). ``roles`` is read by app.py for the OpenAPI document.
    """

    def __init__(self, *roles: Role) -> None:
        self.roles: frozenset[Role] = frozenset({*roles, Role.ADMIN}) if roles else frozenset(Role)

    async def __call__(self, access: Annotated[Access, Depends(authenticate)]) -> Access:
        if access.roles.isdisjoint(self.roles):
            log.warning("forbidden", actor=access.actor.name)
            raise Forbidden
        return access
