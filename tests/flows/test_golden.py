"""Every branch of our flows, as a transcript of what the caller hears and the ledger and dialplan are told.

``CALLCENTER_WRITE_GOLDEN=1 pytest tests/flows`` writes the transcripts anew; read the difference before committing.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcenter.asterisk import variables
from callcenter.calendar.policy import State
from callcenter.ivr.campaign_calls import CampaignCall
from callcenter.ivr.flow import Flow, FlowSet
from callcenter.ivr.flow_files import check, load
from callcenter.ivr.line import Sound
from callcenter.ivr.prompts import load_prompts
from callcenter.ivr.services import FlowServices
from callcenter.ivr.simulation.articles import SimulatedArticles
from callcenter.ivr.simulation.callers import CallerKind
from callcenter.ivr.simulation.campaign_calls import SimulatedCampaignCalls
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.queue_guide import SimulatedQueueGuide
from callcenter.ivr.simulation.run import converse
from callcenter.ivr.simulation.services import simulated_services
from callcenter.ivr.steps.article_list import ArticleList
from callcenter.ivr.steps.base import NEXT, Step
from callcenter.ivr.steps.leave_message import LeaveMessage
from callcenter.ivr.steps.menu import Menu
from callcenter.ivr.steps.queue import Queue
from tests.support.flows import FLOWS_DIR, PROMPTS_DIR, QUEUES

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True, slots=True)
class GoldenCall:
    """``script``: what the caller does, in the words of :mod:`callcenter.ivr.simulation`; at its end they hang up."""

    name: str
    number: str
    caller: CallerKind
    script: str
    opening: State = "open"
    closed: tuple[str, ...] = ()
    """Queues outside their hours."""
    has_articles: bool = True
    out: str = ""
    """The flow of a campaign whose call this is; its texts are :data:`CAMPAIGN_TEXTS`."""

    def services(self) -> FlowServices:
        services = simulated_services(self.caller, self.opening)
        if self.out:
            texts = {name: (Sound(f"campaign/{name}", 3.0),) for name in CAMPAIGN_TEXTS[self.out]}
            services = replace(
                services, campaign_calls=SimulatedCampaignCalls(CampaignCall(self.out, birth_date=BORN, texts=texts))
            )
        articles = services.articles if self.has_articles else SimulatedArticles(numbers={})
        return replace(services, queues=SimulatedQueueGuide(closed=self.closed), articles=articles)


CAMPAIGN_TEXTS = {
    "campaign_reminder": ("greeting", "reminder"),
    "campaign_survey": ("greeting", "satisfied", "waiting"),
    "campaign_notice": ("message",),
    "campaign_result": ("greeting", "message"),
    "campaign_machine": ("machine",),
}
BORN = "19800501"

LISTS = ("2", "3", "4", "5")
"""Keys of the information menu behind which lists are."""

CALLS = [
    # -- the way in: who calls, and whether anybody is there
    GoldenCall("unknown_person", "8000", "unknown", "2 answered 5 word"),
    GoldenCall("unknown_person_by_zero", "8000", "unknown", "0 answered -"),
    GoldenCall("unknown_silent_reaches_person", "8000", "unknown", "- - - answered"),
    GoldenCall("unknown_wrong_keys_reach_person", "8000", "unknown", "8 # * answered"),
    GoldenCall("unknown_wrong_key_then_right", "8000", "unknown", "8 - 2 answered"),
    GoldenCall("unknown_other_language", "8000", "unknown", "9 9 9 0 answered 4"),
    GoldenCall("unknown_gives_up_in_menu", "8000", "unknown", "!"),
    GoldenCall("known_person", "8000", "known", "2 answered"),
    GoldenCall("family_without_vip_card", "8000", "family", "654321 2 answered"),
    GoldenCall("family_vip_card", "8000", "family", "123456 1 answered"),
    GoldenCall("database_away_person", "8000", "away", "2 answered"),
    GoldenCall("number_without_flow", "8009", "known", ""),
    GoldenCall("outside_hours_message", "8000", "known", "1 word", "outside_hours"),
    GoldenCall("outside_hours_information", "8000", "known", "2 4 1 *", "outside_hours"),
    GoldenCall("holiday_silent", "8000", "vip", "- -", "holiday"),
    GoldenCall("special_day_wrong_keys", "8000", "unknown", "7 7", "special_day"),
    GoldenCall("closure_other_language", "8000", "unknown", "9 9 1 - -", "closure"),
    # -- VIPs, cards, emergencies
    GoldenCall("vip_right_code", "8000", "vip", "123456 - answered 5 -"),
    GoldenCall("vip_right_at_second_try", "8000", "vip", "111111 123456# 1 answered"),
    GoldenCall("vip_wrong_code", "8000", "vip", "111111 222222 333333 2 answered"),
    GoldenCall("vip_skips_code", "8000", "vip", "# 2 answered"),
    GoldenCall("vip_silent_at_code", "8000", "vip", "- 2 answered"),
    GoldenCall("vip_hangs_up_at_code", "8000", "vip", "!"),
    GoldenCall("vip_locked_reaches_person", "8000", "locked", "123456 answered"),
    GoldenCall("vip_emergency_without_code", "8000", "vip", "* answered"),
    GoldenCall("vip_emergency_verified", "8000", "vip", "123456 * answered"),
    GoldenCall("vip_expert", "8000", "vip", "123456 2 answered"),
    GoldenCall("vip_main_menu", "8000", "vip", "123456 9 0 answered"),
    GoldenCall("vip_zero", "8000", "vip", "123456 0 answered"),
    GoldenCall("vip_wrong_key", "8000", "vip", "123456 7 answered"),
    GoldenCall("vip_overflows_to_everybody", "8000", "vip", "123456 - timeout answered"),
    GoldenCall("vip_queue_closed", "8000", "vip", "123456 1 answered", closed=("vip",)),
    GoldenCall("vip_keys_while_waiting", "8000", "vip", "123456 1 key5 key1 3 key2 word"),
    GoldenCall("vip_call_back", "8000", "vip", "123456 1 key1 1"),
    GoldenCall("card_of_vip", "8000", "unknown", "6 00000001 123456 - answered"),
    GoldenCall("card_of_other", "8000", "unknown", "6 00000002 654321 answered"),
    GoldenCall("card_wrong", "8000", "known", "6 00000001 000000 00000009 123456 00000002 1 2 answered"),
    GoldenCall("card_skipped", "8000", "unknown", "6 # 0 answered"),
    GoldenCall("card_locked", "8000", "locked", "# 6 00000001 123456 answered"),
    GoldenCall("card_database_away", "8000", "away", "6 00000001 123456 answered"),
    # -- information
    GoldenCall("information_doctor_by_number", "8000", "unknown", "1 1 101 - 1 999 102 - * 0 answered"),
    GoldenCall("information_doctor_ways_out", "8000", "unknown", "1 1 # 1 * 1 0 answered"),
    GoldenCall("information_doctor_unknown", "8000", "unknown", "1 1 1 2 3 answered"),
    GoldenCall("information_doctor_database_away", "8000", "away", "1 1 101 answered"),
    GoldenCall("information_doctors_by_department", "8000", "unknown", "1 2 1 1 - 2 3 - * 0 answered"),
    GoldenCall("information_lists", "8000", "unknown", "1 3 1 - * 4 2 - * 5 3 - * 0 answered"),
    GoldenCall("information_silent", "8000", "unknown", "1 - - - answered"),
    GoldenCall("information_wrong_keys", "8000", "unknown", "1 9 9 9 answered"),
    *(GoldenCall(f"information_list_{key}_person", "8000", "unknown", f"1 {key} 0 answered") for key in LISTS),
    *(GoldenCall(f"information_list_{key}_back", "8000", "unknown", f"1 {key} * * 0 !") for key in LISTS),
    *(GoldenCall(f"information_list_{key}_silent", "8000", "unknown", f"1 {key} - - - answered") for key in LISTS),
    *(GoldenCall(f"information_list_{key}_wrong", "8000", "unknown", f"1 {key} # # # answered") for key in LISTS),
    *(GoldenCall(f"information_list_{key}_away", "8000", "away", f"1 {key} answered") for key in LISTS),
    *(
        GoldenCall(f"information_list_{key}_empty", "8000", "unknown", f"1 {key} 0 answered", has_articles=False)
        for key in LISTS
    ),
    # -- waiting for a person
    GoldenCall("person_call_back", "8000", "known", "2 key1 1"),
    GoldenCall("person_call_back_other_number", "8000", "known", "2 key1 2 13900000001 1"),
    GoldenCall("person_call_back_declined", "8000", "known", "2 key1 3 answered"),
    GoldenCall("person_call_back_database_away", "8000", "away", "2 key1 answered"),
    GoldenCall("person_message", "8000", "known", "2 key2 word"),
    GoldenCall("person_message_silent", "8000", "known", "2 key2 - -"),
    GoldenCall("person_message_hangs_up", "8000", "known", "2 key2 !"),
    GoldenCall("person_other_key", "8000", "known", "2 key answered"),
    GoldenCall("person_nobody_call_back", "8000", "known", "2 timeout 1 1"),
    GoldenCall("person_nobody_message", "8000", "known", "2 full 2 word"),
    GoldenCall("person_nobody_waits_on", "8000", "known", "2 joinempty 0 answered"),
    GoldenCall("person_nobody_silent", "8000", "known", "2 leaveempty - - word"),
    GoldenCall("person_nobody_wrong_keys", "8000", "known", "2 withdraw 7 7 word"),
    GoldenCall("person_closed", "8000", "known", "2 - -", closed=("consultation",)),
    GoldenCall("person_gives_up_waiting", "8000", "known", "0 !"),
    GoldenCall("rating_wrong_key_then_mark", "8000", "known", "0 answered 7 1 word"),
    GoldenCall("rating_hangs_up", "8000", "known", "0 answered !"),
    GoldenCall("main_menu_message", "8000", "unknown", "7 word"),
    GoldenCall("bill", "8000", "unknown", "5 answered"),
    # -- complaints
    GoldenCall("complaint_from_menu", "8000", "unknown", "4 2 answered"),
    GoldenCall("complaint_about_last_agent", "8001", "known", "1 answered"),
    GoldenCall("complaint_about_nobody_known", "8001", "unknown", "1 answered"),
    GoldenCall("complaint_silent", "8001", "vip", "- answered"),
    GoldenCall("complaint_wrong_key", "8001", "known", "7 answered"),
    GoldenCall("complaint_zero", "8001", "known", "0 answered"),
    GoldenCall("complaint_nobody_answers", "8001", "unknown", "2 timeout word"),
    GoldenCall("complaint_closed_and_silent", "8001", "unknown", "2 - -", closed=("complaint",)),
    GoldenCall("complaint_keys_while_waiting", "8001", "known", "2 key7 key1 3 key2 word"),
    GoldenCall("complaint_call_back", "8001", "known", "2 key1 1"),
    GoldenCall("complaint_gives_up", "8001", "unknown", "2 !"),
    GoldenCall("complaint_database_away", "8001", "away", "1 key1 answered"),
    # -- the expert line
    GoldenCall("expert_line", "8002", "vip", "answered"),
    GoldenCall("expert_from_menu", "8000", "unknown", "3 answered"),
    GoldenCall("expert_nobody_answers", "8002", "unknown", "timeout word"),
    GoldenCall("expert_closed", "8002", "unknown", "word", closed=("consultation",)),
    GoldenCall("expert_keys_while_waiting", "8002", "known", "key7 key1 3 key2 word"),
    GoldenCall("expert_call_back", "8002", "known", "key1 1"),
    GoldenCall("expert_call_back_database_away", "8002", "away", "key1 answered"),
    GoldenCall("vip_call_back_unavailable", "8000", "vip", "123456 1 key1 2 1 1 1 answered"),
    # -- calls that we make
    *(
        GoldenCall(f"{flow}_{name}", "8000", "unknown", script, out=flow)
        for flow, name, script in (
            ("campaign_reminder", "confirmed", "1 1"),
            ("campaign_reminder", "cancelled", "1 2"),
            ("campaign_reminder", "other_time", "1 9 3"),
            ("campaign_reminder", "wrong_person", "2"),
            ("campaign_reminder", "silent", "- -"),
            ("campaign_reminder", "wrong_keys", "7 8"),
            ("campaign_reminder", "silent_at_the_choice", "1 - -"),
            ("campaign_reminder", "wrong_keys_at_the_choice", "1 7 8"),
            ("campaign_reminder", "hung_up", "!"),
            ("campaign_reminder", "hung_up_at_the_choice", "1 !"),
            ("campaign_survey", "answered", "1 5 9 4 word"),
            ("campaign_survey", "silent_at_the_second_question", "1 5 - -"),
            ("campaign_survey", "wrong_keys_at_the_first_question", "1 9 9"),
            ("campaign_survey", "hung_up_at_the_second_question", "1 5 !"),
            ("campaign_survey", "opted_out", "2"),
            ("campaign_survey", "wrong_person", "3"),
            ("campaign_survey", "silent", "- -"),
            ("campaign_survey", "wrong_keys", "7 8"),
            ("campaign_notice", "heard_twice", "9 -"),
            ("campaign_notice", "opted_out", "2"),
            ("campaign_notice", "wrong_key", "7"),
            ("campaign_notice", "person", "0 answered"),
            ("campaign_result", "heard_twice", f"{BORN} 9 1"),
            ("campaign_result", "second_date_is_right", f"19800502 {BORN} 0 answered"),
            ("campaign_result", "wrong_dates", "19800502 19800503"),
            ("campaign_result", "no_date", "#"),
            ("campaign_result", "silent_in_the_end", f"{BORN} - -"),
            ("campaign_result", "wrong_keys_in_the_end", f"{BORN} 7 8"),
            ("campaign_machine", "message", ""),
        )
    ),
]

AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def flows() -> FlowSet:
    return load(FLOWS_DIR, PROMPTS_DIR, QUEUES)


async def transcript(flows: FlowSet, call: GoldenCall) -> str:
    line = SimulatedLine(call.number, "+8613800000001", scripted(call.script), lambda _text: None, None)
    if call.out:
        line.variables[variables.ATTEMPT] = "pbx1-ca-gggggggggggggggggggggggggggggggh"
    await converse(line, flows, call.services(), lambda: AT)
    text = "\n".join(line.transcript) + "\n"
    for flow in flows.flows.values():
        text = text.replace(flow.revision, "REVISION")
    return text


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
async def test_transcript(flows: FlowSet, call: GoldenCall) -> None:
    who = f"call of {call.out}" if call.out else f"{call.caller} caller to {call.number}"
    heard = f"# {who}: {call.script}\n" + await transcript(flows, call)
    path = GOLDEN / f"{call.name}.txt"
    if os.environ.get("CALLCENTER_WRITE_GOLDEN"):
        path.write_text(heard, "utf-8")
    assert heard == path.read_text("utf-8")


def test_no_transcript_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {call.name for call in CALLS}


async def test_every_branch_is_walked(flows: FlowSet) -> None:
    """Each outcome of each step of each flow stands in one of the transcripts."""
    walked = "".join([await transcript(flows, call) for call in CALLS])
    names = {"*": "star", "#": "hash"}
    missing = [
        f"{flow.name}/{step}:{outcome}"
        for flow in flows.flows.values()
        for step, outcome, _ in flow.edges()
        if f"flow={flow.name}:step={step}:outcome={names.get(outcome, outcome)}\n" not in walked
    ]
    # whoever has a right code is known
    assert missing == ["card/whose_card:unknown", "main/whose_code:unknown"]


def test_our_flows_are_valid() -> None:
    assert check(FLOWS_DIR, PROMPTS_DIR, QUEUES) == []


def destination(flows: FlowSet, flow: Flow, step_name: str) -> Step:
    """Where a caller who does nothing more comes to."""
    step = flow.steps[step_name]
    if (next_flow := step.next_flow()) is not None:
        return destination(flows, flows.flows[next_flow], flows.flows[next_flow].start)
    if NEXT in step.routes():
        return destination(flows, flow, step.routes()[NEXT])
    return step


def test_zero_leads_to_a_person_at_every_level(flows: FlowSet) -> None:
    """0 everywhere while somebody is there; whoever presses nothing, or nothing right, gets a person or a voice box.

    Of those who call us: whom we call has asked for nobody.
    """
    asked = 0
    for flow in flows.flows.values():
        for step in flow.steps.values():
            if isinstance(step, Menu | ArticleList) and flow.name not in {"after_hours", *CAMPAIGN_TEXTS}:
                asked += 1
                routes = step.routes()
                zero = routes.get("0") or routes["person"]
                assert isinstance(destination(flows, flow, zero), Queue)
                for outcome in ("timeout", "invalid"):
                    assert isinstance(destination(flows, flow, routes[outcome]), Queue | LeaveMessage)
    assert asked == 9


def test_the_complaint_is_recorded_only_after_the_notice_and_taken_before_the_queue() -> None:
    for path in GOLDEN.glob("complaint_*.txt"):
        text = path.read_text("utf-8")
        assert text.index("say complaint_notice") < text.index("record ") < text.index("ledger CC_COMPLAINT")
        assert text.index("ledger CC_COMPLAINT") < text.find("queue complaint") or "queue complaint" not in text


def test_what_the_flows_play_has_audio_in_both_languages(flows: FlowSet) -> None:
    prompts = load_prompts(PROMPTS_DIR)
    played = {prompt for flow in flows.flows.values() for step in flow.steps.values() for prompt in step.prompt_ids()}
    assert len(played) > 10
    for prompt_id in played:
        assert prompts.duration_seconds(prompt_id, "zh") > 0
        assert prompts.duration_seconds(prompt_id, "en") > 0
