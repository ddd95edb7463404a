"""What the tests of the pages share: the sample hospital, people who log in, a caller at an agent's telephone.

Live events are committed as the engine commits them; a real Asterisk rings in tests/e2e/desk.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts import service as accounts
from callcenter.accounts.models import Role
from callcenter.agents import messages
from callcenter.agents import service as agents
from callcenter.agents.models import Activity, Agent, Seat
from callcenter.core.audit import SYSTEM
from callcenter.core.clock import now
from callcenter.desk import dispositions
from callcenter.desk.forms import FieldKind, FormField, Option
from callcenter.queues import queries as queue_queries
from demo import hospital
from tests.db.desk.scene import CALL, CALLER, ledger
from tests.support.ledger_reading import LedgerFolder, read_all
from tests.support.ledger_tables import Ledger
from tests.support.served_site import Site

Change = Callable[[AsyncSession, Agent], Awaitable[None]]

ADMIN_PASSWORD = "admin of this test"
AGENT_PASSWORD = "agent of this test"
SUPERVISOR, SUPERVISOR_PASSWORD = "lead", "supervisor of this test"
NUMBER, SEAT, USERNAME = "1001", "seat-rose", "agent1001"

FORM = [
    FormField(
        key="topic",
        kind=FieldKind.CHOICE,
        label_zh="咨询内容",
        label_en="About",
        required=True,
        options=(Option("booking", "预约挂号", "Booking"), Option("price", "费用", "Prices")),
    ),
    FormField(
        key="told",
        kind=FieldKind.CHOICE,
        label_zh="已告知",
        label_en="Told",
        several=True,
        options=(Option("time", "就诊时间", "Time"), Option("place", "就诊地点", "Place")),
    ),
    FormField(key="solved", kind=FieldKind.YES_NO, label_zh="是否解决", label_en="Solved", required=True),
    FormField(key="follow_up", kind=FieldKind.DATE, label_zh="回访日期", label_en="Call again on"),
    FormField(key="remark", kind=FieldKind.TEXT, label_zh="补充说明", label_en="Remark"),
]


class Scene:
    """The sample hospital, served. Agent 1001 (李娜) sits at no seat yet."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self._ledger = LedgerFolder(folder)
        site.run(self._load())

    async def _load(self) -> None:
        async with self.site.database.transaction() as session:
            await hospital.load(
                session,
                code_key=self.site.app.state.code_key,
                admin_password=ADMIN_PASSWORD,
                agent_password=AGENT_PASSWORD,
                wrap_up_seconds=600,
            )
            await dispositions.put_form(session, SYSTEM, "consultation", FORM, now())

    # -- people

    def given_supervisor(self, *scope: str) -> None:
        """Of these queues; of none: of all."""

        async def create() -> None:
            async with self.site.database.transaction() as session:
                await accounts.create_user(
                    session,
                    SYSTEM,
                    username=SUPERVISOR,
                    password=SUPERVISOR_PASSWORD,
                    display_name="陈静",
                    roles=[Role.SUPERVISOR],
                    queue_scope=list(scope),
                )

        self.site.run(create())

    def log_in(self, page: Page, path: str, username: str = USERNAME, password: str = AGENT_PASSWORD) -> None:
        """To ``path`` with a fresh log-in; how a person does it: test_login.py."""
        body = {"username": username, "password": password}
        answer = page.request.post(f"{self.site.address}/api/v1/auth/login", data=body)
        assert answer.ok, answer.text()
        page.goto(f"{self.site.address}/login")
        page.evaluate("token => sessionStorage.setItem('callcenter.token', token)", answer.json()["token"])
        page.goto(f"{self.site.address}{path}")

    def sit_down(self, page: Page) -> None:
        """At the desk, at a telephone that is registered."""
        self.log_in(page, "/desk")
        page.get_by_test_id("seat").select_option(SEAT)
        page.get_by_test_id("sit-down").click()
        self.telephone(registered=True)
        expect(page.get_by_test_id("available")).to_be_enabled()

    # -- what Asterisk's events say

    def telephone(self, *, registered: bool, seat: str = SEAT) -> None:
        async def change(session: AsyncSession, agent: Agent) -> None:
            row = await session.get_one(Seat, seat)
            before = messages.telephone_of(row)
            row.registered = registered
            await messages.publish(session, agent, "telephone", before=before, after=messages.telephone_of(row))

        self._change(change)

    def rings(self, call_id: str = CALL) -> None:
        """A caller of the queue, who has waited for half a minute; the ledger was read up to there."""

        self.waits(call_id)

        async def change(session: AsyncSession, agent: Agent) -> None:
            await agents.record_activity(session, agent, Activity.RINGING, call_id=call_id)

        self._change(change)

    def waits(self, call_id: str) -> None:
        """A caller in the queue, for half a minute; nobody is rung yet."""
        caller = {
            "uniqueid": call_id,
            "queue_name": "consultation",
            "pbx": "pbx1",
            "caller_number": CALLER,
            "priority": 1,
            "joined_at": now() - timedelta(seconds=30),
        }
        self._change(lambda session, _agent: queue_queries.put_waiting(session, [caller]))

    def is_answered(self, call_id: str = CALL) -> None:
        self._does(Activity.ON_CALL, call_id)

    def has_ended(self, call_id: str = CALL) -> None:
        self._does(Activity.WRAP_UP, call_id, wrap_up_seconds=600)

    def read(self, lines: Ledger) -> None:
        """The ledger's reader gets these lines."""
        self._ledger.append(lines)
        self.site.run(read_all(self._ledger, self.site.database))

    def read_ringing(self, *, grade: str = "", verified: bool = False) -> None:
        self.read(ledger(grade=grade, verified=verified, only_ringing=True))

    def told(self, text: str) -> None:
        """A supervisor's message."""

        async def change(session: AsyncSession, agent: Agent) -> None:
            await messages.publish(session, agent, "message", before=None, after={"from": "chen.jing", "text": text})

        self._change(change)

    def _does(self, activity: Activity, call_id: str | None, wrap_up_seconds: int = 0) -> None:
        async def change(session: AsyncSession, agent: Agent) -> None:
            await agents.record_activity(session, agent, activity, call_id=call_id, wrap_up_seconds=wrap_up_seconds)

        self._change(change)

    def _change(self, change: Change) -> None:
        async def changed() -> None:
            async with self.site.database.transaction() as session:
                await change(session, await agents.get_agent(session, NUMBER, lock=True))

        self.site.run(changed())
