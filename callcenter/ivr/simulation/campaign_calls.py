"""A campaign's call in a simulation: the flow that is simulated, every text its own name."""

from callcenter.ivr.campaign_calls import CampaignCall


class SimulatedCampaignCalls:
    """No attempt is known unless one is given."""

    def __init__(self, call: CampaignCall | None = None) -> None:
        self._call = call

    async def find(self, attempt_id: str) -> CampaignCall | None:
        return self._call
