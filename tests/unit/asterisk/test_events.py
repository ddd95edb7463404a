"""Events as a real Asterisk 22.10 wrote them (names and numbers changed), and what becomes of them."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from callcenter.asterisk import events
from callcenter.asterisk.ami_protocol import parse_headers
from callcenter.asterisk.errors import EventMalformed
from callcenter.asterisk.events import Event, parse_event
from callcenter.asterisk.security_events import RefusedLogin

CALLER = """\
Privilege: agent,all
SystemName: pbx1
Channel: PJSIP/trunk-00000001
ChannelState: 6
ChannelStateDesc: Up
CallerIDNum: +8613800000001
CallerIDName: <unknown>
ConnectedLineNum: <unknown>
Language: zh
AccountCode:\x20
Context: cc
Exten: do-queue
Priority: 2
Uniqueid: pbx1-1795291833.1
Linkedid: pbx1-1795291833.1
"""
AGENT = """\
DestChannel: PJSIP/seat-a-00000002
DestChannelState: 6
DestUniqueid: pbx1-1795291833.2
DestLinkedid: pbx1-1795291833.1
Queue: consultation
Interface: PJSIP/seat-a
MemberName: 张伟医生
"""
MEMBER = """\
Queue: consultation
MemberName: 张伟医生
Interface: PJSIP/seat-a
StateInterface: PJSIP/seat-a
Membership: dynamic
Penalty: 2
CallsTaken: 1
LastCall: 1795291836
LastPause: 1795291833
LoginTime: 1795291833
InCall: 0
Status: 1
Paused: 1
PausedReason: lunch
Ringinuse: 0
Wrapuptime: 15
"""
ID = "pbx1-1795291833.1"
MEMBER_FIELDS = {
    "queue": "consultation",
    "interface": "PJSIP/seat-a",
    "member_name": "张伟医生",
    "state_interface": "PJSIP/seat-a",
    "membership": "dynamic",
    "penalty": 2,
    "calls_taken": 1,
    "last_call_at": datetime.fromtimestamp(1795291836, UTC),
    "in_call": False,
    "device_status": 1,
    "paused": True,
    "paused_reason": "lunch",
    "wrap_up_seconds": 15,
}
OFFER = {
    "queue": "consultation",
    "uniqueid": ID,
    "linkedid": ID,
    "agent_uniqueid": "pbx1-1795291833.2",
    "interface": "PJSIP/seat-a",
    "member_name": "张伟医生",
}

VARIABLES = "ChanVariable: CC_PRIO=2056246772\nChanVariable: CC_QUEUE=consultation\n"

SECURITY = "Severity: Error\nService: PJSIP\nEventVersion: 1\nRemoteAddress: IPV4/UDP/192.0.2.7/5060\n"
CASES: list[tuple[str, Event]] = [
    (
        f"Event: QueueCallerJoin\n{CALLER}{VARIABLES}Queue: own-1001\nPosition: 2\nCount: 3\n",
        events.QueueCallerJoin(
            queue="own-1001",
            uniqueid=ID,
            linkedid=ID,
            channel="PJSIP/trunk-00000001",
            caller_number="+8613800000001",
            caller_name=None,
            position=2,
            waiting=3,
            wanted_queue="consultation",
            priority=2056246772,
        ),
    ),
    (
        f"Event: QueueCallerLeave\n{CALLER}ChanVariable: CC_QUEUE=vip\nQueue: vip\nCount: 0\nPosition: 1\n",
        events.QueueCallerLeave("vip", ID, ID, "PJSIP/trunk-00000001", position=1, waiting=0, wanted_queue="vip"),
    ),
    (
        f"Event: QueueCallerAbandon\n{CALLER}Queue: consultation\nPosition: 1\nOriginalPosition: 4\nHoldTime: 7\n",
        events.QueueCallerAbandon(
            "consultation", ID, ID, position=1, original_position=4, wait_seconds=7, wanted_queue=""
        ),
    ),
    (
        f"Event: AgentCalled\n{CALLER}{AGENT}",
        events.AgentCalled(
            **OFFER,
            caller_number="+8613800000001",
            caller_name=None,
            agent_channel="PJSIP/seat-a-00000002",
            wanted_queue="",
        ),
    ),
    (
        f"Event: AgentRingNoAnswer\n{CALLER}{AGENT}RingTime: 3000\n",
        events.AgentRingNoAnswer(**OFFER, ring_milliseconds=3000),
    ),
    (
        f"Event: AgentConnect\n{CALLER}{AGENT}HoldTime: 9\nRingTime: 4\n",
        events.AgentConnect(
            **OFFER, agent_channel="PJSIP/seat-a-00000002", wait_seconds=9, ring_seconds=4, wanted_queue=""
        ),
    ),
    (
        f"Event: AgentComplete\n{CALLER}{AGENT}HoldTime: 9\nTalkTime: 60\nReason: caller\n",
        events.AgentComplete(**OFFER, wait_seconds=9, talk_seconds=60, reason="caller"),
    ),
    (
        "Event: AgentComplete\nQueue: consultation\nInterface: PJSIP/seat-a\nMemberName: 张伟医生\n"
        "HoldTime: 0\nTalkTime: 3\nReason: caller\n",
        events.AgentComplete(
            **(OFFER | {"uniqueid": "", "linkedid": "", "agent_uniqueid": ""}),
            wait_seconds=0,
            talk_seconds=3,
            reason="caller",
        ),
    ),
    (
        "Event: ChanSpyStart\nSpyerChannel: PJSIP/seat-b-00000003\nSpyerUniqueid: pbx1-1795291833.3\n",
        events.ChanSpyStart("pbx1-1795291833.3"),
    ),
    ("Event: ChanSpyStop\nSpyerUniqueid: pbx1-1795291833.3\n", events.ChanSpyStop("pbx1-1795291833.3")),
    (f"Event: QueueMemberAdded\n{MEMBER}", events.QueueMemberAdded(**MEMBER_FIELDS)),  # type: ignore[arg-type]
    (f"Event: QueueMemberRemoved\n{MEMBER}", events.QueueMemberRemoved(**MEMBER_FIELDS)),  # type: ignore[arg-type]
    (f"Event: QueueMemberPause\n{MEMBER}", events.QueueMemberPause(**MEMBER_FIELDS)),  # type: ignore[arg-type]
    (f"Event: QueueMemberStatus\n{MEMBER}", events.QueueMemberStatus(**MEMBER_FIELDS)),  # type: ignore[arg-type]
    (
        "Event: QueueMember\n" + MEMBER.replace("MemberName:", "Name:").replace("\nInterface:", "\nLocation:"),
        events.QueueMember(**MEMBER_FIELDS),  # type: ignore[arg-type]
    ),
    (
        "Event: QueueParams\nQueue: vip\nMax: 20\nStrategy: rrmemory\nCalls: 2\nHoldtime: 11\nTalkTime: 95\n"
        "Completed: 7\nAbandoned: 1\nServiceLevel: 0\nServicelevelPerf: 0.0\nServicelevelPerf2: 0.0\nWeight: 0\n",
        events.QueueParams("vip", "rrmemory", 20, 2, 11, 95, 7, 1, 0),
    ),
    (
        f"Event: QueueEntry\nQueue: vip\nPosition: 1\nChannel: PJSIP/trunk-00000001\nUniqueid: {ID}\n"
        "CallerIDNum: unknown\nCallerIDName: unknown\nWait: 6\nPriority: 2087483647\n",
        events.QueueEntry("vip", ID, "PJSIP/trunk-00000001", None, None, 1, 6, 2087483647),
    ),
    (
        "Event: DeviceStateChange\nDevice: PJSIP/seat-a\nState: NOT_INUSE\n",
        events.DeviceStateChange("PJSIP/seat-a", "NOT_INUSE"),
    ),
    (
        "Event: ContactStatus\nURI: sip:seat-a@127.0.0.1:5071\nContactStatus: Reachable\nAOR: seat-a\n"
        "EndpointName: seat-a\nRoundtripUsec: 1800\n",
        events.ContactStatus("seat-a", "seat-a", "sip:seat-a@127.0.0.1:5071", "Reachable", 1800),
    ),
    (
        "Event: ContactStatus\nURI: sip:seat-a@127.0.0.1:5071\nContactStatus: Removed\nAOR: seat-a\n"
        "EndpointName: seat-a\n",
        events.ContactStatus("seat-a", "seat-a", "sip:seat-a@127.0.0.1:5071", "Removed", None),
    ),
    (
        f"Event: Hangup\n{CALLER}Cause: 16\nCause-txt: Normal Clearing\n",
        events.Hangup(ID, ID, "PJSIP/trunk-00000001", 16, "Normal Clearing"),
    ),
    (
        f"Event: UserEvent\n{CALLER}UserEvent: AgentLeg\nState: talks\nKind: transfer\n",
        events.UserEvent("AgentLeg", ID, ID, "PJSIP/trunk-00000001", "talks", "transfer", ""),
    ),
    (
        "Event: FullyBooted\nPrivilege: system,all\nUptime: 6\nLastReload: 6\nStatus: Fully Booted\n",
        events.FullyBooted("Fully Booted", 6),
    ),
    (
        f"Event: InvalidAccountID\n{SECURITY}AccountID: 9000\nSessionID: 1x\n",
        RefusedLogin("PJSIP", "192.0.2.7"),
    ),
    (
        f"Event: InvalidPassword\n{SECURITY}AccountID: cc_events\nSessionID: 1x\n",
        RefusedLogin("PJSIP", "192.0.2.7"),
    ),
    (
        f"Event: ChallengeResponseFailed\n{SECURITY}AccountID: seat-a\nSessionID: 1x\nChallenge: 17/ab\n",
        RefusedLogin("PJSIP", "192.0.2.7"),
    ),
]


def headers(text: str) -> dict[str, str]:
    return parse_headers(text.rstrip("\n").replace("\n", "\r\n"))


@pytest.mark.parametrize(("text", "event"), CASES, ids=[type(event).__name__ for _, event in CASES])
def test_an_event_becomes_a_fact(text: str, event: Event) -> None:
    assert parse_event(headers(text)) == event


def test_every_kind_of_event_is_tried() -> None:
    assert {headers(text)["Event"] for text, _ in CASES} == set(events.EVENT_CLASSES)


@pytest.mark.parametrize("text", ["Event: Newchannel\nUniqueid: 1.1\n", "Response: Success\n", "nonsense"])
def test_other_kinds_are_nothing(text: str) -> None:
    assert parse_event(headers(text)) is None


@pytest.mark.parametrize("bad", ["x", "1.5", "1 ", "--1", "1_0", "１", "9" * 30, "0x10"])
def test_a_number_that_is_none_is_malformed_and_not_repeated(bad: str) -> None:
    text = f"Event: QueueCallerJoin\n{CALLER}Queue: consultation\nPosition: {bad}\n"
    with pytest.raises(EventMalformed) as malformed:
        parse_event(headers(text))
    assert malformed.value.details == {"event_kind": "QueueCallerJoin", "header": "Position"}


@pytest.mark.parametrize("missing", ["Queue", "Uniqueid", "Linkedid"])
def test_what_names_something_must_be_there(missing: str) -> None:
    given = headers(f"Event: QueueCallerJoin\n{CALLER}Queue: consultation\nPosition: 1\nCount: 1\n")
    del given[missing]
    with pytest.raises(EventMalformed):
        parse_event(given)
    with pytest.raises(EventMalformed):
        parse_event(given | {missing: ""})


def test_what_only_informs_may_be_missing() -> None:
    event = parse_event({"Event": "Hangup", "Uniqueid": "1.1", "Linkedid": "1.1"})
    assert event == events.Hangup("1.1", "1.1", "", 0, "")


def test_never_is_no_instant_and_an_impossible_one_malformed() -> None:
    member = headers(f"Event: QueueMemberAdded\n{MEMBER}")
    never = parse_event(member | {"LastCall": "0"})
    assert isinstance(never, events.QueueMemberAdded)
    assert never.last_call_at is None
    with pytest.raises(EventMalformed):
        parse_event(member | {"LastCall": "9" * 18})


def test_facts_do_not_change() -> None:
    event = parse_event(headers("Event: FullyBooted\nStatus: Fully Booted\n"))
    with pytest.raises(FrozenInstanceError):
        event.status = "x"  # type: ignore[misc, union-attr]
