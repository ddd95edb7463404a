"""Settings of one process, read once at start from ``CALLCENTER_*`` environment variables.

Every default is the demo's: one machine, loopback only. docs/configuration table: README.md.
Secrets are not here: see :mod:`callcenter.core.secrets`.
"""

from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from callcenter.core.shipped import shipped_dir

_OWN_MACHINE = {("http", "127.0.0.1"), ("http", "::1"), ("http", "localhost")}


class Settings(BaseSettings):
    """What one installation may differ in. Names carry their unit; paths are absolute after loading."""

    model_config = SettingsConfigDict(env_prefix="CALLCENTER_", extra="ignore")

    # -- where things lie
    state_dir: Path = Path("~/.local/state/callcenter")
    """Database files, PBX directory, secrets and recordings of this installation."""
    cache_dir: Path = Path("~/.cache/callcenter")
    """What can be fetched again: the Asterisk root file system, database binaries."""

    # -- database
    database_url: str | None = None
    """``postgresql+asyncpg://user:password@host/name``; None: the embedded PostgreSQL in ``state_dir``."""
    database_pool_size: int = Field(default=10, ge=1)

    # -- hospital
    country: str = "CN"
    """ISO 3166 region in which a number without country code is read."""
    area_code: str = ""
    """Trunk prefix and area code (e.g. ``0571``) put before a local number of seven or eight digits."""
    time_zone: str = "Asia/Shanghai"
    """IANA name of the clock on the hospital's wall: opening hours and holidays are by it."""

    # -- service
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8000, ge=1, le=65535)
    fastagi_host: str = "127.0.0.1"
    fastagi_port: int = Field(default=4573, ge=1, le=65535)
    fastagi_shared: bool = False
    """Several ivr processes of this machine listen on that port: calls are spread over them, and when one ends the
    others answer.
    """
    drain_seconds: float = Field(default=30.0, ge=0)
    """After SIGTERM: how long running flows may go on before the process ends."""
    session_hours: float = Field(default=12.0, gt=0)
    allowed_origins: tuple[str, ...] = ()
    """Other web sites whose pages may open an agent's socket (a hospital's CRM), e.g. ``["https://crm.example"]``."""
    flows_dir: Path = shipped_dir("ivr_flows")
    prompts_dir: Path = shipped_dir("prompts")
    asterisk_conf_dir: Path = shipped_dir("asterisk_conf")

    # -- PBX
    pbx_name: str = Field(default="pbx1", pattern=r"^[a-z][a-z0-9]{0,15}$")
    """Asterisk's ``systemname``: the prefix of every uniqueid, so two PBXs never collide."""
    sip_host: str = "127.0.0.1"
    sip_port: int = Field(default=5060, ge=1, le=65535)
    rtp_port_first: int = Field(default=10000, ge=1024, le=65000)
    rtp_port_last: int = Field(default=19999, ge=1025, le=65535)
    rtp_timeout_seconds: int = Field(default=60, ge=5)
    """A leg that sends no RTP for this long is hung up (a phone that died without BYE)."""
    trunk_host: str = "127.0.0.1"
    trunk_port: int = Field(default=5090, ge=1, le=65535)
    """Where calls out go."""
    trunk_match: str = "127.0.0.1"
    """Source address (or CIDR) whose unregistered calls are the telephone network."""
    trunk_watch_seconds: int = Field(default=15, ge=0, le=3600)
    """How often the trunk is asked whether it is there (SIP OPTIONS; any answer will do); 0: never."""
    pbx_http_port: int = Field(default=8088, ge=1, le=65535)
    """Where Asterisk takes WebSockets of browser phones, on loopback; closed while there is no browser seat."""
    phone_socket_url: str | None = None
    """Where browsers find that: ``wss://...`` of the reverse proxy. None: ``ws://127.0.0.1:<pbx_http_port>/ws``."""
    phone_stun_url: str | None = None
    """``stun:host:port`` for browser phones; None where they reach Asterisk directly."""
    phone_turn_url: str | None = None
    """``turn:host:port`` or ``turns:...``; needs the secret ``phone_turn_secret``."""
    trunk_channels: int = Field(default=0, ge=0)
    """Channels that the telephone network gives, shown beside those in use; 0: not told."""
    ami_host: str = "127.0.0.1"
    ami_port: int = Field(default=5038, ge=1, le=65535)
    recording_retention_days: int = Field(default=180, ge=1)
    """Recordings older than this are deleted."""
    recording_disk_free_megabytes: int = Field(default=1024, ge=0)
    """With less room on the disk of the recordings, nothing new is recorded."""
    ledger_retention_days: int = Field(default=30, ge=1)
    """Raw ledger lines in the database and rotated ledger files older than this are deleted."""
    call_retention_days: int = Field(default=1825, ge=1)
    """Calls with their legs, queue visits and steps, by whole months (callcenter.retention)."""
    audit_retention_days: int = Field(default=1825, ge=1)
    alarm_retention_days: int = Field(default=365, ge=1)
    """After they were acknowledged."""
    callback_retention_days: int = Field(default=365, ge=1)
    campaign_retention_days: int = Field(default=1095, ge=60)
    """Contacts who are finished, with their attempts, answers and decisions; the governor looks back 30 days."""
    """After they ended."""
    command_retention_days: int = Field(default=30, ge=1)
    """What Asterisk was told, after it was done."""

    # -- check codes: how many may be wrong before no more are taken (docs/decisions/0020-guesses-take-a-place-first.md)
    check_code_limit_card: int = Field(default=5, ge=1)
    """Of one card."""
    check_code_limit_caller: int = Field(default=10, ge=1)
    """From one caller's number; a family's, or a forged one."""
    check_code_limit_trunk: int = Field(default=100, ge=1)
    check_code_limit_line: int = Field(default=300, ge=1)
    """Over all trunks together."""
    check_code_window_minutes: int = Field(default=15, ge=1)
    """Within which they are counted, and for how long a lock holds after the last of them."""

    # -- speech (docs/prompts.md)
    speech_provider: Literal["espeak-ng", "kokoro", "http"] = "espeak-ng"
    """Who speaks the texts that staff change."""
    speech_voices_dir: Path | None = None
    """Folder of Kokoro's voices; needed for ``kokoro``."""
    speech_http_url: str | None = None
    """Address of the hospital's own speech service; needed for ``http``."""
    speech_http_voice_zh: str = ""
    speech_http_voice_en: str = ""
    speech_timeout_seconds: float = Field(default=120.0, gt=0)
    """How long a text may take to be spoken, beside a quarter of a second for each character."""

    # -- what is told outside (docs/operations.md, "Who is told")
    mail_host: str | None = None
    """The hospital's mail server; None: no mail is sent."""
    mail_port: int = Field(default=587, ge=1, le=65535)
    mail_tls: Literal["starttls", "tls", "none"] = "starttls"
    mail_user: str = ""
    """Log-in at the mail server; empty: none."""
    mail_from: str = ""
    """Sender's address of what the service writes."""
    mail_imap_host: str | None = None
    """Where the mailbox of ``mail_from`` is read for delivery reports, by TLS, with ``mail_user``; None: nowhere."""
    mail_imap_port: int = Field(default=993, ge=1, le=65535)
    webhook_hosts: str = ""
    """Hosts that webhooks may go to, separated by commas; empty: none."""
    webhook_networks: str = ""
    """Private networks (CIDR, separated by commas) in which these hosts may lie; empty: public addresses only."""

    sms_gateway_url: str | None = None
    """Where text messages are handed over (docs/operations.md); None: none are sent. Needs ``sms_gateway_key``."""
    sms_sender: str = Field(default="", max_length=40)
    """Name or number that the gateway is asked to show."""

    # -- logs
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, OSError) as error:  # OSError: the name of a folder of zones
            raise ValueError("no IANA time zone, for example Asia/Shanghai") from error
        return value

    @field_validator("webhook_networks")
    @classmethod
    def _known_networks(cls, value: str) -> str:
        for part in filter(None, map(str.strip, value.split(","))):
            ip_network(part)
        return value

    @field_validator("sms_gateway_url")
    @classmethod
    def _nobody_reads_along(cls, value: str | None) -> str | None:
        """What goes there is about patients: in the open only within this machine."""
        if not value:
            return None
        parts = urlsplit(value)
        if not parts.hostname or parts.username or parts.password or parts.fragment:
            raise ValueError("no plain address")
        if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _OWN_MACHINE:
            raise ValueError("https only; http for a gateway on this machine")
        return value

    def model_post_init(self, _context: object) -> None:
        for name in ("state_dir", "cache_dir", "flows_dir", "prompts_dir", "asterisk_conf_dir"):
            setattr(self, name, getattr(self, name).expanduser().resolve())

    @property
    def pbx_dir(self) -> Path:
        """Everything of the local Asterisk: etc/, log/, run/, lib/, spool/, recordings/."""
        return self.state_dir / self.pbx_name

    @property
    def secrets_dir(self) -> Path:
        return self.state_dir / "secrets"

    @property
    def ledger_file(self) -> Path:
        """Asterisk's channel events, one JSON object a line."""
        return self.pbx_dir / "log" / "cel-custom" / "ledger.jsonl"

    @property
    def queue_log_file(self) -> Path:
        return self.pbx_dir / "log" / "queue_log"

    @property
    def recordings_dir(self) -> Path:
        return self.pbx_dir / "recordings"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The process's settings. Tests build their own ``Settings(...)`` and pass it on."""
    return Settings()
