"""What comes with a contact is outside input: it is refused, or it is a text that is spoken, and nothing else."""

from demo.hospital import SamplePatient
from demo.sip_scenarios import Called, HangUp, StayUntilHangUp, Wait
from tests.e2e.campaigns.scheduler import Campaigns
from tests.e2e.hotline import Hotline

NUMBERS = (
    "13800000001&PJSIP/seat-rose",
    "13800000001@seat-rose",
    "13800000001\r\nAction: Command",
    "${SHELL(touch /tmp/owned)}",
    "Local/s@flow",
    "13800000001,30,g",
    "+86138' OR '1'='1",
)
GOOD = "13800000401"


async def test_hostile_contacts_are_refused_or_only_spoken(hotline: Hotline, campaigns: Campaigns) -> None:
    await hotline.stack.start_service()
    mark = hotline.settings.pbx_dir / "owned"
    hostile = f"${{SHELL(touch {mark})}}&PJSIP/seat-rose\n<img src=x onerror=alert(1)>{{key}};`touch {mark}`"
    seat = await hotline.phones.plug_in("seat-rose", hotline.seat_passwords["seat-rose"], [Wait(1), HangUp()])
    answers = Called([StayUntilHangUp(120)])
    await hotline.phones.network_at_trunk(hotline.settings.trunk_port, {GOOD: answers})
    campaign = await campaigns.given()
    client = await campaigns.client()
    people = [{"key": f"n{index}", "numbers": [number]} for index, number in enumerate(NUMBERS)]
    response = await client.post(f"/api/v1/campaigns/{campaign}/contacts", json={"contacts": people})
    assert response.json()["added"] == 0, response.text
    assert len(response.json()["rejected"]) == len(NUMBERS)

    await campaigns.add(campaign, SamplePatient("王小明", GOOD), variables={"when": hostile})
    await campaigns.becomes(campaign, "running")
    contact = await campaigns.after(campaign, GOOD, 1, timeout_seconds=120)
    assert [one["outcome"] for one in contact["attempts_made"]] == ["answered_no_input"]
    await hotline.no_calls_left()
    assert [(one.address, one.outcome) for one in await campaigns.attempts()] == [("+86" + GOOD, "answered_no_input")]
    assert not mark.exists()
    assert "INVITE sip:" not in seat.trace(), "the seat was rung"
    assert "SHELL" not in (hotline.settings.pbx_dir / "log" / "messages.log").read_text().replace("func_shell", "")
