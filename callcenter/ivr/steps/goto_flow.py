"""Go on in another flow."""

from callcenter.ivr.call import CallContext
from callcenter.ivr.steps.base import NEXT, Name, Step


class GotoFlow(Step):
    """Goes to the start of another flow and does not come back; both belong to one revision.

    ``complaint: {goto_flow: complaint}``
    """

    kind = "goto_flow"

    goto_flow: Name

    def next_flow(self) -> str:
        return self.goto_flow

    async def run(self, call: CallContext) -> str:
        return NEXT
