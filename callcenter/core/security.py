"""Hashes: people's passwords (slow, argon2), card check codes and PINs (keyed), tokens (plain digest)."""

import asyncio
import hashlib
import hmac
import secrets
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash

_PASSWORDS = PasswordHash.recommended()
_ARGON2 = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
"""argon2 takes 100 ms of a core and 64 MB: a burst of log-ins must not starve the calls."""


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_ARGON2, _PASSWORDS.hash, password)


async def verify_password(password: str, password_hash: str) -> bool:
    return await asyncio.get_running_loop().run_in_executor(_ARGON2, _PASSWORDS.verify, password, password_hash)


def keyed_code_hash(code: str, *, owner: str, key: str) -> bytes:
    """HMAC-SHA256 of a short code, bound to its owner (card number, agent number).

    Millions of six-digit codes can be guessed from any plain hash, however slow; the key lies outside the
    database, so a stolen table tells nothing.
    """
    return hmac.digest(key.encode(), f"{owner}\x00{code}".encode(), "sha256")


def codes_equal(left: bytes, right: bytes) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(left, right)


def new_token() -> str:
    """An unguessable bearer token (256 bits, URL-safe)."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> bytes:
    """What is stored of a token: enough to recognise it, useless to whoever reads the table."""
    return hashlib.sha256(token.encode()).digest()
