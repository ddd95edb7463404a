"""What may be asked of a PBX: a closed list of typed commands, each one row of ``pbx_commands``.

A request commits the row; the engine sends it and records the answer (callcenter/asterisk/sender.py).
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk import variables
from callcenter.asterisk.live_channels import LiveChannel
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.core.bus import announce
from callcenter.core.clock import now

TOPIC = "pbx_commands"
PHONE_REALM = "callcenter"
_PHONE_FAMILY = "phone/auth"
"""Of astdb: where Asterisk looks for the accounts of browser seats."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""A queue, seat, member or pause reason: nothing that AMI, astdb (``|``) or the dialplan gives a meaning to."""

ChannelId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,15}-[a-z0-9-]{1,60}$")]
"""An id that we give a channel: begins with the PBX's name, as Asterisk's own do."""
AmiHeaders = Mapping[str, str | Sequence[str]]


AppQueue = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}$")]
"""A queue of Asterisk: one of ours, or a longer name of :mod:`callcenter.asterisk.queue_names`."""


class Command(BaseModel, ABC):
    """Base: arguments are the model's fields; :meth:`ami` gives the action."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    action: ClassVar[str]
    gone_is_done: ClassVar[bool] = False
    """Whether a channel that is not there (any more) is what was wanted."""
    stands_alone: ClassVar[bool] = False
    """Whether it may be sent together with others of its kind: no order among them matters."""
    good_for_seconds: ClassVar[float | None] = None
    """What waited longer is not sent any more; None: it is good at any time."""

    @abstractmethod
    def ami(self) -> tuple[str, AmiHeaders]:
        """AMI action name and headers."""


class LiveCommand(Command, ABC):
    """About a call that goes on: its channels are looked up when it is sent, so that no stale name is acted upon.

    Done late it would surprise people: after :attr:`good_for_seconds` it fails instead.
    """

    good_for_seconds: ClassVar[float | None] = 5.0

    @abstractmethod
    def actions(self, channels: Sequence[LiveChannel]) -> Sequence[tuple[str, AmiHeaders]]:
        """What is to be sent, in order, given what is there now; the first refusal ends it. Raises NoSuchLiveCall."""

    def ami(self) -> tuple[str, AmiHeaders]:
        raise TypeError("a live command is made of actions on the channels that are there")


class QueueAdd(Command):
    """A member joins a queue. "Already there" from Asterisk is success."""

    action = "queue_add"
    queue: AppQueue
    seat: Name
    member_name: Name
    penalty: int
    paused: bool

    def ami(self) -> tuple[str, Mapping[str, str]]:
        return "QueueAdd", {
            "Queue": self.queue,
            "Interface": interface(self.seat),
            "MemberName": self.member_name,
            "Penalty": str(self.penalty),
            "Paused": _yes(self.paused),
            "StateInterface": interface(self.seat),
        }


class QueueRemove(Command):
    """A member leaves a queue. "Not there" is success."""

    action = "queue_remove"
    queue: AppQueue
    seat: Name

    def ami(self) -> tuple[str, Mapping[str, str]]:
        return "QueueRemove", {"Queue": self.queue, "Interface": interface(self.seat)}


class QueuePause(Command):
    """A member is paused, or not any more, in all its queues at once (app_queue's own unit for a person)."""

    action = "queue_pause"
    seat: Name
    paused: bool
    reason: Name | None

    def ami(self) -> tuple[str, Mapping[str, str]]:
        headers = {"Interface": interface(self.seat), "Paused": _yes(self.paused)}
        if self.reason:
            headers["Reason"] = self.reason
        return "QueuePause", headers


class PlaceCallback(Command):
    """A channel without a caller takes a place in a queue; the agent who answers it is then given the patient.

    ``attempt``: becomes its channel id. ``timeout_seconds``: how long it may wait. The number dialled is not here:
    the dialplan asks for it when an agent has answered (asterisk_conf/extensions_callbacks.conf.j2).
    """

    action = "place_callback"
    attempt: ChannelId
    queue: Name
    app_queue: AppQueue
    priority: int
    timeout_seconds: int

    def ami(self) -> tuple[str, AmiHeaders]:
        return "Originate", {
            "Channel": "Local/s@callback-place/n",
            "ChannelId": self.attempt,
            "OtherChannelId": f"{self.attempt}-place",
            "Context": "callback-dial",
            "Exten": "s",
            "Priority": "1",
            "Timeout": str(self.timeout_seconds * 1000),
            "Async": "true",
            "Variable": [
                f"{variables.ATTEMPT}={self.attempt}",
                f"{variables.QUEUE}={self.queue}",
                f"{variables.APP_QUEUE}={self.app_queue}",
                f"{variables.PRIORITY}={self.priority}",
            ],
        }


class HangUpChannel(Command):
    """A placed call-back is taken out, whatever it does. Not there any more is success."""

    action = "hang_up_channel"
    gone_is_done = True
    attempt: ChannelId

    def ami(self) -> tuple[str, Mapping[str, str]]:
        return "Hangup", {"Channel": self.attempt}  # Asterisk takes an id where no channel has such a name


class PutPhoneCredential(Command):
    """The browser at ``seat`` may register with the password of this ``digest``; an earlier one is void from now on.

    ``digest``: MD5 of ``seat:PHONE_REALM:password`` (RFC 7616, and all that JsSIP speaks).
    Source of the key's name: asterisk_conf/sorcery.conf.j2.
    """

    action = "put_phone_credential"
    seat: Name
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]

    def ami(self) -> tuple[str, Mapping[str, str]]:
        account = {
            "auth_type": "digest",
            "username": self.seat,
            "realm": PHONE_REALM,
            "password_digest": f"MD5:{self.digest}",
        }
        return "DBPut", {"Family": _PHONE_FAMILY, "Key": self.seat, "Val": json.dumps(account)}


class RemovePhoneCredential(Command):
    """No browser may register at ``seat`` any more. Not there is success."""

    action = "remove_phone_credential"
    seat: Name

    def ami(self) -> tuple[str, Mapping[str, str]]:
        return "DBDel", {"Family": _PHONE_FAMILY, "Key": self.seat}


class Reload(Command):
    """A module reads its configuration again; calls go on."""

    action = "reload"
    module: Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.so)?$")]

    def ami(self) -> tuple[str, Mapping[str, str]]:
        return "Reload", {"Module": self.module}


class Render(Command):
    """Write the configuration anew from the database and reload what changed. Performed by the engine."""

    action = "render"

    def ami(self) -> tuple[str, Mapping[str, str]]:
        raise TypeError("render is no AMI action: the engine performs it")


COMMANDS: Mapping[str, type[Command]] = {
    command.action: command
    for command in (
        QueueAdd,
        QueueRemove,
        QueuePause,
        PlaceCallback,
        HangUpChannel,
        PutPhoneCredential,
        RemovePhoneCredential,
        Reload,
        Render,
    )
}


def interface(seat: str) -> str:
    """Asterisk's name of a seat as a queue member."""
    return f"PJSIP/{seat}"


def seat_of(member_interface: str) -> str | None:
    """The endpoint in ``PJSIP/<name>``, the reverse of :func:`interface`; None for other technologies.

    Not for channels (``PJSIP/<name>-0000001a``): a seat's own name may end like that.
    """
    technology, _, name = member_interface.partition("/")
    return name if technology == "PJSIP" and name else None


def is_already_so(command: Command, message: str) -> bool:
    """Asterisk refused because it is so already (AMI fact 9): what was wanted holds."""
    lowered = message.lower()
    if isinstance(command, QueueAdd):
        return "already there" in lowered
    if isinstance(command, QueueRemove):
        return "not there" in lowered
    if isinstance(command, RemovePhoneCredential):
        return "not found" in lowered
    if isinstance(command, LiveCommand) and "cannot set mute flag" in lowered:
        return True  # MixMonitorMute of a channel on which nothing is recorded
    return command.gone_is_done and "no such channel" in lowered


async def request_command(session: AsyncSession, pbx: str, command: Command, *, cause: str) -> PbxCommand:
    """Commit, with the caller's transaction, that ``pbx`` is to do this; the engine hears of it at commit."""
    row = PbxCommand(
        pbx=pbx,
        action=command.action,
        arguments=command.model_dump(),
        cause=cause,
        state=CommandState.PENDING,
        created_at=now(),
    )
    session.add(row)
    await announce(session, TOPIC, [pbx])
    return row


async def request_commands(session: AsyncSession, pbx: str, commands: Sequence[Command], *, cause: str) -> None:
    """:func:`request_command` for many at once, by one statement."""
    if not commands:
        return
    at = now()
    rows = [
        {
            "pbx": pbx,
            "action": command.action,
            "arguments": command.model_dump(),
            "cause": cause,
            "state": CommandState.PENDING,
            "created_at": at,
        }
        for command in commands
    ]
    await session.execute(insert(PbxCommand), rows)
    await announce(session, TOPIC, [pbx])


async def claim_commands(session: AsyncSession, pbx: str, *, limit: int) -> list[PbxCommand]:
    """Mark the oldest pending rows of a PBX as sent and return them, in order.

    They are marked before Asterisk hears of them: a crash in between leaves ``sent``, which the successor turns
    into ``unknown`` (:func:`mark_unknown`), never into a second sending.
    """
    rows = await session.execute(
        text(
            "UPDATE pbx_commands SET state = 'sent', sent_at = now() WHERE id IN ("
            " SELECT id FROM pbx_commands WHERE pbx = :pbx AND state = 'pending' ORDER BY id LIMIT :limit"
            " FOR UPDATE SKIP LOCKED) RETURNING id"
        ),
        {"pbx": pbx, "limit": limit},
    )
    found = [await session.get_one(PbxCommand, row.id) for row in rows]
    return sorted(found, key=lambda command: command.id)


async def put_back(session: AsyncSession, command_ids: Collection[int]) -> None:
    """Claimed commands that Asterisk has surely not heard of wait again, at their old place."""
    await session.execute(
        update(PbxCommand)
        .where(PbxCommand.id.in_(command_ids), PbxCommand.state == CommandState.SENT)
        .values(state=CommandState.PENDING, sent_at=None)
    )


async def mark_unknown(session: AsyncSession, pbx: str) -> Sequence[PbxCommand]:
    """After a crash: what was sent and never answered is unknown. Returns these commands."""
    marked = (
        update(PbxCommand)
        .where(PbxCommand.pbx == pbx, PbxCommand.state == CommandState.SENT)
        .values(state=CommandState.UNKNOWN, finished_at=now())
        .returning(PbxCommand)
    )
    return (await session.scalars(marked, execution_options={"synchronize_session": False})).all()


def _yes(value: bool) -> str:
    return "true" if value else "false"
