"""Log-in, lock-out, users and API keys over HTTP and a real database."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update

from callcenter.accounts import service
from callcenter.accounts.errors import UsernameTaken, WeakPassword
from callcenter.accounts.models import ApiKey, LoginSession, Role, User
from callcenter.core.audit import AuditEntry
from callcenter.core.clock import now
from callcenter.core.db import Database
from tests.support.api import as_role

PASSWORD = "correct horse battery"


async def given_admin(database: Database) -> User:
    async with database.transaction() as session:
        return await service.create_admin(session, "Root", PASSWORD, "管理员")


async def log_in(client: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    return await client.post("/api/v1/auth/login", json={"username": username, "password": password})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def me(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get("/api/v1/auth/me", headers=bearer(token))).status_code


async def actions_of(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


async def test_an_admin_logs_in_and_out(client: httpx.AsyncClient, database: Database) -> None:
    await given_admin(database)
    answer = await log_in(client, " ROOT ", PASSWORD)
    assert answer.status_code == 200
    token = answer.json()["token"]
    who = (await client.get("/api/v1/auth/me", headers=bearer(token))).json()
    assert (who["kind"], who["name"], who["roles"]) == ("user", "root", ["admin"])
    assert (await client.post("/api/v1/auth/logout", headers=bearer(token))).status_code == 204
    assert await me(client, token) == 401
    assert await actions_of(database) == [
        "accounts.create_user",
        "accounts.try_log_in",
        "accounts.log_in",
        "accounts.log_out",
    ]


async def test_only_a_digest_of_the_token_is_stored(client: httpx.AsyncClient, database: Database) -> None:
    await given_admin(database)
    token = (await log_in(client, "root", PASSWORD)).json()["token"]
    async with database.transaction() as session:
        stored = await session.scalar(select(LoginSession.token_digest))
    assert stored is not None
    assert token.encode() not in stored


async def test_unknown_name_wrong_password_and_locked_account_answer_alike(
    client: httpx.AsyncClient, database: Database
) -> None:
    await given_admin(database)
    unknown = await log_in(client, "nobody", PASSWORD)
    wrong = await log_in(client, "root", "wrong password")
    for _ in range(4):
        await log_in(client, "root", "wrong password")
    locked = await log_in(client, "root", PASSWORD)
    told = [{k: v for k, v in one.json().items() if k != "trace_id"} for one in (unknown, wrong, locked)]
    assert told[0] == told[1] == told[2]
    assert told[0]["code"] == "login-failed"
    assert unknown.status_code == 401


async def test_parallel_guesses_cannot_outrun_the_lock_out(client: httpx.AsyncClient, database: Database) -> None:
    admin = await given_admin(database)
    await asyncio.gather(*(log_in(client, "root", f"wrong password {n}") for n in range(9)))
    async with database.transaction() as session:
        user = await session.get_one(User, admin.id)
        assert user.failed_logins == service.MAX_TRIES
        tries = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "accounts.try_log_in"))).all()
    assert sum(1 for one in tries if not one.details["locked"]) == service.MAX_TRIES
    assert (await log_in(client, "root", PASSWORD)).status_code == 401


async def test_a_right_password_clears_the_count(client: httpx.AsyncClient, database: Database) -> None:
    await given_admin(database)
    for _ in range(3):
        for _ in range(4):
            await log_in(client, "root", "wrong password")
        assert (await log_in(client, "root", PASSWORD)).status_code == 200


async def test_an_expired_log_in_and_a_closed_account_are_refused(
    client: httpx.AsyncClient, database: Database
) -> None:
    await given_admin(database)
    token = (await log_in(client, "root", PASSWORD)).json()["token"]
    async with database.transaction() as session:
        await session.execute(update(LoginSession).values(expires_at=now() - timedelta(seconds=1)))
    assert await me(client, token) == 401
    token = (await log_in(client, "root", PASSWORD)).json()["token"]
    async with database.transaction() as session:
        await session.execute(update(User).values(active=False))
    assert await me(client, token) == 401
    assert (await log_in(client, "root", PASSWORD)).status_code == 401


@pytest.mark.parametrize("token", ["", "ccs_", "cck_", "x" * 5000, "ccs_\u00e9"])
async def test_made_up_tokens_are_refused(client: httpx.AsyncClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
    answer = await client.get("/api/v1/auth/me", headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_changing_the_password_ends_the_other_log_ins(client: httpx.AsyncClient, database: Database) -> None:
    await given_admin(database)
    here = (await log_in(client, "root", PASSWORD)).json()["token"]
    elsewhere = (await log_in(client, "root", PASSWORD)).json()["token"]
    body = {"current_password": PASSWORD, "new_password": "another long one"}
    wrong = await client.post(
        "/api/v1/auth/password", headers=bearer(here), json=body | {"current_password": "nonsense"}
    )
    weak = await client.post("/api/v1/auth/password", headers=bearer(here), json=body | {"new_password": "short"})
    assert (wrong.json()["code"], weak.json()["code"]) == ("wrong-password", "weak-password")
    assert (await client.post("/api/v1/auth/password", headers=bearer(here), json=body)).status_code == 204
    assert (await me(client, here), await me(client, elsewhere)) == (200, 401)
    assert (await log_in(client, "root", PASSWORD)).status_code == 401
    assert (await log_in(client, "root", "another long one")).status_code == 200


async def test_spaces_in_a_password_count(client: httpx.AsyncClient, database: Database) -> None:
    async with database.transaction() as session:
        await service.create_admin(session, "root", "  ten chars ", "管理员")
    assert (await log_in(client, "root", "ten chars")).status_code == 401
    assert (await log_in(client, "root", "  ten chars ")).status_code == 200


async def test_users_are_kept_by_an_admin(client: httpx.AsyncClient, database: Database) -> None:
    admin = await as_role(database, Role.ADMIN)
    body = {"username": "Li.Na", "display_name": "李娜", "password": PASSWORD, "roles": ["agent", "agent"]}
    created = await client.post("/api/v1/users", headers=admin, json=body)
    assert created.status_code == 201
    user = created.json()
    assert (user["username"], user["roles"], user["active"]) == ("li.na", ["agent"], True)
    assert "password" not in created.text
    again = await client.post("/api/v1/users", headers=admin, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "username-taken")
    token = (await log_in(client, "li.na", PASSWORD)).json()["token"]
    address = f"/api/v1/users/{user['id']}"
    changed = await client.patch(address, headers=admin, json={"roles": ["supervisor"], "queue_scope": ["vip"]})
    assert (changed.json()["roles"], changed.json()["queue_scope"]) == (["supervisor"], ["vip"])
    assert (await client.get(address, headers=admin)).json() == changed.json()
    who = (await client.get("/api/v1/auth/me", headers=bearer(token))).json()
    assert who["queue_scope"] == ["vip"]
    await client.patch(address, headers=admin, json={"active": False})
    assert await me(client, token) == 401


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"roles": ["king"]}, "/roles/0"),
        ({"roles": []}, "/roles"),
        ({"username": "李娜"}, "/username"),
        ({"username": ""}, "/username"),
        ({"display_name": " "}, "/display_name"),
        ({"queue_scope": ["Bad Queue"]}, "/queue_scope/0"),
    ],
)
async def test_bad_users_are_refused(
    client: httpx.AsyncClient, database: Database, change: dict[str, object], pointer: str
) -> None:
    body = {"username": "li.na", "display_name": "李娜", "password": PASSWORD, "roles": ["agent"]} | change
    answer = await client.post("/api/v1/users", headers=await as_role(database, Role.ADMIN), json=body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert PASSWORD not in answer.text


async def test_an_admin_resets_a_password_and_unlocks(client: httpx.AsyncClient, database: Database) -> None:
    user = await given_admin(database)
    token = (await log_in(client, "root", PASSWORD)).json()["token"]
    for _ in range(5):
        await log_in(client, "root", "wrong password")
    answer = await client.put(
        f"/api/v1/users/{user.id}/password",
        headers=await as_role(database, Role.ADMIN),
        json={"new_password": "brand new password"},
    )
    assert answer.status_code == 204
    assert await me(client, token) == 401
    assert (await log_in(client, "root", "brand new password")).status_code == 200


async def test_the_last_admin_cannot_be_closed(client: httpx.AsyncClient, database: Database) -> None:
    user = await given_admin(database)
    token = (await log_in(client, "root", PASSWORD)).json()["token"]
    address = f"/api/v1/users/{user.id}"
    for change in ({"active": False}, {"roles": ["agent"]}):
        answer = await client.patch(address, headers=bearer(token), json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "last-admin")
    await as_role(database, Role.ADMIN)
    assert (await client.patch(address, headers=bearer(token), json={"active": False})).status_code == 200


async def test_users_are_listed_page_by_page(client: httpx.AsyncClient, database: Database) -> None:
    admin = await as_role(database, Role.ADMIN)
    for _ in range(4):
        await as_role(database, Role.AGENT)
    names: list[str] = []
    cursor = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/api/v1/users", headers=admin, params=params)).json()
        names += [user["username"] for user in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(names) == 5
    assert names == sorted(set(names))


async def test_an_api_key_is_shown_once_and_works_until_revoked(client: httpx.AsyncClient, database: Database) -> None:
    admin = await as_role(database, Role.ADMIN)
    body = {"name": "HIS", "roles": ["integration"]}
    created = (await client.post("/api/v1/api-keys", headers=admin, json=body)).json()
    token = created["token"]
    listed = await client.get("/api/v1/api-keys", headers=admin)
    assert token not in listed.text
    assert listed.json()[0]["prefix"] == token[:8]
    who = (await client.get("/api/v1/auth/me", headers=bearer(token))).json()
    assert (who["kind"], who["name"], who["roles"]) == ("api_key", "HIS", ["integration"])
    assert (await client.post("/api/v1/api-keys", headers=admin, json=body)).json()["code"] == "key-name-taken"
    assert (await client.delete(f"/api/v1/api-keys/{created['id']}", headers=admin)).status_code == 204
    assert await me(client, token) == 401


async def test_an_expired_api_key_is_refused(client: httpx.AsyncClient, database: Database) -> None:
    admin = await as_role(database, Role.ADMIN)
    body = {"name": "HIS", "roles": ["integration"]}
    token = (await client.post("/api/v1/api-keys", headers=admin, json=body)).json()["token"]
    async with database.transaction() as session:
        await session.execute(update(ApiKey).values(expires_at=now() - timedelta(seconds=1)))
    assert await me(client, token) == 401


async def test_create_admin_checks_name_and_password(database: Database) -> None:
    await given_admin(database)
    with pytest.raises(UsernameTaken):
        await given_admin(database)
    for password in ("short", "administrator"):
        with pytest.raises(WeakPassword):
            async with database.transaction() as session:
                await service.create_admin(session, "Administrator", password, "管理员")


async def test_too_many_log_ins_from_one_address(client: httpx.AsyncClient) -> None:
    body = {"username": "x"}  # refused before the throttle: invalid bodies cost nothing
    assert (await client.post("/api/v1/auth/login", json=body)).status_code == 422
    throttle = client._transport.app.state.login_throttle  # type: ignore[attr-defined]
    for _ in range(60):
        throttle.hit("127.0.0.1")
    answer = await log_in(client, "nobody", PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-logins")
    assert answer.headers["Retry-After"]
