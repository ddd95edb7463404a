"""SIPp scenarios: what one telephone does in one call, as XML.

Measured peculiarities of SIPp 3.6 that shape this file:

- telephone-event packets and the audio stream have different SSRCs; sent at once, Asterisk hears each digit many
  times. So audio is paused around key presses: :data:`KEY_LEAD_MS` before the first digit leaves, then
  :data:`KEY_MS` a digit.
- ``[media_port]`` must stand on a line with the word audio, or key presses leave from port 0.
- ``[rtpstream_audio_port]`` must stand somewhere, or no audio socket is opened.
- It knows a repeated message, and repeats its answer, only until it has sent twice: an INVITE that a PBX short of
  time repeats after 180 and 200 would end the call in silence, so the scenario expects one; its own 200 it repeats
  anyway, until the ACK.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from demo.dtmf import keys_file

KEY_LEAD_MS = 900
KEY_MS = 400


@dataclass(frozen=True, slots=True)
class Wait:
    """Stay on the line for ``seconds``; a hang-up by the other side meanwhile ends the call well."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Press:
    """Press these keys (``0-9*#``)."""

    keys: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""


@dataclass(frozen=True, slots=True)
class StayUntilHangUp:
    """Wait for the other side to hang up, at most ``seconds``; then the call counts as failed."""

    seconds: float = 120.0


Step = Wait | Press | HangUp | StayUntilHangUp

_SDP = """v=0
o=phone 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 96
a=rtpmap:8 PCMA/8000
a=rtpmap:96 telephone-event/8000
a=fmtp:96 0-16
a=x-stream:[rtpstream_audio_port]
"""

_END = "99"
_BLOCK, _TIME = 10_000, 1_000
"""Labels of one telephone of a network, and of one of its calls."""
_REASONS = {
    404: "Not Found",
    480: "Temporarily Unavailable",
    486: "Busy Here",
    503: "Service Unavailable",
    603: "Decline",
}
_FROM = "From: <sip:{user}@[local_ip]:[local_port]>;tag=[pid]t[call_number]"
_VIA = "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]"
_INVITE_KEEPING_CSEQ = """<recv request="INVITE" rrs="true"><action>
<ereg regexp=".*" search_in="hdr" header="CSeq:" assign_to="cseq"/>
</action></recv>"""

_ACK_KEEPING_PARTIES = """<recv request="ACK"><action>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="them"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="us"/>
</action></recv>"""

_TO_REPLY = """SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
{more}"""


def caller(number: str, steps: Sequence[Step], audio: Path, *, password: str | None = None) -> str:
    """A telephone that calls ``[service]`` and then takes ``steps``.

    ``number`` stands in From as it is (percent escapes included). ``password``: it is a registered seat and
    answers the challenge.
    """
    body = [send(_invite(number, 1, auth=""), retrans=True)]
    invite_cseq = 1
    if password is not None:
        body += ['<recv response="100" optional="true"/>', '<recv response="401" auth="true"/>', send(_ack(number, 1))]
        invite_cseq = 2
        credentials = f"[authentication username={number} password={password}]"
        body.append(send(_invite(number, invite_cseq, auth=credentials), retrans=True))
    body += [f'<recv response="{code}" optional="true"/>' for code in (100, 180, 183)]
    body += ['<recv response="200" rrs="true"/>', send(_ack(number, invite_cseq, route=True)), _stream(audio)]
    body += _conversation(steps, _bye(number, invite_cseq + 1))
    return scenario("caller", body)


def crowd(patience_seconds: float) -> str:
    """Many callers in one process, from a file: number, whom to dial, milliseconds until then.

    They hear nothing and say nothing, so no time-out of the PBX for silent telephones may be shorter than the call.
    """
    body = [
        _action('<assignstr assign_to="delay" value="[field2]"/><todouble assign_to="delay_ms" variable="delay"/>'),
        '<pause variable="delay_ms"/>',
        send(_invite("[field0]", 1, auth="").replace("[service]", "[field1]"), retrans=True),
    ]
    body += [f'<recv response="{code}" optional="true"/>' for code in (100, 180, 183)]
    body += ['<recv response="200" rrs="true"/>', send(_ack("[field0]", 1, route=True))]
    body += _conversation([StayUntilHangUp(patience_seconds)], "")
    return scenario("crowd", body)


@dataclass(frozen=True, slots=True)
class Called:
    """What a telephone that is called does: rings, then answers and takes ``steps``, or refuses.

    ``refuse``: this SIP status instead of an answer; 0: it rings until the other side gives up. ``announces``: the
    network speaks before it refuses (early media).
    """

    steps: Sequence[Step] = ()
    ring_seconds: float = 0.5
    refuse: int | None = None
    announces: bool = False
    speaks: bool = False
    """All the time, as a machine does."""


def seat(steps: Sequence[Step], audio: Path, *, ring_seconds: float, refuse: int | None = None) -> str:
    """An agent's telephone: rings, answers after ``ring_seconds``, takes ``steps``; ``refuse``: this status instead."""
    body = ['<recv request="OPTIONS" optional="true" next="90"/>', _INVITE_KEEPING_CSEQ]
    body += _called(Called(steps, ring_seconds, refuse), audio)
    used = "them,us,cseq" if refuse is None else "cseq"
    return scenario("seat", [*body, *_end_of_called(used)])


def network(telephones: Mapping[str, Sequence[Called]], audio: Path, voice: Path) -> str:
    """The telephones of many people in one process, by the number that is dialled; any other number is not known.

    The n-th call to a number meets the n-th of its ``Called``, every later one the last.
    """
    asked = "".join(
        f'<ereg regexp="^INVITE sip:{number}@" search_in="msg" assign_to="is{index}"/>\n'
        for index, number in enumerate(telephones)
    )
    body = [
        '<recv request="OPTIONS" optional="true" next="90"/>',
        _INVITE_KEEPING_CSEQ.replace("</action>", f"{asked}</action>"),
        *(f'<nop next="{_BLOCK * (index + 1)}" test="is{index}"/>' for index in range(len(telephones))),
        *_refuse(404),
        f'<nop next="{_END}"/>',
    ]
    used, counted = ["cseq", *(f"is{index}" for index in range(len(telephones)))], []
    for index, times in enumerate(telephones.values()):
        block = _BLOCK * (index + 1)
        bases = [block + _TIME * time for time in range(len(times))]
        body.append(f'<label id="{block}"/>')
        if len(times) > 1:
            counted.append(f"n{index}")
            body.append(_action(f'<add assign_to="n{index}" value="1"/>'))
            for time, base in enumerate(bases):
                later = f"later{index}x{time}"
                used.append(later)
                compare = f'variable="n{index}" compare="less_than" value="{time + 2}"'
                body.append(_action(f'<test assign_to="{later}" {compare}/>'))
                body.append(f'<nop next="{base + 1}" test="{later}"/>')
            body.append(f'<nop next="{bases[-1] + 1}"/>')
        for base, called in zip(bases, times, strict=True):
            sound = voice if called.speaks else audio
            body += [f'<label id="{base + 1}"/>', *_called(called, sound, base), f'<nop next="{_END}"/>']
    answered = any(called.refuse is None for times in telephones.values() for called in times)
    shared = [f'<Global variables="{",".join(counted)}"/>'] if counted else []
    end = _end_of_called(",".join([*used, *(("them", "us") if answered else ())]))
    return scenario("network", [*shared, *body, *end])


def _called(called: Called, audio: Path, base: int = 0) -> list[str]:
    """From the INVITE on. ``base``: added to the labels."""
    rings = 600.0 if called.refuse == 0 else called.ring_seconds
    early = _reply("183 Session Progress", f"Contact: <sip:[local_ip]:[local_port]>\n{_content(_SDP)}", tag=True)
    body = [
        send(early if called.announces else _reply("180 Ringing", "Content-Length: 0\n", tag=True)),
        *([_stream(audio)] if called.announces else []),
        f'<recv request="CANCEL" timeout="{int(rings * 1000)}" ontimeout="{base + 10}"/>',
        send(_reply("200 OK", "Content-Length: 0\n")),
        # the CANCEL's own CSeq line names CANCEL: the INVITE's is needed here
        send(_reply("487 Request Terminated", "Content-Length: 0\n", tag=True).replace("[last_CSeq:]", "CSeq:[$cseq]")),
        f'<recv request="ACK" timeout="2000" ontimeout="{_END}" next="{_END}"/>',
        f'<label id="{base + 10}"/>',
    ]
    if called.refuse is not None:
        return [*body, *_refuse(called.refuse or 480)]
    answer = _reply("200 OK", f"Contact: <sip:[local_ip]:[local_port]>\n{_content(_SDP)}", tag=True)
    again = '<recv request="INVITE" optional="true"/>'
    body += [send(answer, retrans=True), again, _ACK_KEEPING_PARTIES, _stream(audio)]
    return [*body, *_conversation(called.steps, _callee_bye(), keys_in=audio.parent, base=base)]


def _refuse(status: int) -> list[str]:
    reason = _REASONS[status]
    return [send(_reply(f"{status} {reason}", "Content-Length: 0\n", tag=True)), '<recv request="ACK"/>']


def _end_of_called(used: str) -> list[str]:
    return [
        f'<nop next="{_END}"/>',
        '<label id="90"/>',
        send(_reply("200 OK", "Content-Length: 0\n", tag=True)),
        f'<label id="{_END}"/>',
        "<nop/>",
        f'<Reference variables="{used}"/>',
    ]


def register(name: str, password: str, *, expires_seconds: int = 3600) -> str:
    """A seat registers its address once, answering the challenge."""

    def request(cseq: int, auth: str) -> str:
        return (
            "REGISTER sip:[remote_ip]:[remote_port] SIP/2.0\n"
            f"{_VIA}\n{_FROM.format(user=name)}\nTo: <sip:{name}@[remote_ip]:[remote_port]>\n"
            f"Call-ID: [call_id]\nCSeq: {cseq} REGISTER\nContact: <sip:{name}@[local_ip]:[local_port]>\n"
            f"{auth}Max-Forwards: 70\nExpires: {expires_seconds}\nContent-Length: 0\n"
        )

    credentials = f"[authentication username={name} password={password}]\n"
    body = [
        send(request(1, ""), retrans=True),
        '<recv response="401" auth="true"/>',
        send(request(2, credentials), retrans=True),
        '<recv response="200"/>',
    ]
    return scenario("register", body)


def _conversation(steps: Sequence[Step], bye: str, *, keys_in: Path | None = None, base: int = 0) -> list[str]:
    """The steps after the answer. A BYE from the other side is welcome at every moment of waiting.

    ``keys_in``: of who was called, the folder of the files by which keys are pressed (demo.dtmf).
    """
    body: list[str] = []
    for index, step in enumerate(steps):
        if isinstance(step, Wait):
            body.append(_listen(step.seconds, base=base, after=f"{base + 100 + index}"))
        elif isinstance(step, Press):
            pause_ms = KEY_LEAD_MS + KEY_MS * len(step.keys)
            body.append(_action('<exec rtp_stream="pause"/>'))
            if keys_in is None:
                body.append(_action(f'<exec play_dtmf="{step.keys}"/>'))
            else:
                body.append(_action(f'<exec play_pcap_audio="{keys_file(keys_in, step.keys)}"/>'))
            body.append(_listen(pause_ms / 1000, base=base, after=f"{base + 100 + index}"))
            body.append(_action('<exec rtp_stream="resume"/>'))
        elif isinstance(step, StayUntilHangUp):
            body.append(f'<recv request="BYE" timeout="{int(step.seconds * 1000)}"/>')
            body.append(send(_reply("200 OK", "Content-Length: 0\n")))
        else:
            body.append(send(bye, retrans=True))
            body.append('<recv response="200"/>')
    if not any(isinstance(step, Wait | Press) for step in steps):
        return body
    return [
        *body,
        f'<nop next="{base + 98}"/>',
        f'<label id="{base + 97}"/>',
        send(_reply("200 OK", "Content-Length: 0\n")),
        f'<label id="{base + 98}"/>',
        "<nop/>",
    ]


def _listen(seconds: float, *, base: int, after: str) -> str:
    """Wait; on BYE go to the reply at label 97, otherwise on."""
    timeout = int(seconds * 1000)
    return f'<recv request="BYE" timeout="{timeout}" ontimeout="{after}" next="{base + 97}"/><label id="{after}"/>'


def _invite(user: str, cseq: int, *, auth: str) -> str:
    return (
        "INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n"
        f"{_VIA}\n{_FROM.format(user=user)}\nTo: <sip:[service]@[remote_ip]:[remote_port]>\n"
        f"Call-ID: [call_id]\nCSeq: {cseq} INVITE\nContact: <sip:phone@[local_ip]:[local_port]>\n"
        + (f"{auth}\n" if auth else "")
        + f"Max-Forwards: 70\n{_content(_SDP)}"
    )


def _ack(user: str, cseq: int, *, route: bool = False) -> str:
    target = "[next_url]" if route else "sip:[service]@[remote_ip]:[remote_port]"
    return (
        f"ACK {target} SIP/2.0\n{_VIA}\n{_FROM.format(user=user)}\n[last_To:]\n"
        f"Call-ID: [call_id]\nCSeq: {cseq} ACK\nMax-Forwards: 70\nContent-Length: 0\n"
    )


def _bye(user: str, cseq: int) -> str:
    return (
        f"BYE [next_url] SIP/2.0\n{_VIA}\n{_FROM.format(user=user)}\n[last_To:]\n"
        f"Call-ID: [call_id]\nCSeq: {cseq} BYE\nMax-Forwards: 70\nContent-Length: 0\n"
    )


def _callee_bye() -> str:
    """From the called side From and To change places (RFC 3261, 12.2.1.1)."""
    return (
        f"BYE [next_url] SIP/2.0\n{_VIA}\nFrom: [$us]\nTo: [$them]\n"
        "Call-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70\nContent-Length: 0\n"
    )


def _reply(status: str, more: str, *, tag: bool = False) -> str:
    return _TO_REPLY.format(status=status, tag=";tag=[pid]s[call_number]" if tag else "", more=more)


def _content(body: str) -> str:
    return f"Content-Type: application/sdp\nContent-Length: [len]\n\n{body}"


def _stream(audio: Path) -> str:
    return _action(f'<exec rtp_stream="{audio},-1,8"/>')


def _action(inner: str) -> str:
    return f"<nop><action>{inner}</action></nop>"


def send(message: str, *, retrans: bool = False) -> str:
    """A message of the scenario. ``retrans``: sent again until an answer comes, as RFC 3261 wants over UDP."""
    attribute = ' retrans="500"' if retrans else ""
    return f"<send{attribute}><![CDATA[\n{message}\n]]></send>"


def scenario(name: str, body: Sequence[str]) -> str:
    """The whole file, of these elements."""
    inner = "\n".join(body)
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="{escape(name)}">\n{inner}\n</scenario>\n'
