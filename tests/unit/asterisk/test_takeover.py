"""A new engine has Asterisk end the sessions of the one before, and never its own."""

import re

import pytest

from callcenter.asterisk import takeover
from callcenter.asterisk.errors import AmiActionFailed
from callcenter.asterisk.takeover import ConnectedSession, end_other_sessions, read_sessions
from tests.support.ami_peer import Action, AmiLink, AmiPeer, session

# as Asterisk 22.10 writes it
CONNECTED = """\
  Username         IP Address                                               Start       Elapsed     FileDes   HttpCnt   Read        Write
  cc_events        127.0.0.1                                                1795315955  40          31        0         0000000071  0000000000
  cc_commands      127.0.0.1                                                1795315955  40          32        0         0000000000  0000012353
  monitoring       127.0.0.1                                                1795315960  35          33        0         0000000001  0000000000
  cc_commands      127.0.0.1                                                1795315995  0           34        0         0000000000  0000012353
4 users connected.
""".splitlines()  # noqa: E501


def test_the_engines_sessions_are_read_off_the_console() -> None:
    assert read_sessions(CONNECTED) == [
        ConnectedSession(1795315955, "cc_events", 31),
        ConnectedSession(1795315955, "cc_commands", 32),
        ConnectedSession(1795315995, "cc_commands", 34),
    ]
    assert read_sessions([]) == []


class Console:
    """The sessions Asterisk has; a kick ends one, unless it is stubborn."""

    def __init__(self, lines: list[str], *, stubborn: bool = False) -> None:
        self.lines = lines
        self.kicked: list[int] = []
        self._stubborn = stubborn

    def answer(self, link: AmiLink, action: Action) -> bool:
        if action["Action"] != "Command":
            return False
        kick = re.fullmatch(r"manager kick session (\d+)", action["Command"])
        if kick:
            self.kicked.append(int(kick[1]))
            if not self._stubborn:
                self.lines = [line for line in self.lines if f" {kick[1]} " not in line]
        output = "".join(f"Output: {line}\r\n" for line in (["Kicking"] if kick else self.lines))
        link.write(f"Response: Success\r\nActionID: {action['ActionID']}\r\n{output}\r\n")
        return True


@pytest.mark.parametrize(
    ("lines", "kicked"), [(CONNECTED, [32, 31]), (CONNECTED[-2:], []), ([CONNECTED[1], CONNECTED[4]], [31])]
)
async def test_all_but_the_newest_are_ended(lines: list[str], kicked: list[int]) -> None:
    console = Console(lines)
    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = console.answer
        assert await end_other_sessions(ami) == len(kicked)
    assert console.kicked == kicked


async def test_one_that_does_not_end_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "ENDED_WITHIN_SECONDS", 0.3)
    console = Console(CONNECTED, stubborn=True)
    async with AmiPeer() as peer, session(peer) as ami:
        peer.on_action = console.answer
        with pytest.raises(AmiActionFailed):
            await end_other_sessions(ami)
    assert console.kicked == [32, 31], "each is told once"
