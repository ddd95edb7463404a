"""Shapes of what an agent sees before a contact is called."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from callcenter.campaigns.previews import Offer, Skip
from callcenter.core.http import ApiModel
from callcenter.core.phone_numbers import masked
from callcenter.desk.screen_pop_schemas import PopCampaign


class OfferResponse(BaseModel):
    call_id: str = Field(description="What the call will have as its id, if it is made.")
    until: datetime = Field(description="When it goes back to the others, if the agent decides nothing.")
    number_masked: str = Field(examples=["+86138****0001"])
    campaign: PopCampaign

    @classmethod
    def of(cls, offer: Offer) -> "OfferResponse":
        return cls(
            call_id=offer.attempt_id,
            until=offer.until,
            number_masked=masked(offer.called.e164),
            campaign=PopCampaign.of(offer.called),
        )


class PreviewResponse(BaseModel):
    """``offer`` null: nobody is offered now."""

    has_campaigns: bool = Field(description="Whether a campaign runs whose contacts this agent may be offered.")
    offer: OfferResponse | None


class SkipBody(ApiModel):
    """``later``: offered again in an hour. The others end the contact."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "later"}]})
    reason: Skip
