"""Sends ``pbx_commands`` rows to one PBX, in order, and records what Asterisk said."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

import structlog
from pydantic import ValidationError
from sqlalchemy import BigInteger, String, column, update, values
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.asterisk.command_table import ALL_COMMANDS
from callcenter.asterisk.commands import (
    Command,
    LiveCommand,
    claim_commands,
    is_already_so,
    mark_unknown,
    put_back,
    request_command,
)
from callcenter.asterisk.errors import AmiTimeout, AmiUnavailable
from callcenter.asterisk.live_channels import read_channels
from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.models import CommandState, PbxCommand
from callcenter.core.clock import now
from callcenter.core.db import Database
from callcenter.core.errors import CallcenterError
from callcenter.core.waiting import wait_at_most

log = structlog.get_logger(__name__)

Performer = Callable[[Command], Awaitable[str]]
"""Does a command that is no AMI action; returns the answer to record; raises CallcenterError if it failed.

It may be called again for what was done already (the link broke, a crash), so it must look at what is there.
"""

Told = Callable[[AsyncSession, PbxCommand], Awaitable[None]]
"""Is told, in the transaction that records it, what came of a command."""

BATCH = 50
TOO_LATE = "too late"
"""Answer of a command that waited longer than it is good for."""
POLL_SECONDS = 1.0
"""A lost NOTIFY costs this much, nothing else."""


class CommandSender:
    """One per engine. ``performers``: action -> function for commands the engine itself carries out. ``tell``: who
    hears of each command that is over, whatever came of it."""

    def __init__(
        self,
        database: Database,
        ami: AmiSession,
        pbx: str,
        performers: Mapping[str, Performer],
        *,
        tell: Sequence[Told] = (),
    ) -> None:
        self._tell = tell
        self._database = database
        self._ami = ami
        self._pbx = pbx
        self._performers = performers
        self._wake = asyncio.Event()

    def wake(self, _ids: list[str] | None = None) -> None:
        """Bus subscriber: rows may be waiting."""
        self._wake.set()

    async def settle(self) -> None:
        """Before the first sending of a new engine: what the last one left unanswered is unknown.

        What the engine itself performs is asked for anew: it looks at what is there, so twice is as good as once.
        """
        async with self._database.transaction() as session:
            unknown = await mark_unknown(session, self._pbx)
            for command in unknown:
                await self._tell_of(session, command)
            for action in sorted({command.action for command in unknown} & set(self._performers)):
                await request_command(session, self._pbx, ALL_COMMANDS[action](), cause="reconcile")
        if unknown:
            log.warning("pbx_commands_unknown", count=len(unknown))

    async def run(self) -> None:
        """Until cancelled. Sends only while the command session is up: rows wait, they are not lost."""
        while True:
            self._wake.clear()
            if not (self._ami.connected and await self.send_pending()):
                await wait_at_most(self._wake, POLL_SECONDS)

    async def send_pending(self) -> int:
        """Send what is pending now; returns how many rows were done with, whatever came of them.

        When the link breaks, what Asterisk has not heard of waits for the next one.
        """
        async with self._database.transaction() as session:
            rows = await claim_commands(session, self._pbx, limit=BATCH)
        done = 0
        for together in _groups(rows):
            results = await asyncio.gather(*(self._send(row) for row in together))
            over = [(row.id, *result) for row, result in zip(together, results, strict=True) if _is_over(result)]
            await self._record(over)
            done += len(over)
            if len(over) < len(together):
                told = {command_id for command_id, _, _ in over}
                async with self._database.transaction() as session:
                    waiting = [row.id for row in rows[rows.index(together[0]) :] if row.id not in told]
                    await put_back(session, waiting)
                break
        return done

    async def _send(self, row: PbxCommand) -> tuple[CommandState, str]:
        """What became of it, with Asterisk's or our own word; PENDING: nothing, Asterisk does not know of it."""
        try:
            command = ALL_COMMANDS[row.action].model_validate(row.arguments)
        except (KeyError, ValidationError) as error:  # of another version of this service
            return CommandState.FAILED, f"not understood: {type(error).__name__}"
        if command.good_for_seconds is not None and now() - row.created_at > timedelta(
            seconds=command.good_for_seconds
        ):
            return CommandState.FAILED, TOO_LATE
        performer = self._performers.get(row.action)
        try:
            if performer is not None:
                return CommandState.DONE, await performer(command)
            if isinstance(command, LiveCommand):
                return await self._send_live(command)
            action, headers = command.ami()
            response = await self._ami.send(action, headers)
        except AmiUnavailable as error:
            repeatable = performer is not None or not error.sent
            return (CommandState.PENDING if repeatable else CommandState.UNKNOWN), error.message
        except AmiTimeout as error:
            return CommandState.UNKNOWN, error.message
        except CallcenterError as error:
            return CommandState.FAILED, error.message
        done = response.success or is_already_so(command, response.message)
        return (CommandState.DONE if done else CommandState.FAILED), response.message

    async def _send_live(self, command: LiveCommand) -> tuple[CommandState, str]:
        """Raises NoSuchLiveCall, AmiUnavailable, AmiTimeout."""
        message = ""
        for number, (action, headers) in enumerate(command.actions(await read_channels(self._ami))):
            try:
                response = await self._ami.send(action, headers)
            except AmiUnavailable as error:
                if number:  # the half of it was done
                    return CommandState.UNKNOWN, error.message
                raise
            message = response.message
            if not (response.success or is_already_so(command, message)):
                return CommandState.FAILED, message
        return CommandState.DONE, message

    async def _record(self, results: Sequence[tuple[int, CommandState, str]]) -> None:
        """By the command's id: what became of it, all in one transaction."""
        if not results:
            return
        over = values(column("id", BigInteger), column("state", String), column("answer", String), name="over").data(
            [(command_id, state, answer[:500]) for command_id, state, answer in results]
        )
        recorded = (
            update(PbxCommand)
            .where(PbxCommand.id == over.c.id)
            .values(state=over.c.state, answer=over.c.answer, finished_at=now())
            .returning(PbxCommand)
        )
        async with self._database.transaction() as session:
            commands = await session.scalars(recorded, execution_options={"synchronize_session": False})
            for command in sorted(commands, key=attrgetter("id")):
                await self._tell_of(session, command)
        for command_id, state, answer in results:
            if state is not CommandState.DONE:
                log.warning("pbx_command_not_done", id=command_id, state=state, answer=answer)

    async def _tell_of(self, session: AsyncSession, command: PbxCommand) -> None:
        for tell in self._tell:
            await tell(session, command)


def _groups(rows: Sequence[PbxCommand]) -> Iterator[Sequence[PbxCommand]]:
    """One after the other; those that stand alone together with their neighbours of the same kind."""
    for action, of_kind in groupby(rows, key=lambda row: row.action):
        command = ALL_COMMANDS.get(action)
        if command is not None and command.stands_alone:
            yield list(of_kind)
        else:
            yield from ([row] for row in of_kind)


def _is_over(result: tuple[CommandState, str]) -> bool:
    return result[0] is not CommandState.PENDING
