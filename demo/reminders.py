"""The second part of the story: the hotline phones out and reminds three patients of tomorrow's appointment.

One confirms; one is busy and is called again; one does not answer and gets an e-mail.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from callcenter.core.clock import now
from demo.hospital import HOTLINE, PATIENTS
from demo.observer import until
from demo.phones import PhoneSystem
from demo.sip_scenarios import Called, Press, StayUntilHangUp, Wait

CONFIRMS, BUSY, AWAY = PATIENTS[7], PATIENTS[8], PATIENTS[9]
_MAIL = "family.of.away@example.com"
_WEEK = {"week": [["00:00-24:00"]] * 7, "on_holidays": True}
_ANY_HOUR = {"quiet_from": 24, "quiet_until": 0, "hours_between_conversations": 0}
_CAMPAIGN: dict[str, Any] = {
    "name": "明日就诊提醒",
    "kind": "reminder",
    "flow": "campaign_reminder",
    "caller_id": HOTLINE,
    "channels": ["telephone", "email"],
    "windows": _WEEK,
    "pacing": {"calls_per_second": 2, "max_channels": 5, "ring_seconds": 6},
    "retry": {
        "most_attempts": 2,
        "after": {"busy": {"times": 1, "after_minutes": 0.1, "spread_percent": 0}},
    },
    "texts": {
        "spoken": {
            "greeting": {"zh": "您好，这里是市人民医院，请问是{name}吗？", "en": "Hello, is this {name}?"},
            "reminder": {"zh": "提醒您，{when}来医院就诊。", "en": "Please come {when}."},
        },
        "email": {
            "subject": {"zh": "就诊提醒", "en": "Your appointment"},
            "text": {"zh": "{name}，您好！请于{when}来院就诊。", "en": "{name}, please come {when}."},
        },
    },
}
EXPECTED = {
    CONFIRMS.number: ("reached", ["completed"]),
    BUSY.number: ("reached", ["busy", "completed"]),
    AWAY.number: ("reached", ["no_answer", "sent"]),
}
"""By number: what becomes of the contact, and the outcomes of its attempts."""


@dataclass(slots=True)
class Reminders:
    """Plays it. ``tell``: prints one line of the timeline."""

    phones: PhoneSystem
    client: httpx.AsyncClient
    trunk_port: int
    tell: Callable[[str], None]

    async def play(self) -> list[str]:
        """About a minute; what differs from what was expected, in words."""
        answers = Called([Wait(6), Press("1"), Wait(6), Press("1"), StayUntilHangUp(60)], ring_seconds=1.0)
        network = await self.phones.network_at_trunk(
            self.trunk_port,
            {
                CONFIRMS.number: answers,
                BUSY.number: [Called(refuse=486), answers],
                AWAY.number: Called(refuse=0),
            },
        )
        self.tell("the hotline phones out: three patients are reminded of tomorrow's appointment")
        campaign = await self._start()
        ways = await until("all three are done with", lambda: self._ways(campaign), timeout_seconds=240)
        await network.unplug()
        for number, (result, outcomes) in ways.items():
            name = next(one.name for one in (CONFIRMS, BUSY, AWAY) if one.number == number)
            self.tell(f"{name}: {' > '.join(outcomes)}, {result}")
        return [
            f"reminder of {number}: should be {EXPECTED[number]}, is {way}"
            for number, way in ways.items()
            if way != EXPECTED[number]
        ]

    async def _start(self) -> str:
        await self._call("PUT", "/campaigns/limits", _ANY_HOUR)
        starts_at = now() - timedelta(minutes=1)
        times = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + timedelta(days=2)).isoformat()}
        campaign = (await self._call("POST", "/campaigns", {**_CAMPAIGN, **times}))["id"]
        contacts = [
            {
                "key": one.number,
                "name": one.name,
                "numbers": [one.number],
                "email": _MAIL if one is AWAY else None,
                "variables": {"when": "明天上午9:30"},
            }
            for one in (CONFIRMS, BUSY, AWAY)
        ]
        await self._call("POST", f"/campaigns/{campaign}/contacts", {"contacts": contacts})
        await self._call("PUT", f"/campaigns/{campaign}/state", {"state": "running"})
        return str(campaign)

    async def _ways(self, campaign: str) -> dict[str, tuple[str, list[str]]]:
        """By number, once every contact is finished."""
        contacts = (await self._call("GET", f"/campaigns/{campaign}/contacts"))["items"]
        if any(contact["state"] != "finished" for contact in contacts):
            return {}
        found = {}
        for contact in contacts:
            whole = await self._call("GET", f"/campaigns/{campaign}/contacts/{contact['id']}")
            found[contact["key"]] = contact["result"], [one["outcome"] for one in whole["attempts_made"]]
        return found

    async def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        response = await self.client.request(method, f"/api/v1{path}", json=body)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer
