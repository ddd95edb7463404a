"""Names that the dialplan (asterisk_conf/extensions.conf.j2) and this service share, each written once.

Channel variables carry a call's decision from the flow to the dialplan and its state from one AGI visit to the
next; ledger events (CELGenUserEvent) carry facts into the ledger. Values are limited to
``[A-Za-z0-9_.+-]`` (:data:`VALUE`), so that neither the dialplan nor the ledger's JSON can be broken by one.
"""

import re
from collections.abc import Iterable, Mapping

VALUE = re.compile(r"[A-Za-z0-9_.+-]{0,80}")
"""For ``fullmatch``: with ``match`` and "$", a line end would pass."""

# -- set by the dialplan, read by the flow runner
DID = "CC_DID"  # the number that was dialled
RESULT = "CC_RESULT"  # how the parked step ended: QUEUESTATUS, or KEY
SERVED = "CC_SERVED"  # "1" once an agent has talked to the caller
VISIT = "CC_VISIT"  # queue visits so far
KEY = "CC_KEY"  # the digit by which the caller left the queue, when RESULT is KEY

PRIORITY = "CC_PRIO"  # QUEUE_PRIO of the whole call, set at the first queue entry; a call-back keeps it

SEAT = "CC_SEAT"  # feature codes: the endpoint that dials
DIGIT = "CC_DIGIT"  # feature code *14<digit>

# -- set by the flow runner, read by the dialplan
OK = "CC_OK"  # "1": the runner has decided; anything else sends the caller to the fall-back
DO = "CC_DO"  # what the dialplan does next: one of the Do values
QUEUE = "CC_QUEUE"  # for Do.QUEUE: ours, as ledger and boards name it
APP_QUEUE = "CC_APP_QUEUE"  # Asterisk's own queue for it, when it is another (queue_names); empty: QUEUE
OWN_QUEUE = "CC_OWN_QUEUE"  # the personal queue that is tried first; empty: none
OWN_SECONDS = "CC_OWN_SECONDS"  # how long
QUEUE_TIMEOUT = "CC_QTIMEOUT"  # seconds; empty: none
HEAD_START = "CC_HEAD_START"  # seconds; the dialplan computes the priority from it at the first queue entry

# -- the runner's own memory between two visits of one call
FLOW = "CC_FLOW"
REVISION = "CC_REV"
STEP = "CC_STEP"  # the step that parked the call
PATIENT = "CC_PATIENT"  # patient id (UUID) or empty
GRADE = "CC_GRADE"  # VIP grade or empty
VERIFIED = "CC_VERIFIED"  # "1" after a right check code
AGAINST = "CC_AGAINST"  # number of the agent whom this call complains of, or empty
RECORDING = "CC_RECORDING"  # complaint: it is recorded already; conversation: each agent's leg is, from the answer
TOLD_OF_RECORDING = "CC_TOLD"  # "1" once the caller has heard that the conversation is recorded
RECORDED = "CC_RECORDED"  # how many messages and remarks were begun on this call
AGAINST = "CC_AGAINST"  # number of the agent whom the caller complains of, or empty: not offered this call

# -- calls that agents make and pass on (extensions_agents.conf.j2): with the command
TO = "CC_TO"  # a seat, a queue, or the id of a dial whose number the dialplan asks for
BACK = "CC_BACK"  # the seat that passed the call on: it rings again when nobody answers

# -- what supervisors do (extensions_supervisors.conf.j2): with the command
SPIED = "CC_SPIED"  # the channel that is listened to
SPY_OPTIONS = "CC_SPY_OPTIONS"  # ChanSpy's
TAKES = "CC_TAKES"  # "1": whoever listened takes the call over
TAKER = "CC_TAKER"  # the channel that the caller is connected to

# -- call-backs (extensions_callbacks.conf.j2): the first comes with the command, the others when the dial is claimed;
# of a campaign's call (extensions_campaigns.conf.j2) the first and the last come with it
ATTEMPT = "CC_ATTEMPT"
MACHINE = "CC_MACHINE"  # of a campaign's call: off, hang_up or leave_message
AMD = "CC_AMD"  # "machine" once one was heard, and a message is to be left
RING_SECONDS = "CC_RING"  # how long the person's telephone rings, when an agent's has rung before
NUMBER = "CC_NUMBER"  # as the trunk dials it; also of a call that an agent makes
LANGUAGE = "CC_LANGUAGE"  # of the patient

TOLD = (
    *(DID, RESULT, SERVED, VISIT, KEY, ATTEMPT, AMD),
    *(QUEUE, HEAD_START, FLOW, REVISION, STEP, PATIENT, GRADE, VERIFIED, AGAINST),
    *(RECORDING, TOLD_OF_RECORDING),
)
"""What the dialplan tells as it asks for the flow (the arguments of AGI()): what the runner reads on any visit."""

# -- recording (extensions_recording.conf.j2)
RECORDING_ID = "CC_RECORDING_ID"  # on the agent's leg: MixMonitor's id of the running recording
RECORDING_FILE = "CC_RECORDING_FILE"  # on the agent's leg: its file, below the recordings folder
NO_RECORDING = "CC_NO_RECORDING"  # global: "1" while the disk has no room; nothing new is recorded
CONVERSATION = "conversation"  # purpose: what a queue's policy has recorded
RAW = "raw"  # form of a recording: two sides without a header

DO_QUEUE = "queue"
DO_HANGUP = "hangup"

# -- ledger events: name -> what its payload holds
EVENT_CALL = "CC_CALL"  # dialplan, once per call: did, caller (E.164-ish digits or empty)
EVENT_FLOW = "CC_FLOW"  # runner, once per entered flow: flow, rev, lang
EVENT_WHO = "CC_WHO"  # runner: patient, grade, verified (0|1)
EVENT_STEP = "CC_STEP"  # runner, once per finished step: flow, step, outcome
EVENT_WAY = "CC_WAY"  # runner: several of the three above in one (format_way), in their order
EVENT_QUEUE = "CC_QUEUE"  # dialplan, before Queue(): visit, queue, prio
EVENT_QUEUE_END = "CC_QUEUE_END"  # dialplan, after Queue(): visit, status
EVENT_FALLBACK = "CC_FALLBACK"  # dialplan: why (FAILURE, silent, timeout)
EVENT_RECORD = "CC_RECORD"  # purpose, day (YYYYMMDD, UTC), form; runner: of a message or remark also number, queue;
# dialplan, on the agent's leg: of a conversation also queue
EVENT_COMPLAINT = "CC_COMPLAINT"  # runner: a complaint is being made on this call: patient, agent complained of
EVENT_MESSAGE = "CC_MESSAGE"  # runner, before a message is recorded: queue, patient, number (of its recording)
EVENT_RATING = "CC_RATING"  # runner: mark (1 to 5)
EVENT_EMERGENCY = "CC_EMERGENCY"  # runner: patient, verified (0|1)
EVENT_ARTICLE = "CC_ARTICLE"  # runner, as an article begins to play: article (UUID)
EVENT_CONCLUDE = "CC_CONCLUDE"  # runner: what came of a campaign's call: outcome
EVENT_ANSWER = "CC_ANSWER"  # runner: question, value
EVENT_APPOINTMENT = "CC_APPOINTMENT"  # runner: action (confirm, cancel, change)
EVENT_DIAL = "CC_DIAL"  # dialplan, before a call-back's patient is dialled: attempt
EVENT_DIAL_END = "CC_DIAL_END"  # dialplan, once that dial is over: attempt, status (DIALSTATUS), cause (Q.850)


def format_payload(values: Mapping[str, str]) -> str:
    """``did=8000:caller=+8613800000001``. Raises ValueError for a value that is not plain."""
    for key, value in values.items():
        if not VALUE.fullmatch(key) or not VALUE.fullmatch(value):
            raise ValueError(f"not plain: {key}")
    return ":".join(f"{key}={value}" for key, value in values.items())


def parse_payload(payload: str) -> dict[str, str]:
    """The reverse of :func:`format_payload`; parts without ``=`` are left out."""
    return dict([part.split("=", 1) for part in payload.split(":") if "=" in part])


def format_way(events: Iterable[tuple[str, Mapping[str, str]]]) -> str:
    """``CC_FLOW:flow=main:rev=1~CC_STEP:flow=main:step=hours:outcome=open``. Raises as :func:`format_payload`."""
    return "~".join(f"{kind}:{format_payload(values)}" for kind, values in events)


def parse_way(payload: str) -> list[tuple[str, str]]:
    """The reverse of :func:`format_way`: each event's name and payload."""
    parts = [part.partition(":") for part in payload.split("~")]
    return [(kind, said) for kind, _, said in parts]


def recording_file(purpose: str, day: str, uniqueid: str, number: int = 0, *, form: str = "wav") -> str:
    """Path of a recording below the PBX's recordings folder, as Asterisk writes it.

    ``form``: ``wav``, or ``raw`` for two sides without a header: 16 bits each, 8 kHz, who is recorded and who is heard.

    ``number``: of a message or remark, which one of its call it is, from 1. Those lie in no folder of their day:
    RECORD FILE makes none.
    """
    return f"{purpose}-{uniqueid}-{number}.{form}" if number else f"{day}/{purpose}-{uniqueid}.{form}"
