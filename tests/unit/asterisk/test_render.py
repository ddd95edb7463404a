"""From rows to Asterisk's files: what stands in them, what may not, and how they are written.

``CALLCENTER_WRITE_GOLDEN=1 pytest tests/unit/asterisk/test_render.py`` writes the golden files anew; read the
difference before committing.
"""

import os
import re
import shutil
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callcenter.agents.schemas import SeatCreate
from callcenter.asterisk.render import (
    MODULES,
    RESERVED_QUEUES,
    RESERVED_SEATS,
    DidConf,
    PbxConfiguration,
    PersonalQueueConf,
    QueueConf,
    SeatConf,
    reload_modules,
    render,
    write_configuration,
)
from callcenter.core.config import Settings
from callcenter.core.errors import InvalidInput, SetupError
from callcenter.queues.schemas import DidPut, QueuePut
from tests.support.pbx_configuration import QUEUE, SIP_PASSWORD, Install

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = ROOT / "asterisk_conf"
GOLDEN = Path(__file__).parent / "rendered"
SMALL = PbxConfiguration(
    dids=(DidConf("8000", "consultation", "zh"), DidConf("8001", "vip", "en")),
    queues=(
        replace(QUEUE, name="complaint", without=("1003", "1004")),
        replace(
            QUEUE,
            name="consultation",
            strategy="rrmemory",
            capacity=50,
            wrap_up_seconds=0,
            exit_keys="12",
            comfort_prompts=("queue_callback_offer", "queue_comfort"),
        ),
        replace(QUEUE, announce_position=False, announce_wait=False, comfort_every_seconds=0),
    ),
    seats=(
        SeatConf("seat-lotus", SIP_PASSWORD),
        SeatConf("seat-page", SIP_PASSWORD, in_browser=True),
        SeatConf("seat-rose", SIP_PASSWORD[::-1]),
    ),
    personal_queues=(PersonalQueueConf("1001", 10), PersonalQueueConf("1002", 0)),
)
NOTHING = PbxConfiguration((), (), ())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CALLCENTER_AMI_EVENTS_SECRET", "secret-of-the-events")
    monkeypatch.setenv("CALLCENTER_AMI_COMMANDS_SECRET", "secret-of-the-commands")
    return Settings(state_dir=tmp_path)


def rendered(settings: Settings, configuration: PbxConfiguration = SMALL) -> dict[str, str]:
    return render(settings, configuration, Install("system", None, (22, 10, 1)))


# -- what stands in them


@pytest.mark.parametrize("name", ["extensions.conf", "queues.conf", "pjsip.conf"])
def test_a_small_hospital(settings: Settings, name: str) -> None:
    content = rendered(settings)[name]
    golden = GOLDEN / name
    if os.environ.get("CALLCENTER_WRITE_GOLDEN"):
        golden.write_text(content)
    assert content == golden.read_text()


def test_every_template_is_rendered_also_for_an_empty_hospital(settings: Settings) -> None:
    files = rendered(settings, NOTHING)
    assert sorted(files) == sorted(path.name.removesuffix(".j2") for path in TEMPLATES.glob("*.j2"))
    assert not any("{{" in content or "{%" in content for content in files.values())


def test_ami_accounts_hear_or_act_and_never_both(settings: Settings) -> None:
    accounts = re.split(r"^\[(\w+)\]$", rendered(settings)["manager.conf"], flags=re.M)
    given = dict(zip(accounts[1::2], accounts[2::2], strict=True))
    assert "secret = secret-of-the-events\n" in given["cc_events"]
    assert re.search(r"^write =$", given["cc_events"], re.M)
    assert "secret = secret-of-the-commands\n" in given["cc_commands"]
    assert re.search(r"^read =$", given["cc_commands"], re.M)


def test_the_ledger_holds_no_digits_and_nothing_that_a_caller_writes(settings: Settings) -> None:
    files = rendered(settings)
    events = next(line for line in files["cel.conf"].splitlines() if line.startswith("events"))
    assert "ALL" not in events
    assert "DTMF" not in events
    fields = next(line for line in files["cel_custom.conf"].splitlines() if line.startswith("fields"))
    assert not re.search(r"Num|Name\b|AppData|dnid|Exten.*Data", fields.replace("ChanName", "").replace("AppName", ""))


# -- what may not


@pytest.mark.parametrize("number", ["", "8", "8000\n", "+8613800000001", "_X.", "8000,1,Hangup()", "800 0", "8" * 21])
def test_hostile_numbers_are_refused(settings: Settings, number: str) -> None:
    with pytest.raises(InvalidInput):
        rendered(settings, replace(SMALL, dids=(DidConf(number, "vip", "zh"),)))


@pytest.mark.parametrize("fallback", ["", "nowhere", "vip\n"])
def test_a_number_falls_back_to_a_queue_that_is_there(settings: Settings, fallback: str) -> None:
    with pytest.raises(InvalidInput):
        rendered(settings, replace(SMALL, dids=(DidConf("8000", fallback, "zh"),)))


def test_a_language_without_prompts_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput):
        rendered(settings, replace(SMALL, dids=(DidConf("8000", "vip", "zh\n"),)))


NAMES = ["", "a b", "A", "1001", "a]", "a\n", "a\n[trunk]", "a;b", "a|b", "a&b", "${EXTEN}", "a,b", "号", "a" * 41]


@pytest.mark.parametrize("name", [*NAMES, *sorted(RESERVED_QUEUES)])
def test_hostile_queues_are_refused(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidInput):
        rendered(settings, replace(NOTHING, queues=(replace(QUEUE, name=name),)))


@pytest.mark.parametrize("name", ["own-1001", "own-", "vip--not-1001", "a--b"])
def test_queues_named_like_asterisks_own_are_refused(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidInput):
        rendered(settings, replace(NOTHING, queues=(replace(QUEUE, name=name),)))


@pytest.mark.parametrize("wrong", [{"exit_keys": "1]"}, {"exit_keys": "*"}, {"exit_keys": "1\n"}])
@pytest.mark.parametrize("also", [{}, {"comfort_prompts": ("a,b",)}, {"without": ("1001\n",)}])
def test_hostile_keys_prompts_and_numbers_are_refused(
    settings: Settings, wrong: dict[str, Any], also: dict[str, Any]
) -> None:
    for values in (wrong, also):
        if values:
            with pytest.raises(InvalidInput):
                rendered(settings, replace(NOTHING, queues=(replace(QUEUE, **values),)))


@pytest.mark.parametrize("number", ["", "1", "1001\n", "a001", "1001]"])
def test_hostile_personal_queues_are_refused(settings: Settings, number: str) -> None:
    with pytest.raises(InvalidInput):
        rendered(settings, replace(NOTHING, personal_queues=(PersonalQueueConf(number, 0),)))


@pytest.mark.parametrize("strategy", ["", "ringall\n", "best", "leastrecent ; x"])
def test_unknown_strategies_are_refused(settings: Settings, strategy: str) -> None:
    with pytest.raises(InvalidInput):
        rendered(settings, replace(NOTHING, queues=(replace(QUEUE, strategy=strategy),)))


@pytest.mark.parametrize("name", [*NAMES, *sorted(RESERVED_SEATS)])
def test_hostile_seats_are_refused(settings: Settings, name: str) -> None:
    with pytest.raises(InvalidInput):
        rendered(settings, replace(NOTHING, seats=(SeatConf(name, SIP_PASSWORD),)))


@pytest.mark.parametrize(
    "password", ["", "short", SIP_PASSWORD + "\n", SIP_PASSWORD + ";", SIP_PASSWORD + " x", "x" * 81]
)
def test_hostile_passwords_are_refused_and_not_told(settings: Settings, password: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        rendered(settings, replace(NOTHING, seats=(SeatConf("seat-rose", password),)))
    assert not password or password not in f"{refusal.value.message}{refusal.value.details}"


@pytest.mark.parametrize("secret", ["short", "sixteen-letters;and-more", "sixteen letters and more", "x" * 16 + "\n"])
def test_a_secret_that_asterisk_would_read_otherwise_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("CALLCENTER_AMI_EVENTS_SECRET", secret)
    with pytest.raises(SetupError, match="CALLCENTER_AMI_EVENTS_SECRET"):
        rendered(settings)


@pytest.mark.parametrize("mistake", ["{{ no_such_setting }}", "{% if %}", "{{ pbx_name"])
def test_a_mistake_in_a_template_is_told_with_its_file(settings: Settings, tmp_path: Path, mistake: str) -> None:
    edited = tmp_path / "conf"
    shutil.copytree(TEMPLATES, edited)
    with (edited / "rtp.conf.j2").open("a") as template:
        template.write(mistake)
    with pytest.raises(SetupError, match=r"rtp\.conf\.j2"):
        rendered(settings.model_copy(update={"asterisk_conf_dir": edited}))


def sections(template: str) -> set[str]:
    return set(re.findall(r"^\[([a-z0-9-]+)\]", (TEMPLATES / template).read_text(), re.M))


def test_no_row_can_take_the_name_of_a_section_that_is_there() -> None:
    assert sections("queues.conf.j2") == RESERVED_QUEUES
    assert sections("pjsip.conf.j2") == RESERVED_SEATS


def test_whatever_the_api_takes_can_be_rendered(settings: Settings) -> None:
    """Otherwise one request would stop every later change of the PBX."""
    longest = "z" + "9" * 39
    body = QueuePut(label_zh="咨询", label_en="Consultation", strategy="linear")
    values = {name: value for name, value in body.model_dump().items() if name in QueueConf.__dataclass_fields__}
    values["comfort_prompts"] = tuple(body.comfort_prompts)
    did = DidPut(label_zh="热线", label_en="Hotline", fallback_queue=longest, language="en")
    seat = SeatCreate(name=longest, label="靠窗")
    files = rendered(
        settings,
        PbxConfiguration(
            dids=(DidConf("9" * 20, did.fallback_queue, did.language),),
            queues=(QueueConf(name=longest, without=("9" * 10,), **values),),
            seats=(SeatConf(seat.name, SIP_PASSWORD),),
            personal_queues=(PersonalQueueConf("9" * 10, 0),),
        ),
    )
    assert f"[{longest}](default-queue)" in files["queues.conf"]
    assert f"[{longest}](seat)" in files["pjsip.conf"]


def test_what_browsers_need_is_open_only_where_there_is_such_a_seat(settings: Settings) -> None:
    without, with_browser = rendered(settings, NOTHING), rendered(settings)
    assert ["enabled = no" in files["http.conf"] for files in (without, with_browser)] == [True, False]
    assert ["icesupport = no" in files["rtp.conf"] for files in (without, with_browser)] == [True, False]
    assert "bindaddr = 127.0.0.1" in with_browser["http.conf"]
    account = with_browser["pjsip.conf"].split("[seat-page](browser-seat)")[1]
    assert SIP_PASSWORD not in account
    assert "[seat-page](seat-auth)" not in account


# -- modules

NEEDED = {
    # applications; "core": pbx_builtins and the like, always there
    "AGI": "res_agi.so",
    "Answer": "core",
    "CELGenUserEvent": "app_celgenuserevent.so",
    "ExecIf": "app_exec.so",
    "Goto": "core",
    "GotoIf": "core",
    "Hangup": "core",
    "MusicOnHold": "res_musiconhold.so",
    "MixMonitor": "app_mixmonitor.so",
    "Playback": "app_playback.so",
    "Queue": "app_queue.so",
    "MSet": "core",
    "Set": "core",
    # functions
    "CALLERID": "func_callerid.so",
    "CHANNEL": "func_channel.so",
    "CONNECTEDLINE": "func_callerid.so",
    "DIALPLAN_EXISTS": "func_dialplan.so",
    "IF": "func_logic.so",
    "QUEUE_EXISTS": "app_queue.so",
    "FILTER": "func_strings.so",
    "TIMEOUT": "func_timeout.so",
}
"""Where Asterisk 22 keeps what the dialplan and the flows use."""


def used_in_dialplan() -> set[str]:
    """Words before a parenthesis in what is executed; comments and expressions left out."""
    lines = re.findall(r"^(?:exten =>[^,]*,1,| same => n,)(.*)$", (TEMPLATES / "extensions.conf.j2").read_text(), re.M)
    return {word for line in lines for word in re.findall(r"([A-Za-z_]+)\(", line)}


def used_over_agi() -> set[str]:
    sources = [path.read_text() for folder in ("ivr", "desk") for path in (ROOT / "callcenter" / folder).rglob("*.py")]
    applications = {word for source in sources for word in re.findall(r'\.execute\("(\w+)"', source)}
    functions = {word for source in sources for word in re.findall(r'"([A-Z]+)\(\w+\)"', source)}
    return applications | functions


def test_the_search_for_what_is_used_finds_it() -> None:
    assert {"AGI", "Queue", "ExecIf", "Playback", "FILTER", "TIMEOUT", "Set", "Hangup"} <= used_in_dialplan()
    assert {"CELGenUserEvent", "MixMonitor", "TIMEOUT"} <= used_over_agi()


def test_every_application_and_function_has_its_module() -> None:
    """A missing module drops the caller at that line; it happened."""
    used = used_in_dialplan() | used_over_agi()
    assert used <= set(NEEDED), "say which module has it"
    assert {word: NEEDED[word] for word in used if NEEDED[word] not in {*MODULES, "core"}} == {}


def test_no_module_is_listed_twice_and_all_are_loaded(settings: Settings) -> None:
    assert len(set(MODULES)) == len(MODULES)
    loaded = re.findall(r"^load = (\S+)$", rendered(settings)["modules.conf"], re.M)
    assert tuple(loaded) == MODULES


@pytest.mark.parametrize(
    ("changed", "modules"),
    [
        ([], []),
        (["extensions.conf", "pjsip.conf"], []),
        (["modules.conf", "asterisk.conf", "indications.conf"], []),
        (["manager.conf", "queues.conf", "logger.conf", "cel.conf"], ["manager", "logger", "cel"]),
    ],
)
def test_who_reads_a_changed_file_again(changed: list[str], modules: list[str]) -> None:
    """What the database feeds always: a crash between writing and reloading leaves no trace in the files."""
    assert reload_modules(changed) == ["res_pjsip.so", "app_queue.so", "pbx_config.so", *modules]


def test_what_is_reloaded_is_loaded_and_rendered(settings: Settings) -> None:
    files = rendered(settings)
    modules = reload_modules(files)
    assert {module for module in modules if module.endswith(".so")} <= set(MODULES)


# -- files


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    etc = tmp_path / "pbx1" / "etc"
    assert write_configuration(etc, {"b.conf": "2", "a.conf": "1"}) == ["a.conf", "b.conf"]
    before = (etc / "a.conf").stat()
    assert write_configuration(etc, {"a.conf": "1", "b.conf": "3"}) == ["b.conf"]
    after = (etc / "a.conf").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert write_configuration(etc, {"a.conf": "1", "b.conf": "3"}) == []
    assert sorted(path.name for path in etc.iterdir()) == ["a.conf", "b.conf"]


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """Also when the umask is generous and the old file was."""
    (tmp_path / "a.conf").write_text("old")
    (tmp_path / "a.conf").chmod(0o644)
    before = os.umask(0)
    try:
        write_configuration(tmp_path, {"a.conf": "new", "b.conf": "1"})
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_reader_sees_a_file_whole_or_not_at_all(tmp_path: Path) -> None:
    """Asterisk may read at any moment; two may write, engine and command line."""
    contents = [letter * 500_000 for letter in "ab"]
    write_configuration(tmp_path, {"a.conf": contents[0]})
    writers = [
        threading.Thread(target=lambda: [write_configuration(tmp_path, {"a.conf": c}) for c in contents * 20])
        for _ in range(2)
    ]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add((tmp_path / "a.conf").read_text())
    assert seen <= set(contents)
    assert [path.name for path in tmp_path.iterdir()] == ["a.conf"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_configuration(tmp_path, {"a.conf": "old"})
    with pytest.raises(UnicodeEncodeError):
        write_configuration(tmp_path, {"a.conf": "\udcff"})
    assert (tmp_path / "a.conf").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.conf"]
