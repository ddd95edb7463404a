"""People and programmes that log in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from callcenter.core.db import Base
from callcenter.core.ids import new_id


class Role(StrEnum):
    """What somebody may do; one user may have several."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    EXPERT = "expert"
    SCHEDULER = "scheduler"
    DEPARTMENT = "department"
    QUALITY = "quality"
    INTEGRATION = "integration"


class User(Base):
    """``username`` is kept in lower case. ``queue_scope``: queues a supervisor steers; empty for others."""

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    password_hash: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(String))
    queue_scope: Mapped[list[str]] = mapped_column(ARRAY(String), server_default=text("'{}'"), default=list)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    failed_logins: Mapped[int] = mapped_column(default=0)
    """Tries since ``failed_since`` that have not (yet) proved right."""
    failed_since: Mapped[datetime | None]
    locked_until: Mapped[datetime | None]


class LoginSource(Base):
    """Where log-ins are tried from. ``address``: an IPv4 address, or the /64 network of an IPv6 one."""

    __tablename__ = "login_sources"

    address: Mapped[str] = mapped_column(primary_key=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    """As of User, of all accounts together."""
    failed_since: Mapped[datetime | None]
    locked_until: Mapped[datetime | None]


class LoginSession(Base):
    """A log-in: the token itself is known to the client only."""

    __tablename__ = "login_sessions"

    token_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    source: Mapped[str]


class ApiKey(Base):
    """A programme's standing token. ``prefix``: its first characters, to tell keys apart in a list."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    token_digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    roles: Mapped[list[str]] = mapped_column(ARRAY(String))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
