"""The flows and prompts that new calls use now: files, read again as soon as they change."""

import asyncio
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from callcenter.core.alarms import raise_alarm
from callcenter.core.db import Database
from callcenter.ivr.checks import Known, compile_flows
from callcenter.ivr.errors import DatabaseAway, FlowError, FlowProblem
from callcenter.ivr.flow import FlowSet
from callcenter.ivr.limits import limited
from callcenter.ivr.loading import MAX_BYTES
from callcenter.ivr.prompts import InvalidPrompts, PromptLibrary, load_prompts
from callcenter.ivr.revisions import RevisionStore

log = structlog.get_logger(__name__)

Signature = tuple[tuple[str, int, int, int], ...]
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Published:
    """What a new call uses, to its next parking."""

    flows: FlowSet
    prompts: PromptLibrary


def read_flow_files(flows_dir: Path) -> tuple[dict[str, bytes], tuple[FlowProblem, ...]]:
    """Every ``*.yaml`` of the folder, no more of each than shows that it is too large; and what cannot be read."""
    files: dict[str, bytes] = {}
    problems: list[FlowProblem] = []
    for path in sorted(flows_dir.glob("*.yaml")):
        try:
            with path.open("rb") as file:
                files[path.name] = file.read(MAX_BYTES + 1)
        except OSError as error:
            problems.append(FlowProblem(path.name, 1, "unreadable", str(error.strerror)))
    if not files and not problems:
        problems.append(FlowProblem(flows_dir.name, 1, "no-flows", "the folder holds no flow"))
    return files, tuple(problems)


def settle(files: Files, good: Files, known: Known) -> tuple[FlowSet, Files, tuple[FlowProblem, ...]]:
    """The flows to use, the files they are made of, and what was refused.

    A refused file leaves its last ``good`` content in use, and the other files' changes come into effect. If
    they do not fit together either, all stays as it was. Only when nothing was good before (a start), refused
    files are left out: their callers reach the human queue by the dialplan, the others' flows work.
    """
    try:
        return compile_flows(files, known), files, ()
    except FlowError as error:
        problems = error.problems
    if good:
        refused = {problem.file for problem in problems}
        mixed = {name: content for name, content in files.items() if name not in refused}
        mixed |= {name: good[name] for name in refused if name in good}
        for candidate in (mixed, good):
            try:
                return compile_flows(candidate, known), candidate, problems
            except FlowError:
                continue  # e.g. a prompt that the good ones play has gone
    remaining = dict(files)
    while True:
        try:
            return compile_flows(remaining, known), remaining, problems
        except FlowError as error:
            for problem in error.problems:
                remaining.pop(problem.file, None)


class Catalogue:
    """Watches ``flows_dir`` and ``prompts_dir``: a look at the files' times by every new call, no restart."""

    def __init__(
        self,
        flows_dir: Path,
        prompts_dir: Path,
        *,
        revisions: RevisionStore,
        database: Database | None = None,
        queue_names: Collection[str] | None = None,
    ) -> None:
        self._flows_dir = flows_dir
        self._prompts_dir = prompts_dir
        self._revisions = revisions
        self._database = database
        self._queue_names = queue_names
        self._signature: Signature | None = None
        self._good: Files = {}
        self._published: Published | None = None
        self._reading = asyncio.Lock()
        self._alarms: set[asyncio.Task[None]] = set()

    async def current(self) -> Published:
        """The newest valid flows. Raises InvalidPrompts when no prompts could ever be read."""
        signature = self._look()
        if self._published is None or signature != self._signature:
            async with self._reading:
                if self._published is None or signature != self._signature:
                    await self._read(signature)
        self._revisions.save_soon()
        if self._published is None:
            raise InvalidPrompts(f"{self._prompts_dir}: no prompts could be read.")
        return self._published

    async def _read(self, signature: Signature) -> None:
        before = self._published
        prompts = before.prompts if before else None
        try:
            prompts = await asyncio.to_thread(load_prompts, self._prompts_dir)
        except InvalidPrompts as error:
            self._refuse("prompts", [error.message])
        self._signature = signature
        if prompts is None:
            return
        known = Known(prompt_ids=prompts.prompts.keys(), queue_names=self._queue_names)
        files, unreadable = await asyncio.to_thread(read_flow_files, self._flows_dir)
        # what cannot be read, or an empty folder (one being replaced), leaves in use what was there
        lost = {problem.file for problem in unreadable} & self._good.keys() if files else self._good.keys()
        files |= {name: self._good[name] for name in lost}
        flows, self._good, refused = await asyncio.to_thread(settle, files, self._good, known)
        problems = (*unreadable, *refused)
        for file in sorted({problem.file for problem in problems}):
            self._refuse(file, [str(problem) for problem in problems if problem.file == file])
        self._revisions.keep(flows)
        self._published = Published(flows, prompts)
        log.info("flows_read", revisions={flow.name: flow.revision for flow in flows.flows.values()})

    def _look(self) -> Signature:
        return tuple(_signatures((self._flows_dir, self._prompts_dir)))

    def _refuse(self, file: str, problems: list[str]) -> None:
        log.error("flow_refused", file=file, problems=problems)
        if self._database is not None:
            task = asyncio.create_task(self._alarm(self._database, file, problems))
            self._alarms.add(task)
            task.add_done_callback(self._alarms.discard)

    async def _alarm(self, database: Database, file: str, problems: list[str]) -> None:
        async def raised() -> None:
            async with database.transaction() as session:
                await raise_alarm(session, "flow_refused", key=file, problems=problems[:20])

        try:
            await limited(raised())
        except DatabaseAway as error:
            log.warning("alarm_not_raised", alarm="flow_refused", reason=error.message)


def _signatures(folders: Iterable[Path]) -> Iterable[tuple[str, int, int, int]]:
    """Name, size, time and inode of the files that matter."""
    for folder in folders:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue  # a folder that is away now: its absence shows as a change
        for entry in entries:
            if entry.name.endswith((".yaml", ".json")):
                try:
                    status = entry.stat()
                except OSError:
                    continue
                yield entry.path, status.st_size, status.st_mtime_ns, status.st_ino
