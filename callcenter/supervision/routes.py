"""HTTP of the live board: once as a whole, or as a stream of server-sent events (docs/console-api.md)."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from callcenter.accounts.access import Access, find_access, require
from callcenter.accounts.models import Role
from callcenter.core.db import Database
from callcenter.core.http import get_database, source_of
from callcenter.core.jobs import WORLD_FAULTS
from callcenter.core.problems import NotAcceptable, problem_responses
from callcenter.supervision.board_keeper import BoardKeeper, Watcher
from callcenter.supervision.schemas import BoardResponse
from callcenter.supervision.targets import scope_of

router = APIRouter(tags=["supervision"], responses=problem_responses(401, 403))

Lead = Annotated[Access, Depends(require(Role.SUPERVISOR))]
EVENT_STREAM = "text/event-stream"
CHECK_SECONDS = 2.0
"""Within which a log-in that was ended, or a scope that was changed, ends the stream or changes it."""
_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}}


def board_keeper(request: Request) -> BoardKeeper:
    keeper: BoardKeeper = request.app.state.board_keeper
    return keeper


Keeper = Annotated[BoardKeeper, Depends(board_keeper)]


@router.get("/supervision/board")
async def get_board(access: Lead, keeper: Keeper) -> BoardResponse:
    """All that is live now, in the queues that the asker steers."""
    return BoardResponse.model_validate(await keeper.tables(scope_of(access)))


@router.get("/supervision/stream", response_class=StreamingResponse, responses=_STREAM | problem_responses(406, 503))
async def stream_board(access: Lead, keeper: Keeper, request: Request) -> StreamingResponse:
    """The same as server-sent events: `board` with everything, then `change` with what became other.

    Needs `Accept: text/event-stream`. A comment line every two seconds says that it lives.
    """
    if EVENT_STREAM not in request.headers.get("accept", ""):
        raise NotAcceptable
    async with keeper.watch(scope_of(access)):
        pass  # an outage is told before the answer has begun
    token = request.headers["authorization"].partition(" ")[2].strip()
    frames = _frames(keeper, get_database(request), access, token, source_of(request))
    return StreamingResponse(frames, media_type=EVENT_STREAM, headers={"X-Accel-Buffering": "no"})


async def _frames(
    keeper: BoardKeeper, database: Database, access: Access, token: str, source: str
) -> AsyncIterator[bytes]:
    async with keeper.watch(scope_of(access)) as watcher:
        checks = _Check(database, token, source)
        while keeper.is_running and await checks.may_go_on(watcher):
            frame = await watcher.next(keeper, CHECK_SECONDS)
            yield frame or b": \n\n"


class _Check:
    """Whether this log-in still is one, and what it may see; asked for at most every CHECK_SECONDS."""

    def __init__(self, database: Database, token: str, source: str) -> None:
        self._database = database
        self._token = token
        self._source = source
        self._due_at = 0.0

    async def may_go_on(self, watcher: Watcher) -> bool:
        at = time.monotonic()
        if at < self._due_at:
            return True
        self._due_at = at + CHECK_SECONDS
        try:
            async with self._database.transaction() as session:
                access = await find_access(session, self._token, source=self._source)
        except WORLD_FAULTS:
            return True  # nothing new is shown meanwhile
        if access is None or not access.has(Role.SUPERVISOR):
            return False
        watcher.see(scope_of(access))
        return True
