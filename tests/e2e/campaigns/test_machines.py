"""Who answers with a long greeting is a machine; a person who says nothing is none."""

from demo.hospital import SamplePatient
from demo.sip_scenarios import Called, StayUntilHangUp
from tests.e2e.campaigns.scheduler import TEXTS, Campaigns
from tests.e2e.hotline import Hotline

MACHINE, SILENT = "13800000401", "13800000402"


async def test_a_machine_is_left_a_message_and_silence_is_a_person(hotline: Hotline, campaigns: Campaigns) -> None:
    service = await hotline.stack.start_service()
    await hotline.phones.network_at_trunk(
        hotline.settings.trunk_port,
        {
            MACHINE: Called([StayUntilHangUp(90)], speaks=True),
            SILENT: Called([StayUntilHangUp(90)]),
        },
    )
    texts = {"spoken": {**TEXTS["spoken"], "machine": {"zh": "您好，这里是市人民医院，我们会再给您来电。"}}}
    campaign = await campaigns.given(texts=texts, pacing={"machine": "leave_message"})
    await campaigns.add(campaign, SamplePatient("王小明", MACHINE), SamplePatient("李静", SILENT))
    await campaigns.becomes(campaign, "running")
    machine = await campaigns.after(campaign, MACHINE, 1, timeout_seconds=120)
    silent = await campaigns.after(campaign, SILENT, 1, timeout_seconds=120)
    assert [one["outcome"] for one in machine["attempts_made"]] == ["machine"]
    assert [one["outcome"] for one in silent["attempts_made"]] == ["answered_no_input"]
    assert (machine["state"], machine["reason"]) == ("waiting", "machine")
    assert "campaign_machine/message:next" in service.log_file.read_text()
