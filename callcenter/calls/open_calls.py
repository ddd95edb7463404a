"""The calls that go on, as one reader of the ledger knows them: so that no line is read back, and no call derived,
more often than somebody needs it.

Memory only. What is to be derived later is also recoverable from the database (``LedgerFile.derived_offset``), and
events that are not here are read from there.
"""

from collections.abc import Iterable, Sequence

from callcenter.asterisk.ledger import CelRecord

MOST_EVENTS = 100_000
"""About 100 MB, and more calls at once than a PBX carries. Beyond them everything is forgotten: only time is lost."""


class OpenCalls:
    """Follows one transaction after another: what is noted counts once :meth:`commit` is called."""

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self._most_events = most_events
        self._events: dict[str, list[CelRecord]] = {}
        self._unwritten: set[str] = set()
        self._count = 0
        self._due: set[str] = set()
        self._taken: set[str] = set()

    def begin(self, call_ids: Iterable[str]) -> None:
        """None of these calls had a line before: from now on all of theirs come by :meth:`add`."""
        for call_id in call_ids:
            self._events[call_id] = []
            self._unwritten.add(call_id)

    def knows(self, call_id: str) -> bool:
        """Whether all events of this call are here."""
        return call_id in self._events

    def add(self, new: Iterable[CelRecord]) -> None:
        """Lines of calls; of those that are not known they are left to the database."""
        known = self._events
        for event in new:
            events = known.get(event.linkedid)
            if events is not None:
                events.append(event)
                self._count += 1

    def events_of(self, call_id: str) -> list[CelRecord] | None:
        """All events of this call in the order of the file, or None: they are in the database."""
        return self._events.get(call_id)

    def written(self, call_ids: Sequence[str]) -> list[str]:
        """Those of these calls that may have been written before; from now on all of them are."""
        before = [call_id for call_id in call_ids if call_id not in self._unwritten]
        self._unwritten.difference_update(call_ids)
        return before

    def end(self, call_id: str) -> None:
        """Its last line was read."""
        self._unwritten.discard(call_id)
        self._count -= len(self._events.pop(call_id, ()))

    def forget(self) -> None:
        """Somebody else may have stored lines of these calls too."""
        self._events.clear()
        self._unwritten.clear()
        self._count = 0

    # -- what is to be derived

    @property
    def has_due(self) -> bool:
        return bool(self._due)

    def note_due(self, call_ids: Iterable[str]) -> None:
        self._due.update(call_ids)

    def take_due(self, call_ids: Iterable[str] | None = None) -> set[str]:
        """These calls, or all that are due; they are due again if the transaction fails."""
        taken = set(self._due) if call_ids is None else set(call_ids)
        self._due -= taken
        self._taken |= taken
        return taken

    def commit(self) -> None:
        self._taken.clear()
        if self._count > self._most_events:
            self.forget()

    def rollback(self) -> None:
        """Lines that were noted may not be stored: all is read again."""
        self._due |= self._taken
        self._taken.clear()
        self.forget()
