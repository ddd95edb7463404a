"""HTTP of the telephone in the agent's page."""

from fastapi import APIRouter, Request

from callcenter.agents import service as agents
from callcenter.core.audit import record_audit
from callcenter.core.http import DbSession, get_database
from callcenter.core.problems import problem_responses
from callcenter.desk import phones
from callcenter.desk.phone_schemas import IceServerResponse, PhoneAccountResponse, PhoneResponse
from callcenter.desk.routes import AgentAccess, OwnAgent

router = APIRouter(tags=["desk"])


@router.get("/agents/me/phone", responses=problem_responses(401, 403, 404))
async def get_own_phone(agent: OwnAgent, session: DbSession, request: Request) -> PhoneResponse:
    """Where this agent telephones: at a telephone, or in the page."""
    seat = await phones.find_own_seat(session, agent)
    return PhoneResponse(
        seat=seat.name if seat else None,
        kind=seat.kind if seat else None,
        registered=bool(seat and seat.registered),
        socket_url=phones.socket_url(request.app.state.settings),
    )


@router.post("/agents/me/phone/account", status_code=201, responses=problem_responses(401, 403, 404, 409, 503))
async def open_phone_account(
    agent: OwnAgent, access: AgentAccess, session: DbSession, request: Request
) -> PhoneAccountResponse:
    """A SIP account for the page at this seat, known to Asterisk when this answers; the one before is void.

    503 `phone-system-away`: nobody has told Asterisk yet; ask again.
    """
    settings = request.app.state.settings
    locked = await agents.get_agent(session, agent.number, lock=True)
    account = await phones.open_account(session, locked, pbx=settings.pbx_name, cause=access.actor.name)
    record_audit(session, access.actor, "agents.open_phone_account", subject_id=locked.number)
    await session.commit()  # only now is Asterisk told
    await phones.wait_until_taken(get_database(request), account.command_id)
    return PhoneAccountResponse(
        username=account.username,
        password=account.password,
        realm=account.realm,
        uri=f"sip:{account.username}@{account.realm}",
        socket_url=phones.socket_url(settings),
        ice_servers=[
            IceServerResponse.model_validate(server) for server in phones.ice_servers(settings, account.username)
        ],
    )
