"""What a scheduler does with a hotline that phones out: campaigns over the API, and what becomes of them."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import select, update

from callcenter.campaigns.models import CampaignAttempt, CampaignContact
from callcenter.core.clock import now
from demo.hospital import SamplePatient
from demo.observer import until
from tests.e2e.hotline import Hotline

ALL_DAY = {"week": [["00:00-24:00"]] * 7, "on_holidays": True}
TEXTS = {
    "spoken": {
        "greeting": {"zh": "您好，这里是市人民医院，请问是{name}吗？"},
        "reminder": {"zh": "提醒您，{when}来医院就诊。"},
    }
}


class Campaigns:
    """What a scheduler does, and what becomes of it."""

    def __init__(self, hotline: Hotline) -> None:
        self.hotline = hotline
        self._client: httpx.AsyncClient | None = None

    async def client(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = await self.hotline.api(self.hotline.stack.services[0])
            limits = {
                "quiet_from": 24,
                "quiet_until": 0,
                "hours_between_conversations": 0,
                "conversations_per_person_daily": 5,
            }
            (await self._client.put("/api/v1/campaigns/limits", json=limits)).raise_for_status()
        return self._client

    async def given(self, **changes: Any) -> str:
        """A reminder campaign, drafted; its id."""
        body = {
            "name": "reminders",
            "kind": "reminder",
            "flow": "campaign_reminder",
            "caller_id": "8000",
            "texts": TEXTS,
            "windows": ALL_DAY,
            "starts_at": (now() - timedelta(hours=1)).isoformat(),
            "ends_at": (now() + timedelta(days=30)).isoformat(),
            **changes,
        }
        response = await (await self.client()).post("/api/v1/campaigns", json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def add(self, campaign: str, *people: SamplePatient, **more: Any) -> None:
        contacts = [
            {
                "key": one.number,
                "name": one.name,
                "numbers": [one.number],
                "variables": {"when": "11月23日上午9:30"},
                **more,
            }
            for one in people
        ]
        url = f"/api/v1/campaigns/{campaign}/contacts"
        response = await (await self.client()).post(url, json={"contacts": contacts})
        assert response.json() == {"added": len(people), "rejected": []}, response.text

    async def becomes(self, campaign: str, state: str) -> None:
        url = f"/api/v1/campaigns/{campaign}/state"
        (await (await self.client()).put(url, json={"state": state})).raise_for_status()

    async def contact(self, campaign: str, key: str) -> Mapping[str, Any]:
        """With its whole way, as the API gives it."""
        client = await self.client()
        async with self.hotline.database.transaction() as session:
            query = select(CampaignContact.id).where(
                CampaignContact.key == key, CampaignContact.campaign_id == campaign
            )
            contact_id = (await session.scalars(query)).one()
        response = await client.get(f"/api/v1/campaigns/{campaign}/contacts/{contact_id}")
        response.raise_for_status()
        found: dict[str, Any] = response.json()
        return found

    async def after(self, campaign: str, key: str, attempts: int, *, timeout_seconds: float = 60) -> Mapping[str, Any]:
        """The contact, once so many attempts are over."""

        async def look() -> Mapping[str, Any] | None:
            found = await self.contact(campaign, key)
            return found if found["attempts"] >= attempts else None

        found = await until(f"{attempts} attempts are over", look, timeout_seconds=timeout_seconds)
        assert found is not None
        return found

    async def is_due(self, campaign: str, key: str) -> None:
        """The time until the next try is over."""
        async with self.hotline.database.transaction() as session:
            due = update(CampaignContact).where(CampaignContact.key == key, CampaignContact.campaign_id == campaign)
            await session.execute(due.values(next_at=now()))

    async def attempts(self) -> list[CampaignAttempt]:
        async with self.hotline.database.transaction() as session:
            return list(await session.scalars(select(CampaignAttempt).order_by(CampaignAttempt.claimed_at)))
