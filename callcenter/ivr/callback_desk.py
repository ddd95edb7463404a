"""Call-backs as a flow asks for them, and as the dialplan asks for the number when an agent has answered one."""

from datetime import datetime
from typing import Protocol

import structlog

from callcenter.asterisk import variables
from callcenter.asterisk.fastagi import AgiChannel
from callcenter.callbacks import placing, service
from callcenter.callbacks.placing import DialOrder
from callcenter.callbacks.policy import may_be_called_back
from callcenter.callbacks.service import CallbackWish
from callcenter.callouts.policy import Home
from callcenter.callouts.service import CallOut
from callcenter.core.clock import Clock, now
from callcenter.core.db import Database
from callcenter.core.errors import Conflict, InvalidInput, NotFound
from callcenter.core.phone_numbers import NumberPlan
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.limits import limited

log = structlog.get_logger(__name__)


class CallbackDesk(Protocol):
    def callable_number(self, typed: str | None) -> str | None:
        """E.164 of a number as it is typed or shown, if we would call it back."""

    async def is_offered(self, queue: str) -> bool:
        """Whether this queue takes another call-back. Raises DatabaseAway."""

    async def request(self, wish: CallbackWish) -> bool:
        """Promise it; False: refused (too many, one of our own numbers). Raises DatabaseAway."""

    async def report_not_callable(self, typed: str, line: str | None) -> None:
        """The caller on ``line`` (E.164) typed a number that is not called. Raises DatabaseAway."""


class DatabaseCallbackDesk:
    """:class:`CallbackDesk` in PostgreSQL, for the calls of one PBX."""

    def __init__(self, database: Database, plan: NumberPlan, pbx: str, clock: Clock = now) -> None:
        self._database = database
        self._plan = plan
        self._pbx = pbx
        self._clock = clock

    def callable_number(self, typed: str | None) -> str | None:
        e164 = self._plan.normalise(typed)
        return e164 if e164 and may_be_called_back(e164, self._plan.country) else None

    async def is_offered(self, queue: str) -> bool:
        return await limited(self._is_offered(queue))

    async def request(self, wish: CallbackWish) -> bool:
        return await limited(self._request(wish))

    async def report_not_callable(self, typed: str, line: str | None) -> None:
        e164 = self._plan.normalise(typed)
        if e164 is not None:
            await limited(self._report(CallOut(e164, line=line)))

    async def _report(self, wanted: CallOut) -> None:
        async with self._database.transaction() as session:
            await service.report_not_callable(session, wanted, self._plan)

    async def _is_offered(self, queue: str) -> bool:
        async with self._database.transaction() as session:
            try:
                return await service.is_offered(session, queue)
            except NotFound:
                return False

    async def _request(self, wish: CallbackWish) -> bool:
        async with self._database.transaction() as session:
            try:
                await service.request_callback(session, wish, pbx=self._pbx, plan=self._plan, at=self._clock())
            except (Conflict, InvalidInput, NotFound) as error:
                log.info("callback_refused", queue=wish.queue_name, reason=error.details.get("reason", error.code))
                wanted = CallOut(wish.e164, staff=wish.requested_by, line=wish.requested_from)
                await service.report_not_callable(session, wanted, self._plan)
                return False
            return True


class CallbackDialling:
    """AGI handler ``agi://host/callback``: an agent has answered a placed call-back; may the patient be dialled?

    The number goes to the dialplan once, when the dial is claimed and committed; whatever fails leaves the sentinel
    unset, and nobody is dialled.
    """

    def __init__(self, database: Database, plan: NumberPlan, home: Home) -> None:
        self._database = database
        self._plan = plan
        self._home = home

    async def __call__(self, channel: AgiChannel) -> None:
        attempt_id = channel.variables["uniqueid"]
        try:
            order = await limited(self._claim(attempt_id, now()))
        except DatabaseAway as error:
            log.warning("callback_not_claimed", attempt=attempt_id, reason=error.message)
            return
        if order is None:
            log.info("callback_withdrawn", attempt=attempt_id)
            return
        patient = str(order.patient_id or "")
        call = variables.format_payload({"did": order.did, "caller": order.e164})
        who = variables.format_payload({"patient": patient, "grade": "", "verified": "0"})
        await channel.execute("CELGenUserEvent", variables.EVENT_CALL, call)
        await channel.execute("CELGenUserEvent", variables.EVENT_WHO, who)
        await channel.set_variable(variables.PATIENT, patient)
        await channel.set_variable(variables.DID, order.did)
        await channel.set_variable(variables.LANGUAGE, order.language)
        await channel.set_variable(variables.NUMBER, self._plan.to_dial(order.e164))
        await channel.set_variable(variables.OK, "1")

    async def _claim(self, attempt_id: str, at: datetime) -> DialOrder | None:
        async with self._database.transaction() as session:
            return await placing.claim_dial(session, attempt_id, at, self._home)
