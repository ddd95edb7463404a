"""A hotline whose flow leads by one key to each thing that callers leave behind."""

from pathlib import Path

import pytest

from callcenter.core.config import Settings

FLOW = """\
flow: main
entry: ["8000"]
start: ask
steps:
  ask:
    menu: language_changed
    attempts: 1
    timeout_seconds: 20
    outcomes: {"1": message, "2": person, "3": complaint, "4": code, timeout: bye, invalid: bye}
  message:
    {leave_message: message_intro, queue: consultation, max_seconds: 60, outcomes: {recorded: bye, empty: bye}}
  person: {queue: consultation, outcomes: {answered: mark, overflowed: bye, key: bye}}
  mark: {rating: ask_rating, outcomes: {rated: remark, skipped: bye}}
  remark: {remark: ask_remark, max_seconds: 30, next: bye}
  complaint: {complaint: true, about: last_agent, next: complaint_queue}
  complaint_queue: {queue: complaint, outcomes: {answered: bye, overflowed: bye, key: bye}}
  code: {check_code: ask_check_code, attempts: 1, outcomes: {verified: help, refused: bye, skipped: help, locked: help}}
  help: {emergency: true, next: vip}
  vip: {queue: vip, outcomes: {answered: bye, overflowed: bye, key: bye}}
  bye: {hangup: true}
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "main.yaml").write_text(FLOW)
    settings.flows_dir = tmp_path
    return settings
