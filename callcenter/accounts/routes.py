"""HTTP of log-in, users and API keys."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from callcenter.accounts import queries, service
from callcenter.accounts.access import Access, require
from callcenter.accounts.guessing import source_network
from callcenter.accounts.models import Role
from callcenter.accounts.schemas import (
    ApiKeyCreate,
    ApiKeyCreated,
    ApiKeyResponse,
    LoginRequest,
    LoginResponse,
    MeResponse,
    PasswordChange,
    PasswordReset,
    UserChange,
    UserCreate,
    UserResponse,
)
from callcenter.core.cursors import a_text, sort_key
from callcenter.core.http import DbSession, Page, Paging, cut_page, get_database, source_of
from callcenter.core.problems import problem_responses

router = APIRouter(tags=["accounts"])

Anybody = Annotated[Access, Depends(require())]
Admin = Annotated[Access, Depends(require(Role.ADMIN))]


@router.post("/auth/login", responses=problem_responses(401, 429))
async def log_in(body: LoginRequest, request: Request) -> LoginResponse:
    """Exchange user name and password for a bearer token. Five wrong tries in 15 minutes lock the account,
    fifty the address they come from.
    """
    source = source_of(request)
    request.app.state.login_throttle.hit(source_network(source))
    login = await service.log_in(
        get_database(request),
        body.username,
        body.password.get_secret_value(),
        source=source,
        lifetime=timedelta(hours=request.app.state.settings.session_hours),
    )
    return LoginResponse(token=login.token, expires_at=login.expires_at)


@router.post("/auth/logout", status_code=204, responses=problem_responses(401, 403))
async def log_out(access: Anybody, session: DbSession) -> None:
    """End this log-in."""
    await service.log_out(session, access)


@router.get("/auth/me", responses=problem_responses(401, 403))
async def who_am_i(access: Anybody) -> MeResponse:
    """Who the token belongs to and what it may do."""
    return MeResponse(
        kind=access.actor.kind,
        id=UUID(access.actor.id),
        name=access.actor.name,
        roles=sorted(access.roles),
        queue_scope=sorted(access.queue_scope),
    )


@router.post("/auth/password", status_code=204, responses=problem_responses(401, 403, 404, 429))
async def change_own_password(body: PasswordChange, access: Anybody, session: DbSession, request: Request) -> None:
    """Change one's own password; the user's other log-ins end."""
    request.app.state.login_throttle.hit(f"password:{access.actor.id}")
    await service.change_own_password(
        session,
        access,
        current=body.current_password.get_secret_value(),
        new=body.new_password.get_secret_value(),
    )


@router.get("/users", responses=problem_responses(401, 403))
async def list_users(_access: Admin, session: DbSession, paging: Paging) -> Page[UserResponse]:
    """All accounts, by user name."""
    after = sort_key(paging.after, a_text)
    rows = await queries.users_after(session, after=after, limit=paging.limit + 1)
    users, next_cursor = cut_page(rows, paging.limit, lambda user: (user.username,))
    return Page(items=[UserResponse.model_validate(user) for user in users], next_cursor=next_cursor)


@router.post("/users", status_code=201, responses=problem_responses(401, 403, 409))
async def create_user(body: UserCreate, access: Admin, session: DbSession) -> UserResponse:
    """Open an account."""
    user = await service.create_user(
        session,
        access.actor,
        username=body.username,
        password=body.password.get_secret_value(),
        display_name=body.display_name,
        roles=body.roles,
        queue_scope=body.queue_scope,
    )
    return UserResponse.model_validate(user)


@router.get("/users/{user_id}", responses=problem_responses(401, 403, 404))
async def get_user(user_id: UUID, _access: Admin, session: DbSession) -> UserResponse:
    """One account."""
    return UserResponse.model_validate(await service.get_user(session, user_id))


@router.patch("/users/{user_id}", responses=problem_responses(401, 403, 404, 409))
async def change_user(user_id: UUID, body: UserChange, access: Admin, session: DbSession) -> UserResponse:
    """Change name, roles or scope, or close the account. At least one active administrator must remain."""
    changes = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
    return UserResponse.model_validate(await service.change_user(session, access.actor, user_id, changes))


@router.put("/users/{user_id}/password", status_code=204, responses=problem_responses(401, 403, 404))
async def reset_password(user_id: UUID, body: PasswordReset, access: Admin, session: DbSession) -> None:
    """Set another's password; unlocks the account and ends its log-ins."""
    await service.reset_password(session, access.actor, user_id, body.new_password.get_secret_value())


@router.get("/api-keys", responses=problem_responses(401, 403))
async def list_api_keys(_access: Admin, session: DbSession) -> list[ApiKeyResponse]:
    """All keys, also revoked ones, without their tokens."""
    return [ApiKeyResponse.model_validate(key) for key in await queries.api_keys(session)]


@router.post("/api-keys", status_code=201, responses=problem_responses(401, 403, 409))
async def create_api_key(body: ApiKeyCreate, access: Admin, session: DbSession) -> ApiKeyCreated:
    """A standing token for a programme, shown this once."""
    key, token = await service.create_api_key(
        session, access.actor, name=body.name, roles=body.roles, expires_at=body.expires_at
    )
    return ApiKeyCreated(**ApiKeyResponse.model_validate(key).model_dump(), token=token)


@router.delete("/api-keys/{key_id}", status_code=204, responses=problem_responses(401, 403, 404))
async def revoke_api_key(key_id: UUID, access: Admin, session: DbSession) -> None:
    """The key's token is refused from now on."""
    await service.revoke_api_key(session, access.actor, key_id)
