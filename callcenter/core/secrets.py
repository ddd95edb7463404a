"""Secrets of an installation: from the environment, or from files only their owner can read.

``CALLCENTER_<NAME>`` wins; otherwise ``<state_dir>/secrets/<name>`` (mode 0600), made with random content
on first use. They are never logged, never in the database, never in a URL.
"""

import os
import secrets
from pathlib import Path

from callcenter.core.config import Settings
from callcenter.core.errors import SetupError

NAMES = frozenset(
    {
        "check_code_key",  # HMAC key of card check codes and agent PINs: losing it voids all codes
        "recording_key",  # seals recordings: losing it loses them; to change it: docs/operations.md
        "recording_keys_before",  # earlier ones, in lines, which still open what they sealed; not made by itself
        "ami_events_secret",
        "ami_commands_secret",
        "mail_password",  # of the log-in at the hospital's mail server; not made by itself
        "webhook_key",  # signs what webhooks are sent: their receivers hold it too
        "sms_gateway_key",  # signs what the SMS gateway is told, and what it reports; not made by itself
        "phone_turn_secret",  # shared with the TURN server; not made by itself
        "speech_http_token",  # of the hospital's speech service; not made by itself
    }
)


def get_secret(settings: Settings, name: str) -> str:
    """The secret ``name`` (one of :data:`NAMES`), created if it does not exist.

    Raises SetupError when the file can be read by others than its owner, or is empty.
    """
    if name not in NAMES:
        raise KeyError(name)
    from_environment = os.environ.get(f"CALLCENTER_{name.upper()}")
    if from_environment:
        return from_environment
    path = settings.secrets_dir / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return _read(path)
    except FileNotFoundError:
        return _create(path)


def find_secret(settings: Settings, name: str) -> str | None:
    """A secret that somebody else gave out: None unless it was put there. Raises SetupError as get_secret does."""
    if name not in NAMES:
        raise KeyError(name)
    try:
        return os.environ.get(f"CALLCENTER_{name.upper()}") or _read(settings.secrets_dir / name)
    except FileNotFoundError:
        return None


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise SetupError(f"{path} can be read by others: run chmod 600 on it.")
    secret = path.read_text().strip()
    if not secret:
        raise SetupError(f"{path} is empty: put the secret back, or remove the file to have a new one made.")
    return secret


def _create(path: Path) -> str:
    """Write-then-link, so that two processes starting together agree on one secret."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        draft.write_text(secrets.token_urlsafe(32))
        os.link(draft, path)
    except FileExistsError:
        pass  # the other process was first: its secret counts
    finally:
        draft.unlink()
    return _read(path)
