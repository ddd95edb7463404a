"""The keys of recordings, from the installation's secrets."""

from callcenter.core.config import Settings
from callcenter.core.sealed_files import KeyRing
from callcenter.core.secrets import find_secret, get_secret


def recording_keys(settings: Settings) -> KeyRing:
    """The present key, made on first use, and earlier ones. Raises SetupError as get_secret does."""
    before = find_secret(settings, "recording_keys_before") or ""
    return KeyRing(get_secret(settings, "recording_key"), before.split())
