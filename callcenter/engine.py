"""The engine role: one active per PBX, beside it. AMI events and commands, ledger reader, periodic jobs.

A spare waits for the advisory lock. Whoever gets it first has Asterisk end the last holder's sessions, then settles
what that one left, then acts. Whoever loses it, or cannot be sure of it any more, commits nothing from then on
(docs/decisions/0029-who-leads-is-fenced.md).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta

import structlog

from callcenter.accounts import service as accounts
from callcenter.agents import service as agents
from callcenter.agents.watch_spans import BEAT_SECONDS, Watch
from callcenter.alarms.handlers import LoginGuesses
from callcenter.asterisk import variables
from callcenter.asterisk.commands import TOPIC as COMMANDS_TOPIC
from callcenter.asterisk.commands import Command, Reload, Render, request_command
from callcenter.asterisk.consumer import EventConsumer
from callcenter.asterisk.errors import AmiActionFailed
from callcenter.asterisk.ledger import LedgerKind
from callcenter.asterisk.manager import AmiSession
from callcenter.asterisk.render import reload_modules, write_pbx_configuration
from callcenter.asterisk.sender import CommandSender
from callcenter.asterisk.snapshot import read_linkedids, read_queues, read_snapshot, read_start
from callcenter.asterisk.takeover import end_other_sessions
from callcenter.calendar import closures
from callcenter.calendar import service as calendar
from callcenter.calendar.public_days import Place
from callcenter.callbacks import handlers as callback_handlers
from callcenter.callbacks.engine_work import CallbackDials, CallbackWork
from callcenter.callouts import service as callouts
from callcenter.callouts.policy import Home
from callcenter.calls import handlers as call_handlers
from callcenter.calls import recordings, retention
from callcenter.calls import service as calls
from callcenter.calls.cross_check import LOOK_SECONDS, LedgerCrossCheck
from callcenter.calls.lost_dials import LostDials
from callcenter.calls.reader import LedgerReader
from callcenter.calls.recording_keys import recording_keys
from callcenter.calls.recording_storing import DiskGuard, RecordingStorer
from callcenter.campaigns import handlers as campaign_handlers
from callcenter.campaigns.dialer import DIAL_SECONDS, PREPARE_SECONDS, WRITE_SECONDS, CampaignDials, Dialer
from callcenter.campaigns.triggers import TRIGGER_SECONDS, Triggers
from callcenter.clock_keeper import LOOK_SECONDS as CLOCK_SECONDS
from callcenter.clock_keeper import ClockKeeper
from callcenter.core.bus import BusListener
from callcenter.core.clock import ClockWatch, now
from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.core.health import Check
from callcenter.core.jobs import keep_running, run_every
from callcenter.core.leadership import Leadership, LeadershipLost
from callcenter.core.phone_numbers import NumberPlan
from callcenter.core.secrets import get_secret
from callcenter.desk.command_results import on_command_over
from callcenter.desk.handlers import DeskEvents
from callcenter.hotline_metrics import REFRESH_SECONDS, HotlineMetrics
from callcenter.messaging.mailbox import LOOK_SECONDS as MAILBOX_SECONDS
from callcenter.messaging.mailbox import BounceReader, Mailbox
from callcenter.messaging.sender import MessageSender
from callcenter.messaging.service import TOPIC as OUTBOX_TOPIC
from callcenter.patients import code_guard
from callcenter.patients.code_guard import CodeLimits
from callcenter.queues import handlers as queue_handlers
from callcenter.queues import service as queues
from callcenter.retention import keep_to_retention
from callcenter.speech.rendering import engine_work
from callcenter.speech.service import TOPIC as SPOKEN_TOPIC
from callcenter.supervision import handlers as supervision_handlers
from callcenter.supervision.alarm_surroundings import Surroundings
from callcenter.supervision.alarm_work import LOOK_SECONDS as ALARM_SECONDS
from callcenter.supervision.alarm_work import AlarmWork
from callcenter.supervision.members import end_day_memberships
from callcenter.workorders import handlers as workorder_handlers

log = structlog.get_logger(__name__)

RETENTION_SECONDS = 600.0
LEDGER_FILE_SPAN = timedelta(days=1)
"""A ledger file is renamed when its first line is this old."""
LEDGER_SECONDS = 10.0
CALENDAR_SECONDS = 600.0
DAY_MEMBERSHIPS_SECONDS = 20.0
RECORDINGS_SECONDS = 2.0
DISK_SECONDS = 10.0
AMI_SECONDS = 10.0
TELEPHONES_SECONDS = 3.0
RECONCILE_SECONDS = 3.0
"""A difference between database and Asterisk lives at most this long."""

CALLBACK_SECONDS = 1.0
LOST_DIALS_SECONDS = 5.0

LEDGER_HANDLERS = calls.LedgerHandlers(
    on_event={**call_handlers.EVENT_HANDLERS, **workorder_handlers.EVENT_HANDLERS},
    on_ends=(callback_handlers.on_ends, campaign_handlers.on_ends),
    on_calls=(workorder_handlers.on_calls, callback_handlers.on_calls),
)
"""What the domains above calls do with what the ledger tells."""


class Engine:
    """One PBX's engine. ``run()`` until cancelled."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._pbx = settings.pbx_name
        self._leadership = Leadership(database.url, f"engine-{self._pbx}")
        self._database = Database(
            database.url,
            pool_size=settings.database_pool_size,
            application_name="callcenter-engine-work",
            fence=self._leadership.require,
        )
        self._snapshot_due = asyncio.Event()
        self._watch = Watch(self._pbx)
        self._active = False
        self._alone = asyncio.Event()
        desk_events = DeskEvents(NumberPlan(settings.country, settings.area_code))
        event_handlers = {
            **queue_handlers.HANDLERS,
            **desk_events.handlers,
            **LoginGuesses().handlers,
            **supervision_handlers.HANDLERS,
        }
        self._consumer = EventConsumer(self._database, event_handlers, self._miss_events, around=desk_events.batch)
        self._events = self._session("events", self._consumer.put)
        self._commands = self._session("commands", None)
        self._sender = CommandSender(
            self._database,
            self._commands,
            self._pbx,
            {Render.action: self._perform_render},
            tell=[on_command_over],
        )
        self._clock = ClockKeeper(self._database, self._commands, self._pbx, ClockWatch())
        self._number_plan = NumberPlan(settings.country, settings.area_code)
        self._metrics = HotlineMetrics(self._database, self._pbx)
        self._recordings = RecordingStorer(
            self._database,
            pbx=self._pbx,
            recordings_dir=settings.recordings_dir,
            keys=recording_keys(settings),
            on_measured=workorder_handlers.on_measured,
        )
        self._recording_disk = DiskGuard(
            self._database,
            pbx=self._pbx,
            recordings_dir=settings.recordings_dir,
            least_bytes=settings.recording_disk_free_megabytes << 20,
            tell=self._tell_whether_to_record,
        )
        self.ledger = LedgerReader(
            self._database,
            pbx=self._pbx,
            ledger_file=settings.ledger_file,
            queue_log_file=settings.queue_log_file,
            plan=self._number_plan,
            handlers=LEDGER_HANDLERS,
        )

    async def run(self) -> None:
        """Lead when it is our turn, for as long as we may."""
        try:
            while True:
                async with self._leadership.held() as lost:
                    self._active = True
                    try:
                        await self._act(lost)
                    except* LeadershipLost:
                        log.warning("leadership_left")  # nothing of it is under way any more
                    finally:
                        self._active = False
                        self._metrics.clear()
        finally:
            await self._database.close()

    def checks(self) -> list[Check]:
        """Readiness of this role: a spare is ready too; the holder needs its PBX."""
        if not self._active:
            return [Check("engine", ok=True, reason="spare")]
        connected = self._events.connected and self._commands.connected
        return [Check("pbx", ok=connected, reason="" if connected else "no AMI session")]

    async def _act(self, lost: asyncio.Task[None]) -> None:
        bus = BusListener(self._database.url)
        bus.subscribe(COMMANDS_TOPIC, self._sender.wake, self._sender.wake)
        speech = engine_work(self._settings, self._database)
        for work in speech.values():
            bus.subscribe(SPOKEN_TOPIC, work.wake, work.wake)
        messages = MessageSender.of(self._settings, self._database, tell=[campaign_handlers.on_message])
        bus.subscribe(OUTBOX_TOPIC, messages.wake, messages.wake)
        self._miss_events()
        self._alone.clear()
        async with asyncio.TaskGroup() as group:

            async def stop_when_lost() -> None:
                await lost

            def keep(name: str, work: Callable[[], Awaitable[None]]) -> None:
                group.create_task(keep_running(name, work), name=name)

            group.create_task(stop_when_lost(), name="leadership")
            keep("ami", self._hold_sessions)
            keep("bus", bus.run)
            keep("sender", self._send_commands)
            keep("consumer", self._consumer.run)
            for name, work in speech.items():
                keep(name, work.run)
            keep("messages", messages.run)
            group.create_task(self.ledger.run(asyncio.Event()), name="ledger")
            group.create_task(run_every("snapshot", 0.2, self._correct_if_due))
            group.create_task(run_every("watch", BEAT_SECONDS, self._note_watch))
            group.create_task(run_every("reconcile", RECONCILE_SECONDS, self._reconcile))
            group.create_task(run_every("absent-telephones", TELEPHONES_SECONDS, self._warn_of_absent_telephones))
            group.create_task(run_every("wrap-up", 0.5, self._end_wrap_ups))
            self._phone_out(group)
            check = LedgerCrossCheck(
                self._database, self.ledger, self._live_calls, pbx=self._pbx, plan=self._number_plan
            )
            group.create_task(run_every("ledger-check", LOOK_SECONDS, check.look))
            group.create_task(run_every("clock", CLOCK_SECONDS, self._clock.look))
            group.create_task(run_every("recordings", RECORDINGS_SECONDS, self._recordings.tick))
            group.create_task(run_every("recording-disk", DISK_SECONDS, self._recording_disk.tick))
            group.create_task(run_every("retention", RETENTION_SECONDS, self._rotate_and_purge))
            group.create_task(run_every("calendar", CALENDAR_SECONDS, self._tend_calendar))
            group.create_task(run_every("day-memberships", DAY_MEMBERSHIPS_SECONDS, self._end_day_memberships))
            surroundings = Surroundings(self._settings, self._commands, (self._events, self._commands))
            alarms = AlarmWork(self._settings, self._database, surroundings)
            group.create_task(run_every("alarms", ALARM_SECONDS, alarms.look))
            group.create_task(run_every("metrics", REFRESH_SECONDS, self._metrics.refresh))

    # -- calls out

    def _phone_out(self, group: asyncio.TaskGroup) -> None:
        """Call-backs and campaigns, and what campaigns write."""
        callbacks = CallbackWork(self._database, self._commands, self._pbx, Home.of(self._settings))
        group.create_task(run_every("callbacks", CALLBACK_SECONDS, callbacks.place))
        dialer = Dialer(self._database, self._commands, self._pbx, Home.of(self._settings), self._number_plan)
        group.create_task(run_every("dialer", DIAL_SECONDS, dialer.dial))
        group.create_task(run_every("prepare-contacts", PREPARE_SECONDS, dialer.prepare))
        group.create_task(run_every("write-to-contacts", WRITE_SECONDS, dialer.write))
        found = Triggers(self._database, self._pbx, Home.of(self._settings), self._number_plan)
        group.create_task(run_every("campaign-audiences", TRIGGER_SECONDS, found.look))
        if (mailbox := Mailbox.of(self._settings)) is not None:
            bounces = BounceReader(self._database, mailbox, tell=[campaign_handlers.on_message])
            group.create_task(run_every("mailbox", MAILBOX_SECONDS, bounces.look))
        lost_dials = LostDials(
            self._database,
            self._commands,
            self.ledger,
            self._pbx,
            (CallbackDials(), CampaignDials(Home.of(self._settings))),
        )
        group.create_task(run_every("lost-dials", LOST_DIALS_SECONDS, lost_dials.settle))

    # -- AMI

    def _session(self, kind: str, on_event: Callable[[Mapping[str, str]], None] | None) -> AmiSession:
        return AmiSession(
            host=self._settings.ami_host,
            port=self._settings.ami_port,
            username=f"cc_{kind}",
            secret=get_secret(self._settings, f"ami_{kind}_secret"),
            name=kind,
            on_connected=self._miss_events,
            on_event=on_event,
            booted=on_event is None,
        )

    async def _hold_sessions(self) -> None:
        """Ours, once those of the engine before us are ended: from then on it can tell Asterisk nothing."""
        if not self._alone.is_set():
            await self._end_sessions_of_the_last()
            self._alone.set()
        async with asyncio.TaskGroup() as sessions:
            sessions.create_task(self._events.run(), name="ami-events")
            sessions.create_task(self._commands.run(), name="ami-commands")

    async def _end_sessions_of_the_last(self) -> None:
        session = self._session("commands", None)
        running = asyncio.create_task(session.run(), name="ami-take-over")
        try:
            await session.wait_connected(AMI_SECONDS)
            await end_other_sessions(session)
        finally:
            await session.close()
            await running

    async def _send_commands(self) -> None:
        await self._alone.wait()
        await self._sender.settle()
        await self._sender.run()

    # -- keeping database and PBX alike

    def _miss_events(self) -> None:
        """Some are lost, or may be: what they would have told is read from Asterisk."""
        self._watch.lose()
        self._snapshot_due.set()

    async def _note_watch(self) -> None:
        """What Asterisk answers on the session of events comes after every event before it."""
        if self._snapshot_due.is_set() or self._consumer.has_lost_events or not self._events.connected:
            self._watch.lose()
            return
        asked_at, losses = now(), self._watch.losses
        await self._events.send("Ping")
        async with self._database.transaction() as session:
            if losses == self._watch.losses:
                await self._watch.note(session, asked_at)

    async def _correct_if_due(self) -> None:
        """After a (re)connect or lost events: waiting callers, seats and agents' activities from a snapshot."""
        if not (self._snapshot_due.is_set() and self._events.connected and self._commands.connected):
            return
        self._snapshot_due.clear()
        try:
            snapshot = await read_snapshot(self._commands)
            async with self._database.transaction() as session:
                await queue_handlers.correct_live(
                    session,
                    self._pbx,
                    list(snapshot.entries),
                    list(snapshot.members),
                    set(snapshot.contacts),
                    channels=snapshot.channels,
                )
            await self._reconcile()
            await self._close_lost_calls()
        except BaseException:
            self._snapshot_due.set()  # it stays due: nothing else would correct what was missed
            raise

    async def _close_lost_calls(self) -> None:
        """Calls that an Asterisk took with it when it died, once all that it still wrote has been read."""
        start = await read_start(self._commands)
        live = await self._live_calls()
        with suppress(TimeoutError):  # under load it is never idle, but long past what was written before the start
            async with asyncio.timeout(LEDGER_SECONDS):
                await self.ledger.caught_up()
        async with self._database.transaction() as session:
            await calls.close_lost_calls(session, self._pbx, start, live=live, plan=self._number_plan)

    async def _live_calls(self) -> set[str]:
        return await read_linkedids(self._commands)

    async def _reconcile(self) -> None:
        """Members of Asterisk's queues follow the database; who waits in them, the other way round."""
        if not self._commands.connected:
            return
        rows, entries = await read_queues(self._commands)
        actual = {queues.member_of(row) for row in rows}
        async with self._database.transaction() as session:
            await queue_handlers.correct_waiting(session, self._pbx, entries)
            if await queues.has_open_commands(session, self._pbx):
                return  # what is on its way would look like a difference
            desired = await queues.desired_members(session)
            corrections = queues.plan_corrections(desired, actual) or queues.plan_renewals(desired, rows, now())
            for command in corrections:
                await request_command(session, self._pbx, command, cause="reconcile")
        if corrections:
            log.info("members_corrected", commands=len(corrections))

    async def _perform_render(self, _command: Command) -> str:
        """Write Asterisk's configuration anew from the database and have it read what changed."""
        async with self._database.transaction() as session:
            wanted = await queues.get_pbx_configuration(session)
        changed = await asyncio.to_thread(write_pbx_configuration, self._settings, wanted)
        for module in reload_modules(changed):
            action, headers = Reload(module=module).ami()
            response = await self._commands.send(action, headers)
            if not response.success:
                raise AmiActionFailed(f"{module} was not reloaded: {response.message}")
        return f"changed: {', '.join(changed) or 'nothing'}"

    async def _rotate_and_purge(self) -> None:
        """The ledger's files by the day; lines and files beyond their retention go, never what was not read."""
        if await asyncio.to_thread(retention.rotate_if_due, self._settings.ledger_file, now() - LEDGER_FILE_SPAN):
            await self._commands.send("LoggerRotate")  # the queue log with it
        before = now() - timedelta(days=self._settings.ledger_retention_days)
        async with self._database.transaction() as session:
            await code_guard.purge_counters(session, limits=CodeLimits.of(self._settings), at=now())
            await callouts.purge_counts(session, now())
            await accounts.purge_sources(session, now())
            for path, kind in (
                (self._settings.ledger_file, LedgerKind.CEL),
                (self._settings.queue_log_file, LedgerKind.QUEUE_LOG),
            ):
                await retention.purge_rotated_files(session, path, self._pbx, kind, before)
        await keep_to_retention(self._database, self._settings, now())
        days, folder = self._settings.recording_retention_days, self._settings.recordings_dir
        async with self._database.transaction() as session:
            await recordings.delete_old(session, self._pbx, folder, retention_days=days, at=now())

    async def _end_day_memberships(self) -> None:
        async with self._database.transaction() as session:
            await end_day_memberships(session, self._pbx, now())

    async def _tend_calendar(self) -> None:
        async with self._database.transaction() as session:
            await closures.settle_closures(session, now())
            await calendar.warn_of_missing_list(session, Place.of(self._settings), now())

    async def _tell_whether_to_record(self, is_full: bool) -> None:
        if self._commands.connected:
            headers = {"Variable": variables.NO_RECORDING, "Value": "1" if is_full else "0"}
            await self._commands.send("Setvar", headers)

    async def _warn_of_absent_telephones(self) -> None:
        async with self._database.transaction() as session:
            await agents.warn_of_absent_telephones(session, now())

    async def _end_wrap_ups(self) -> None:
        async with self._database.transaction() as session:
            await agents.end_wrap_ups(session, now())
