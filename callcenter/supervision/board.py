"""The live board: rows of several tables by key, what changed between two states of it, and what one may see. Pure.

A row is a JSON object as the API shows it (schemas.py). Times are instants, never seconds that run on: a page counts
them itself, and a row that stays as it is costs nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
Rows = Mapping[str, Row]
"""By key."""

QUEUES, WAITING, AGENTS, MENUS, ALARMS, TRUNKS = "queues", "waiting", "agents", "menus", "alarms", "trunks"
TABLES = (QUEUES, WAITING, AGENTS, MENUS, ALARMS, TRUNKS)
KEYS = {QUEUES: "name", WAITING: "uniqueid", AGENTS: "number", MENUS: "call_id", ALARMS: "id", TRUNKS: "name"}
"""Which field of a row is its key."""

Scope = frozenset[str] | None
"""The queues somebody may see; None: all."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that are new or other than before, with what each was; and rows that are gone."""

    changed: Mapping[str, Mapping[str, tuple[Row | None, Row]]]
    gone: Mapping[str, Rows]

    def __bool__(self) -> bool:
        return any(self.changed.values()) or any(self.gone.values())


@dataclass(slots=True)
class Board:
    """The present state. Replaced table by table, never row by row, so that whoever holds a table may read on."""

    tables: dict[str, Rows] = field(default_factory=lambda: {table: {} for table in TABLES})

    def replace(self, new: Mapping[str, Rows]) -> Changes:
        """Put these tables in the place of those that were, and say what is other."""
        changed: dict[str, dict[str, tuple[Row | None, Row]]] = {}
        gone: dict[str, Rows] = {}
        for table, rows in new.items():
            before = self.tables[table]
            changed[table] = {key: (before.get(key), row) for key, row in rows.items() if before.get(key) != row}
            gone[table] = {key: row for key, row in before.items() if key not in rows}
            self.tables[table] = rows
        return Changes(changed, gone)


def whole_frame(tables: Mapping[str, Rows], scope: Scope) -> dict[str, list[Row]]:
    """All that ``scope`` may see."""
    return {table: [row for row in rows.values() if is_visible(table, row, scope)] for table, rows in tables.items()}


def change_frame(changes: Changes, scope: Scope) -> dict[str, Any] | None:
    """What ``scope`` sees of it: rows that changed, and the keys of those not to be seen any more; None: nothing."""
    changed: dict[str, list[Row]] = {}
    removed: dict[str, list[str]] = {}
    for table, rows in changes.changed.items():
        shown = [row for _, row in rows.values() if is_visible(table, row, scope)]
        hidden = [
            key
            for key, (before, row) in rows.items()
            if before is not None and is_visible(table, before, scope) and not is_visible(table, row, scope)
        ]
        hidden += [key for key, row in changes.gone.get(table, {}).items() if is_visible(table, row, scope)]
        if shown:
            changed[table] = shown
        if hidden:
            removed[table] = hidden
    return {"changed": changed, "removed": removed} if changed or removed else None


def is_visible(table: str, row: Row, scope: Scope) -> bool:
    """A queue's rows to who steers it, an agent to who steers one of their queues, the trunk to all.

    A call in a menu belongs to the queue that its number falls back to; an alarm of no queue is everybody's.
    """
    if scope is None or table == TRUNKS:
        return True
    if table == QUEUES:
        return row["name"] in scope
    if table == AGENTS:
        return row["queue"] in scope or not scope.isdisjoint(row["queues"])
    if table == ALARMS:
        return row["queues"] is None or not scope.isdisjoint(row["queues"])
    return row["queue"] in scope


def count_agents(agents: Iterable[Row]) -> dict[str, dict[str, int]]:
    """By queue, how many of its members do what. One who is on a call counts as that, also when paused meanwhile."""
    counts: dict[str, dict[str, int]] = {}
    for agent in agents:
        does = doing(agent)
        if does is None:
            continue
        for queue in agent["queues"]:
            counts.setdefault(queue, no_agents())[does] += 1
    return counts


def no_agents() -> dict[str, int]:
    return {"idle": 0, "ringing": 0, "on_call": 0, "wrap_up": 0, "paused": 0}


def doing(agent: Row) -> str | None:
    """One word for what an agent does; None: logged out, and not on a call any more."""
    if agent["activity"] in ("ringing", "on_call") or agent["wanted"] == "available":
        return str(agent["activity"])
    return "paused" if agent["wanted"] == "paused" else None


def masked_name(name: str | None) -> str | None:
    """张伟 becomes 张*: enough to tell two callers apart.

    >>> masked_name("欧阳娜娜"), masked_name("Zhao Min"), masked_name("")
    ('欧***', 'Z*******', None)
    """
    return name[0] + "*" * (len(name) - 1) if name else None


def expected_wait_seconds(*, waiting: int, idle: int, serving: int, handle_seconds: float | None) -> int | None:
    """How long who joins now may wait: the callers before them, served by those who serve, a handle time each.

    ``idle``: free members; ``serving``: they and those who ring, talk or wrap up. None: nobody serves, or nobody
    knows how long a conversation takes.
    """
    if idle > waiting:
        return 0
    if not serving or handle_seconds is None:
        return None
    return round((waiting + 1 - idle) * handle_seconds / serving)


def by_key(table: str, rows: Collection[Row]) -> dict[str, Row]:
    return {str(row[KEYS[table]]): row for row in rows}
