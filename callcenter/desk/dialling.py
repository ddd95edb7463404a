"""The dialplan asks for the number of a dial: ``agi://host/dial`` (asterisk_conf/extensions_agents.conf.j2)."""

from datetime import timedelta

import structlog

from callcenter.asterisk import variables
from callcenter.asterisk.fastagi import AgiChannel
from callcenter.callouts.policy import Home
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.phone_numbers import NumberPlan
from callcenter.desk import call_control
from callcenter.desk.dial_models import AgentDial
from callcenter.ivr.errors import DatabaseAway
from callcenter.ivr.limits import limited

log = structlog.get_logger(__name__)

GOOD_FOR = timedelta(seconds=90)
"""The agent's own telephone has rung meanwhile, or a transfer came first to others."""


class AgentDialling:
    """AGI handler. The number goes out once, committed and counted; whatever fails leaves the sentinel unset."""

    def __init__(self, database: Database, plan: NumberPlan, home: Home) -> None:
        self._database = database
        self._plan = plan
        self._home = home

    async def __call__(self, channel: AgiChannel) -> None:
        dial_id = await channel.get_variable(variables.TO) or ""
        try:
            dial = await limited(self._claim(dial_id))
        except DatabaseAway as error:
            log.warning("dial_not_claimed", dial=dial_id, reason=error.message)
            return
        if dial is None:
            log.info("dial_refused", dial=dial_id)
            return
        if channel.variables["uniqueid"] == dial_id:  # a call of its own; else one that has its own record already
            call = variables.format_payload({"did": dial.did, "caller": dial.e164})
            patient = str(dial.patient_id or "")
            who = variables.format_payload({"patient": patient, "grade": "", "verified": "0"})
            await channel.execute("CELGenUserEvent", variables.EVENT_CALL, call)
            await channel.execute("CELGenUserEvent", variables.EVENT_WHO, who)
            # the other side's channel has them too, for where it goes if it is passed on
            await channel.set_variable(f"__{variables.QUEUE}", dial.queue_name)
        if not await channel.get_variable(variables.DID):
            await channel.set_variable(f"__{variables.DID}", dial.did)
        await channel.set_variable(variables.NUMBER, self._plan.to_dial(dial.e164))
        await channel.set_variable(variables.OK, "1")

    async def _claim(self, dial_id: str) -> AgentDial | None:
        async with self._database.transaction() as session:
            return await call_control.claim_dial(session, dial_id, now() - GOOD_FOR, self._home)
