"""Whether the conversation that a caller waits for is recorded, and that the caller hears so before."""

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.queues.recording_policies import RecordingRule

NOTICE = "recording_notice"


async def settle_recording(call: CallContext, rule: RecordingRule | None) -> dict[str, str]:
    """What the dialplan must know to record the conversation by this rule, or not to; the notice is spoken before.

    Once a call. A complaint is recorded already, and its caller was told. No rule: nobody could be asked, or there is
    none; nothing is recorded.
    """
    now = await call.line.get_variable(variables.RECORDING)
    if now not in ("", variables.CONVERSATION):
        return {}
    wanted = variables.CONVERSATION if rule is not None and rule.records(call.line.uniqueid) else ""
    told = {}
    if wanted and rule is not None and rule.notice and not await call.line.get_variable(variables.TOLD_OF_RECORDING):
        await call.line.say([NOTICE])
        told = {variables.TOLD_OF_RECORDING: "1"}
    return ({variables.RECORDING: wanted} if wanted != now else {}) | told
