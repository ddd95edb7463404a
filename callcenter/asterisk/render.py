"""Asterisk's configuration: templates of ``asterisk_conf/`` plus what the database says, to files.

Pure up to :func:`write_configuration`. Who reads the database lies above (queues.service); who tells a running
Asterisk to read again is :func:`reload_modules`' caller.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from callcenter.asterisk import variables
from callcenter.asterisk.events import SUBSCRIBED
from callcenter.asterisk.install import AsteriskInstall, find_asterisk
from callcenter.asterisk.local_pbx import run_dir
from callcenter.asterisk.queue_names import is_ours_alone, personal_queue, shadow_queue
from callcenter.core.config import Settings
from callcenter.core.errors import InvalidInput, SetupError
from callcenter.core.secrets import get_secret

# for fullmatch(): with match(), "$" would also accept a line end
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_KEYS = re.compile(r"[0-9]{0,10}")
_PROMPT = re.compile(r"[a-z][a-z0-9_]{0,39}")
_AGENT_NUMBER = re.compile(r"[0-9]{2,10}")
_DID = re.compile(r"[0-9]{2,20}")
_PASSWORD = re.compile(r"[A-Za-z0-9_-]{20,80}")
_AMI_SECRET = re.compile(r"[A-Za-z0-9_.+/=-]{16,80}")
RESERVED_QUEUES = frozenset({"general", "default-queue", "personal-queue"})
"""Sections that queues.conf has already: a queue of that name would change what holds for all."""
RESERVED_SEATS = frozenset(
    {
        "browser-aor",
        "browser-seat",
        "global",
        "seat",
        "seat-aor",
        "seat-auth",
        "transport-udp",
        "transport-ws",
        "trunk",
        "trunk-watch",
    }
)
"""Sections that pjsip.conf has already: a seat of that name would change the trunk or every seat."""
_STRATEGIES = frozenset(
    {"ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear", "wrandom"}
)

MODULES = (
    "res_timing_timerfd.so",
    "res_sorcery_config.so",
    "res_sorcery_memory.so",
    "res_sorcery_astdb.so",
    "res_pjproject.so",
    "res_http_websocket.so",
    "res_srtp.so",
    "res_pjsip.so",
    "res_pjsip_session.so",
    "res_pjsip_authenticator_digest.so",
    "res_pjsip_caller_id.so",
    "res_pjsip_dtmf_info.so",
    "res_pjsip_endpoint_identifier_ip.so",
    "res_pjsip_endpoint_identifier_user.so",
    "res_pjsip_header_funcs.so",
    "res_pjsip_nat.so",
    "res_pjsip_pubsub.so",
    "res_pjsip_refer.so",
    "res_pjsip_registrar.so",
    "res_pjsip_rfc3326.so",
    "res_pjsip_sdp_rtp.so",
    "res_pjsip_transport_websocket.so",
    "res_pjsip_outbound_authenticator_digest.so",
    "res_rtp_asterisk.so",
    "res_musiconhold.so",
    "res_mutestream.so",
    "res_speech.so",
    "res_agi.so",
    "bridge_builtin_features.so",
    "bridge_builtin_interval_features.so",
    "bridge_holding.so",
    "bridge_native_rtp.so",
    "bridge_simple.so",
    "bridge_softmix.so",
    "chan_pjsip.so",
    "codec_alaw.so",
    "codec_resample.so",
    "codec_ulaw.so",
    "format_pcm.so",
    "format_sln.so",
    "format_wav.so",
    "func_callerid.so",
    "func_channel.so",
    "func_devstate.so",
    "func_dialplan.so",
    "func_logic.so",
    "func_strings.so",
    "func_timeout.so",
    "app_amd.so",
    "app_cdr.so",
    "app_celgenuserevent.so",
    "app_chanspy.so",
    "app_controlplayback.so",
    "app_dial.so",
    "app_exec.so",
    "app_mixmonitor.so",
    "app_playback.so",
    "app_queue.so",
    "app_senddtmf.so",
    "app_stack.so",
    "app_userevent.so",
    "app_verbose.so",
    "app_waitforsilence.so",
    "res_cdrel_custom.so",
    "cel_custom.so",
    "pbx_config.so",
)

_RELOAD = {
    "pjsip.conf": "res_pjsip.so",
    "queues.conf": "app_queue.so",
    "extensions.conf": "pbx_config.so",
    "extensions_agents.conf": "pbx_config.so",
    "extensions_callbacks.conf": "pbx_config.so",
    "extensions_campaigns.conf": "pbx_config.so",
    "extensions_recording.conf": "pbx_config.so",
    "extensions_supervisors.conf": "pbx_config.so",
    "cel.conf": "cel",
    "cel_custom.conf": "cel_custom.so",
    "manager.conf": "manager",
    "logger.conf": "logger",
    "musiconhold.conf": "res_musiconhold.so",
    "rtp.conf": "res_rtp_asterisk.so",
    "http.conf": "http",
}
"""Which module reads which file again without dropping calls; what is not listed needs a restart."""


_FED_BY_DATABASE = ("pjsip.conf", "queues.conf", "extensions.conf")


@dataclass(frozen=True, slots=True)
class DidConf:
    number: str
    fallback_queue: str
    language: str


@dataclass(frozen=True, slots=True)
class QueueConf:
    name: str
    strategy: str
    ring_seconds: int
    retry_seconds: int
    wrap_up_seconds: int
    capacity: int
    service_level_seconds: int
    announce_position: bool
    announce_every_seconds: int
    announce_wait: bool
    comfort_prompts: tuple[str, ...]
    comfort_every_seconds: int
    exit_keys: str
    without: tuple[str, ...] = ()
    """Agents' numbers: for each a shadow queue that lacks this agent (queue_names)."""


@dataclass(frozen=True, slots=True)
class PersonalQueueConf:
    """An agent's personal queue (queue_names)."""

    agent_number: str
    wrap_up_seconds: int


@dataclass(frozen=True, slots=True)
class SeatConf:
    """``in_browser``: a page registers there by WebSocket, with an account that is not in a file."""

    name: str
    sip_password: str
    in_browser: bool = False


@dataclass(frozen=True, slots=True)
class PbxConfiguration:
    """What the database contributes. Every name is checked before it reaches a file."""

    dids: tuple[DidConf, ...]
    queues: tuple[QueueConf, ...]
    seats: tuple[SeatConf, ...]
    personal_queues: tuple[PersonalQueueConf, ...] = ()

    def check(self) -> None:
        """Raises InvalidInput for a value that could break out of its line in a configuration file."""
        queues = {queue.name for queue in self.queues}
        for did in self.dids:
            _require(_DID.fullmatch(did.number), "DID", did.number)
            _require(did.fallback_queue in queues, "fallback queue", did.fallback_queue)
            _require(did.language in ("zh", "en"), "language", did.language)
        for queue in self.queues:
            _require(_NAME.fullmatch(queue.name), "queue name", queue.name)
            _require(queue.name not in RESERVED_QUEUES, "queue name", queue.name)
            _require(not is_ours_alone(queue.name), "queue name", queue.name)
            _require(queue.strategy in _STRATEGIES, "strategy", queue.strategy)
            _require(_KEYS.fullmatch(queue.exit_keys), "exit keys", queue.exit_keys)
            for prompt in queue.comfort_prompts:
                _require(_PROMPT.fullmatch(prompt), "comfort prompt", prompt)
            for number in queue.without:
                _require(_AGENT_NUMBER.fullmatch(number), "agent number", number)
        for personal in self.personal_queues:
            _require(_AGENT_NUMBER.fullmatch(personal.agent_number), "agent number", personal.agent_number)
        for seat in self.seats:
            _require(_NAME.fullmatch(seat.name), "seat name", seat.name)
            _require(seat.name not in RESERVED_SEATS, "seat name", seat.name)
            _require(_PASSWORD.fullmatch(seat.sip_password), "password of seat", seat.name)


def _require(ok: object, what: str, value: str) -> None:
    if not ok:
        raise InvalidInput(f"{what} {value!r} cannot stand in the PBX configuration.", field=what)


def render(settings: Settings, configuration: PbxConfiguration, install: AsteriskInstall) -> dict[str, str]:
    """File name -> content of the whole of Asterisk's ``etc``.

    Raises InvalidInput (see PbxConfiguration.check); SetupError for a secret of ours or a template that will not do.
    """
    configuration.check()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(settings.asterisk_conf_dir),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - configuration files, not HTML; values are checked above
    )
    values = {
        **settings.model_dump(),
        "dir": settings.pbx_dir,
        "run_dir": run_dir(settings),
        "modules_dir": install.modules_dir,
        "music_dir": install.music_dir,
        "modules": MODULES,
        "ami_events": SUBSCRIBED,
        "ami_events_secret": _ami_secret(settings, "ami_events_secret"),
        "ami_commands_secret": _ami_secret(settings, "ami_commands_secret"),
        "told": variables.TOLD,
        "dids": configuration.dids,
        "queues": configuration.queues,
        "personal_queues": configuration.personal_queues,
        "personal_queue": personal_queue,
        "shadow_queue": shadow_queue,
        "seats": [seat for seat in configuration.seats if not seat.in_browser],
        "browser_seats": [seat for seat in configuration.seats if seat.in_browser],
    }
    return {
        template.removesuffix(".j2"): _render_one(environment, template, values)
        for template in environment.list_templates(extensions=["j2"])
    }


def _render_one(environment: jinja2.Environment, template: str, values: Mapping[str, object]) -> str:
    try:
        return environment.get_template(template).render(values)
    except jinja2.TemplateError as error:  # hospitals edit them
        raise SetupError(f"asterisk_conf/{template} cannot be rendered: {error}") from error


def _ami_secret(settings: Settings, name: str) -> str:
    secret = get_secret(settings, name)
    if not _AMI_SECRET.fullmatch(secret):  # Asterisk would read it up to its ";" and let nobody in
        raise SetupError(f"CALLCENTER_{name.upper()} must be 16 to 80 letters, digits or _.+/=-")
    return secret


def write_pbx_configuration(settings: Settings, configuration: PbxConfiguration) -> list[str]:
    """Render for the Asterisk of this machine and write what differs; returns the changed files' names. Blocking.

    Raises SetupError when there is no Asterisk here, InvalidInput as :func:`render`.
    """
    install = find_asterisk(settings)
    if install is None:
        raise SetupError("There is no Asterisk 22.9 or newer here: run `make setup-pbx`.")
    return write_configuration(settings.pbx_dir / "etc", render(settings, configuration, install))


def write_configuration(directory: Path, files: Mapping[str, str]) -> list[str]:
    """Write what differs, each file whole or not at all, readable by its owner only; returns the changed names."""
    directory.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, content in sorted(files.items()):
        path = directory / name
        if path.exists() and path.read_text() == content:
            continue
        draft = path.with_name(f".{name}.{secrets.token_hex(4)}")  # engine and command line may render together
        draft.touch(mode=0o600, exist_ok=False)
        try:
            draft.write_text(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        changed.append(name)
    return changed


def reload_modules(changed: Iterable[str]) -> list[str]:
    """The modules that must read again after these files changed. A file that needs a restart yields nothing.

    What the database feeds is read again in any case: whoever wrote it before may have died before saying so.
    """
    names = dict.fromkeys([*_FED_BY_DATABASE, *changed])
    return list(dict.fromkeys(_RELOAD[name] for name in names if name in _RELOAD))
