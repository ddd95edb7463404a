"""End the call."""

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import Handover, Step, Yes


class Hangup(Step):
    """The dialplan hangs up.

    ``bye: {hangup: true}``
    """

    kind = "hangup"

    hangup: Yes

    async def run(self, call: CallContext) -> Handover:
        return Handover(variables.DO_HANGUP, {}, outcome="hangup")
