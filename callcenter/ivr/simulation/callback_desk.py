"""Call-backs in a simulation."""

from callcenter.callbacks.policy import may_be_called_back
from callcenter.callbacks.service import CallbackWish
from callcenter.core.phone_numbers import NumberPlan
from callcenter.ivr.errors import DatabaseAway


class SimulatedCallbackDesk:
    """Takes every call-back; ``away``: the database does not answer."""

    def __init__(self, *, away: bool = False, offered: bool = True) -> None:
        self.wishes: list[CallbackWish] = []
        self._plan = NumberPlan()
        self._away = away
        self._offered = offered

    def callable_number(self, typed: str | None) -> str | None:
        e164 = self._plan.normalise(typed)
        return e164 if e164 and may_be_called_back(e164, self._plan.country) else None

    async def is_offered(self, queue: str) -> bool:
        if self._away:
            raise DatabaseAway
        return self._offered

    async def request(self, wish: CallbackWish) -> bool:
        if self._away:
            raise DatabaseAway
        self.wishes.append(wish)
        return True

    async def report_not_callable(self, typed: str, line: str | None) -> None:
        if self._away:
            raise DatabaseAway
