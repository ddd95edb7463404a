"""Rules of accounts: log-in with lock-out, users, API keys. Everything is audited in the same transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts import queries
from callcenter.accounts.access import API_KEY_PREFIX, SESSION_PREFIX, Access
from callcenter.accounts.errors import (
    KeyNameTaken,
    KeyNotFound,
    LastAdmin,
    LoginFailed,
    TooManyLogins,
    UsernameTaken,
    UserNotFound,
    WeakPassword,
    WrongPassword,
)
from callcenter.accounts.guessing import ALARM, source_network
from callcenter.accounts.models import ApiKey, LoginSession, LoginSource, Role, User
from callcenter.core.alarms import raise_alarm
from callcenter.core.audit import SYSTEM, Actor, record_audit
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.http import open_transaction
from callcenter.core.security import hash_password, new_token, token_digest, verify_password

MAX_TRIES = 5
"""Wrong passwords of one account in one window."""
MAX_TRIES_OF_SOURCE = 50
"""Wrong passwords from one address, whatever the account: many people may share it."""
TRY_WINDOW = timedelta(minutes=15)
MIN_PASSWORD_LENGTH = 10


@dataclass(frozen=True, slots=True)
class NewLogin:
    token: str
    expires_at: datetime


async def log_in(database: Database, username: str, password: str, *, source: str, lifetime: timedelta) -> NewLogin:
    """Check the password and open a session; raises LoginFailed, TooManyLogins (from this address).

    Two transactions of its own: the try is counted and committed before the slow check, so that tries in
    parallel cannot outrun the lock-out and no connection is held meanwhile. Unknown names go the same way.
    """
    at = now()
    async with open_transaction(database) as session:
        counted = await queries.lock_login_source(session, source_network(source))
        is_source_open = count_try(counted, at, MAX_TRIES_OF_SOURCE)
        user = await queries.find_user_by_name(session, username, lock=True) if is_source_open else None
        may_try = user is not None and user.active and count_try(user, at)
        actor = Actor("user", str(user.id), user.username, source) if user else Actor("user", "", "", source)
        record_audit(session, actor, "accounts.try_log_in", subject_id=actor.id or None, locked=not may_try)
    if not is_source_open:
        raise TooManyLogins
    right = await verify_password(password, user.password_hash if user else await _hash_of_nobody())
    if user is None or not may_try or not right:
        await _tell_of_guesses(database, counted, user if may_try else None)
        raise LoginFailed
    async with open_transaction(database) as session:
        return await _open_session(session, user.id, actor, lifetime)


def count_try(counted: User | LoginSource, at: datetime, limit: int = MAX_TRIES) -> bool:
    """Count one try on the (locked) row; False while it is locked.

    ``limit`` tries within 15 minutes lock it for 15 minutes; a right password clears an account's count.
    """
    if counted.locked_until is not None and counted.locked_until > at:
        return False
    if counted.failed_since is None or counted.failed_since <= at - TRY_WINDOW:
        counted.failed_since, counted.failed_logins = at, 0
    counted.failed_logins += 1
    if counted.failed_logins >= limit:
        counted.locked_until = at + TRY_WINDOW
    return True


async def _tell_of_guesses(database: Database, counted: LoginSource, user: User | None) -> None:
    """One alarm when the last try that was left was wrong."""
    used_up = []
    if user is not None and user.failed_logins >= MAX_TRIES:
        used_up.append((f"account:{user.id}", {"user_id": str(user.id)}))
    if counted.failed_logins >= MAX_TRIES_OF_SOURCE:
        used_up.append((f"source:{counted.address}", {"source": counted.address}))
    if used_up:
        async with open_transaction(database) as session:
            for key, details in used_up:
                await raise_alarm(session, ALARM, key=key, **details)


async def _open_session(session: AsyncSession, user_id: UUID, actor: Actor, lifetime: timedelta) -> NewLogin:
    counted = await queries.lock_login_source(session, source_network(actor.source))
    user = await session.get_one(User, user_id, with_for_update=True)
    if not user.active:
        raise LoginFailed
    at = now()
    user.failed_logins, user.failed_since, user.locked_until = 0, None, None
    counted.failed_logins = max(0, counted.failed_logins - 1)
    if counted.failed_logins < MAX_TRIES_OF_SOURCE:
        counted.locked_until = None
    token = SESSION_PREFIX + new_token()
    await queries.delete_dead_sessions(session, user.id, at=at)
    session.add(
        LoginSession(
            token_digest=token_digest(token),
            user_id=user.id,
            created_at=at,
            expires_at=at + lifetime,
            source=actor.source,
        )
    )
    record_audit(session, actor, "accounts.log_in", subject_id=str(user.id))
    return NewLogin(token, at + lifetime)


_hash_of_nobody_cache: list[str] = []


async def _hash_of_nobody() -> str:
    """A hash to check against for unknown names, so that they take as long as known ones."""
    if not _hash_of_nobody_cache:
        _hash_of_nobody_cache.append(await hash_password(new_token()))
    return _hash_of_nobody_cache[0]


async def log_out(session: AsyncSession, access: Access) -> None:
    await queries.revoke_session(session, access.token_digest, at=now())
    record_audit(session, access.actor, "accounts.log_out", subject_id=access.actor.id)


async def create_admin(session: AsyncSession, username: str, password: str, display_name: str) -> User:
    """The first way in (``callcenter users create-admin``); raises UsernameTaken, WeakPassword."""
    return await create_user(
        session,
        SYSTEM,
        username=username,
        password=password,
        display_name=display_name,
        roles=[Role.ADMIN],
        queue_scope=[],
    )


async def create_user(
    session: AsyncSession,
    actor: Actor,
    *,
    username: str,
    password: str,
    display_name: str,
    roles: list[Role],
    queue_scope: list[str],
) -> User:
    """Raises UsernameTaken, WeakPassword."""
    name = username.strip().lower()
    _refuse_weak(password, name)
    if await queries.find_user_by_name(session, name):
        raise UsernameTaken
    user = User(
        username=name,
        display_name=display_name,
        password_hash=await hash_password(password),
        roles=[role.value for role in roles],
        queue_scope=queue_scope,
        active=True,
        created_at=now(),
        failed_logins=0,
    )
    session.add(user)
    await session.flush()
    record_audit(session, actor, "accounts.create_user", subject_id=str(user.id), roles=user.roles)
    return user


async def get_user(session: AsyncSession, user_id: UUID) -> User:
    """Raises UserNotFound."""
    user = await queries.find_user(session, user_id)
    if user is None:
        raise UserNotFound
    return user


async def get_user_by_name(session: AsyncSession, username: str) -> User:
    """Raises UserNotFound."""
    user = await queries.find_user_by_name(session, username.strip().lower())
    if user is None:
        raise UserNotFound
    return user


async def change_user(session: AsyncSession, actor: Actor, user_id: UUID, changes: dict[str, object]) -> User:
    """Apply ``changes`` (display_name, roles, queue_scope, active); raises UserNotFound, LastAdmin."""
    user = await get_user(session, user_id)
    was_admin = user.active and Role.ADMIN in user.roles
    for name, value in changes.items():
        setattr(user, name, value)
    stays_admin = user.active and Role.ADMIN in user.roles
    if was_admin and not stays_admin and not await queries.count_other_active_admins(session, user_id):
        raise LastAdmin
    if not user.active:
        await queries.revoke_sessions(session, user_id, at=now())
    record_audit(session, actor, "accounts.change_user", subject_id=str(user_id), fields=sorted(changes))
    return user


async def change_own_password(session: AsyncSession, access: Access, *, current: str, new: str) -> None:
    """Ends the user's other log-ins; raises WrongPassword, WeakPassword, UserNotFound (an API key has none)."""
    if access.user_id is None:
        raise UserNotFound
    user = await get_user(session, access.user_id)
    if not await verify_password(current, user.password_hash):
        raise WrongPassword
    await _set_password(session, user, new)
    await queries.revoke_sessions(session, user.id, at=now(), except_digest=access.token_digest)
    record_audit(session, access.actor, "accounts.change_password", subject_id=str(user.id))


async def reset_password(session: AsyncSession, actor: Actor, user_id: UUID, new: str) -> None:
    """An admin sets a password, which unlocks the account and ends all its log-ins."""
    user = await get_user(session, user_id)
    await _set_password(session, user, new)
    user.failed_logins, user.failed_since, user.locked_until = 0, None, None
    await queries.revoke_sessions(session, user.id, at=now())
    record_audit(session, actor, "accounts.reset_password", subject_id=str(user.id))


async def _set_password(session: AsyncSession, user: User, new: str) -> None:
    _refuse_weak(new, user.username)
    user.password_hash = await hash_password(new)
    await session.flush()


def _refuse_weak(password: str, username: str) -> None:
    if len(password) < MIN_PASSWORD_LENGTH or password.lower() == username:
        raise WeakPassword


async def create_api_key(
    session: AsyncSession, actor: Actor, *, name: str, roles: list[Role], expires_at: datetime | None
) -> tuple[ApiKey, str]:
    """The key and its token, which is known only now; raises KeyNameTaken."""
    if await queries.api_key_name_exists(session, name):
        raise KeyNameTaken
    token = API_KEY_PREFIX + new_token()
    key = ApiKey(
        name=name,
        prefix=token[:8],
        token_digest=token_digest(token),
        roles=[role.value for role in roles],
        created_at=now(),
        created_by=actor.name,
        expires_at=expires_at,
    )
    session.add(key)
    await session.flush()
    record_audit(session, actor, "accounts.create_api_key", subject_id=str(key.id), roles=key.roles)
    return key, token


async def revoke_api_key(session: AsyncSession, actor: Actor, key_id: UUID) -> None:
    """Raises KeyNotFound; revoking twice is no error."""
    key = await queries.find_api_key(session, key_id)
    if key is None:
        raise KeyNotFound
    key.revoked_at = key.revoked_at or now()
    record_audit(session, actor, "accounts.revoke_api_key", subject_id=str(key_id))


async def purge_sources(session: AsyncSession, at: datetime) -> None:
    """Away with addresses whose last window is long over."""
    await queries.purge_login_sources(session, at - 2 * TRY_WINDOW)
