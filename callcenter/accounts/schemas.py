"""Shapes of the accounts API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, SecretStr, StringConstraints

from callcenter.accounts.models import Role
from callcenter.core.http import ApiModel

Username = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$")
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=200, examples=["correct horse battery"])]


def _distinct(roles: list[Role]) -> list[Role]:
    return sorted(set(roles))


Roles = Annotated[list[Role], Field(min_length=1, examples=[["agent"]]), AfterValidator(_distinct)]
QueueScope = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,60}$")]], Field(max_length=200, examples=[[]])
]


class PasswordBody(ApiModel):
    """A body with a password, in which spaces count."""

    model_config = ConfigDict(str_strip_whitespace=False)


class LoginRequest(PasswordBody):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"username": "admin", "password": "correct horse battery"}]}
    )
    username: Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=200)]
    password: Password


class LoginResponse(ApiModel):
    """``token`` goes into ``Authorization: Bearer <token>``; it is shown this once."""

    token: str = Field(examples=["ccs_qg7Yw3..."])
    token_type: str = "bearer"  # noqa: S105 - a scheme, no secret
    expires_at: datetime


class MeResponse(ApiModel):
    """Who the token belongs to."""

    kind: str = Field(examples=["user"], description="`user` or `api_key`.")
    id: UUID
    name: str = Field(examples=["admin"])
    roles: list[Role]
    queue_scope: list[str]


class PasswordChange(PasswordBody):
    current_password: Password
    new_password: Password


class PasswordReset(PasswordBody):
    new_password: Password


class UserCreate(PasswordBody):
    username: Username = Field(examples=["li.na"])
    display_name: Name = Field(examples=["李娜"])
    password: Password
    roles: Roles
    queue_scope: QueueScope = []


class UserChange(ApiModel):
    """Only the fields that are sent are changed. ``active: false`` closes the account and ends its log-ins."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"roles": ["agent", "expert"]}]})
    display_name: Name | None = None
    roles: Roles | None = None
    queue_scope: QueueScope | None = None
    active: bool | None = None


class UserResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    username: str
    display_name: str
    roles: list[Role]
    queue_scope: list[str]
    active: bool
    created_at: datetime
    locked_until: datetime | None


class ApiKeyCreate(ApiModel):
    name: Name = Field(examples=["HIS import"])
    roles: Roles
    expires_at: datetime | None = None


class ApiKeyResponse(ApiModel):
    model_config = ConfigDict(from_attributes=True)
    id: UUID
    name: str
    prefix: str = Field(examples=["cck_qg7Y"])
    roles: list[Role]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


class ApiKeyCreated(ApiKeyResponse):
    """``token`` is shown this once."""

    token: str
