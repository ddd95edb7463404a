"""HTTP of messages: what a gateway reports of those it took. It signs what it says, it has no log-in."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request

from callcenter.core.clock import now
from callcenter.core.errors import NotAuthenticated
from callcenter.core.http import DbSession
from callcenter.core.problems import problem_responses
from callcenter.messaging import service
from callcenter.messaging.schemas import SmsReportBody
from callcenter.messaging.service import Told
from callcenter.messaging.webhooks import is_signed

MAX_REPORT_BYTES = 16_384

router = APIRouter(tags=["messages"])


async def require_gateway(request: Request) -> None:
    """The body is signed with ``sms_gateway_key``, as what we send there is. Raises NotAuthenticated."""
    key: str | None = request.app.state.sms_gateway_key
    timestamp = request.headers.get("X-Callcenter-Timestamp", "")
    given = request.headers.get("X-Callcenter-Signature", "")
    if key is None or not is_signed(key, timestamp, given, await request.body(), at=now()):
        raise NotAuthenticated


@router.post(
    "/messages/sms-reports", status_code=204, responses=problem_responses(401), dependencies=[Depends(require_gateway)]
)
async def report_sms(body: SmsReportBody, request: Request, session: DbSession) -> None:
    """What became of a text message. Repeating it changes nothing, and what nobody knows is answered the same."""
    tell: Sequence[Told] = request.app.state.tell_of_messages
    await service.record_report(session, body.id, body.status, now(), tell=tell)
