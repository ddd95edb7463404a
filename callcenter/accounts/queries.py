"""All SQL of users, log-ins and API keys."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.models import ApiKey, LoginSession, LoginSource, Role, User


async def find_live_api_key(session: AsyncSession, digest: bytes, *, at: datetime) -> ApiKey | None:
    found: ApiKey | None = await session.scalar(
        select(ApiKey).where(
            ApiKey.token_digest == digest,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > at),
        )
    )
    return found


async def find_user_of_live_session(session: AsyncSession, digest: bytes, *, at: datetime) -> User | None:
    found: User | None = await session.scalar(
        select(User)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(
            LoginSession.token_digest == digest,
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > at,
            User.active,
        )
    )
    return found


async def list_live_roles(
    session: AsyncSession, digests: Collection[bytes], *, at: datetime
) -> Sequence[tuple[bytes, list[str]]]:
    """Of these tokens, whether of log-ins or API keys, those that hold at ``at``."""
    of_users = (
        select(LoginSession.token_digest, User.roles)
        .join(User, User.id == LoginSession.user_id)
        .where(
            LoginSession.token_digest.in_(digests),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > at,
            User.active,
        )
    )
    of_keys = select(ApiKey.token_digest, ApiKey.roles).where(
        ApiKey.token_digest.in_(digests),
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > at),
    )
    return [(row[0], row[1]) for row in await session.execute(union_all(of_users, of_keys))]


async def find_user(session: AsyncSession, user_id: UUID) -> User | None:
    return await session.get(User, user_id)


async def find_user_by_name(session: AsyncSession, username: str, *, lock: bool = False) -> User | None:
    statement = select(User).where(User.username == username)
    found: User | None = await session.scalar(statement.with_for_update() if lock else statement)
    return found


async def lock_login_source(session: AsyncSession, address: str) -> LoginSource:
    """Made if it is new."""
    new = insert(LoginSource).values(address=address, failed_logins=0)
    put = new.on_conflict_do_update(index_elements=["address"], set_={"address": address}).returning(LoginSource)
    return (await session.scalars(put, execution_options={"populate_existing": True})).one()


async def purge_login_sources(session: AsyncSession, before: datetime) -> None:
    await session.execute(
        delete(LoginSource).where(or_(LoginSource.failed_since.is_(None), LoginSource.failed_since < before))
    )


async def users_after(session: AsyncSession, *, after: str | None, limit: int) -> Sequence[User]:
    """In order of user name, from the one behind ``after``."""
    statement = select(User).order_by(User.username).limit(limit)
    return (await session.scalars(statement.where(User.username > after) if after else statement)).all()


async def count_other_active_admins(session: AsyncSession, user_id: UUID) -> int:
    """Locks the rows it counts, so that two admins cannot close each other's account at the same moment."""
    admins = await session.scalars(
        select(User.id).where(User.active, User.roles.contains([Role.ADMIN])).order_by(User.id).with_for_update()
    )
    return sum(1 for admin_id in admins if admin_id != user_id)


async def revoke_sessions(
    session: AsyncSession, user_id: UUID, *, at: datetime, except_digest: bytes | None = None
) -> None:
    statement = update(LoginSession).where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
    if except_digest is not None:
        statement = statement.where(LoginSession.token_digest != except_digest)
    await session.execute(statement.values(revoked_at=at))


async def revoke_session(session: AsyncSession, digest: bytes, *, at: datetime) -> None:
    await session.execute(update(LoginSession).where(LoginSession.token_digest == digest).values(revoked_at=at))


async def api_keys(session: AsyncSession) -> Sequence[ApiKey]:
    return (await session.scalars(select(ApiKey).order_by(ApiKey.name))).all()


async def find_api_key(session: AsyncSession, key_id: UUID) -> ApiKey | None:
    return await session.get(ApiKey, key_id)


async def api_key_name_exists(session: AsyncSession, name: str) -> bool:
    return bool(await session.scalar(select(func.count()).select_from(ApiKey).where(ApiKey.name == name)))


async def delete_dead_sessions(session: AsyncSession, user_id: UUID, *, at: datetime) -> None:
    """Log-ins of this user that nobody can use any more; the audit trail keeps that they were."""
    await session.execute(
        delete(LoginSession).where(
            LoginSession.user_id == user_id, or_(LoginSession.expires_at <= at, LoginSession.revoked_at.is_not(None))
        )
    )
