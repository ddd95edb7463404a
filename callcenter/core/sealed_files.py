"""Files encrypted at rest: AES-256-GCM in chunks, so that any part can be read without the rest.

Each file has a key of its own, derived from one of the installation's keys and a random salt; the file's header names
which. Header, length and what the file belongs to are part of what each chunk authenticates: a chunk that is changed,
moved, missing or of another file is not read. Blocking: run in a thread.
"""

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from callcenter.core.errors import Unavailable

CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
_HEADER = struct.Struct(">8s8s16sQ")
"""Magic, key id, salt, length of what is sealed."""
_MAGIC = b"CCSEAL1\n"


class SealedFileUnreadable(Unavailable):
    """``reason``: ``no_key``, ``damaged``."""

    code = "sealed-file-unreadable"
    title_en, title_zh = "The stored file cannot be decrypted.", "存储的文件无法解密。"


class KeyRing:
    """The keys that open files: ``current`` seals new ones, those ``before`` only open. Each is a long random text."""

    def __init__(self, current: str, before: Iterable[str] = ()) -> None:
        self.current_id = key_id_of(current)
        self._secrets = {key_id_of(secret): secret for secret in (*before, current)}

    def file_key(self, key_id: str, salt: bytes) -> bytes:
        """Raises SealedFileUnreadable for a key that is not on the ring."""
        secret = self._secrets.get(key_id)
        if secret is None:
            raise SealedFileUnreadable(reason="no_key", key_id=key_id)
        return HKDF(SHA256(), 32, salt, b"callcenter sealed file").derive(secret.encode())


def key_id_of(secret: str) -> str:
    """Names a key without telling it: 16 hexadecimal digits."""
    return hashlib.sha256(b"callcenter key id:" + secret.encode()).hexdigest()[:16]


class SealingWriter:
    """Writes ``length`` bytes into ``file`` sealed. ``subject``: what it belongs to; needed again to read."""

    def __init__(self, file: BinaryIO, keys: KeyRing, *, subject: str, length: int) -> None:
        salt = os.urandom(16)
        header = _HEADER.pack(_MAGIC, bytes.fromhex(keys.current_id), salt, length)
        self._file = file
        self._cipher = AESGCM(keys.file_key(keys.current_id, salt))
        self._bound = header + subject.encode()
        self._left = length
        self._number = 0
        self._buffer = bytearray()
        file.write(header)

    def write(self, content: bytes) -> None:
        self._buffer += content
        while len(self._buffer) >= CHUNK_BYTES:
            self._seal(CHUNK_BYTES)

    def close(self) -> None:
        """Raises ValueError if it was not as much as was said."""
        if self._buffer:
            self._seal(len(self._buffer))
        if self._left:
            raise ValueError(f"{self._left} bytes are missing")

    def _seal(self, size: int) -> None:
        chunk = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._left -= size
        self._file.write(self._cipher.encrypt(_nonce(self._number), chunk, self._bound))
        self._number += 1


class SealedFile:
    """Reads what :class:`SealingWriter` wrote, from any place. ``with SealedFile(path, keys, subject=...) as file``.

    Raises FileNotFoundError, SealedFileUnreadable.
    """

    def __init__(self, path: Path, keys: KeyRing, *, subject: str) -> None:
        self._file = path.open("rb")
        try:
            header = self._file.read(_HEADER.size)
            if len(header) != _HEADER.size or not header.startswith(_MAGIC):
                raise SealedFileUnreadable(reason="damaged")
            _, key_id, salt, self.length = _HEADER.unpack(header)
            self.key_id: str = key_id.hex()
            self._cipher = AESGCM(keys.file_key(self.key_id, salt))
        except BaseException:
            self._file.close()
            raise
        self._bound = header + subject.encode()

    def __enter__(self) -> "SealedFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from ``start`` until before ``stop``, in pieces of at most a chunk."""
        while start < min(stop, self.length):
            number, skipped = divmod(start, CHUNK_BYTES)
            piece = self._chunk(number)[skipped : skipped + stop - start]
            start += len(piece)
            yield piece

    def _chunk(self, number: int) -> bytes:
        size = min(CHUNK_BYTES, self.length - number * CHUNK_BYTES)
        self._file.seek(_HEADER.size + number * (CHUNK_BYTES + _TAG_BYTES))
        sealed = self._file.read(size + _TAG_BYTES)
        try:
            return self._cipher.decrypt(_nonce(number), sealed, self._bound)
        except (InvalidTag, ValueError) as error:
            raise SealedFileUnreadable(reason="damaged") from error


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
