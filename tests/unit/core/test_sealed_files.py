"""Sealed files: every part can be read, nothing of a file that was changed, and old keys go on opening."""

import os
from pathlib import Path

import pytest

from callcenter.core.sealed_files import (
    CHUNK_BYTES,
    KeyRing,
    SealedFile,
    SealedFileUnreadable,
    SealingWriter,
    key_id_of,
)

KEYS = KeyRing("a key of this test")


def sealed(path: Path, content: bytes, keys: KeyRing = KEYS, subject: str = "recording 1", piece: int = 4000) -> Path:
    with path.open("wb") as file:
        writer = SealingWriter(file, keys, subject=subject, length=len(content))
        for start in range(0, len(content), piece):
            writer.write(content[start : start + piece])
        writer.close()
    return path


def opened(
    path: Path, keys: KeyRing = KEYS, subject: str = "recording 1", start: int = 0, stop: int = 1 << 40
) -> bytes:
    with SealedFile(path, keys, subject=subject) as file:
        return b"".join(file.read(start, stop))


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17])
def test_what_was_sealed_is_read(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = sealed(tmp_path / "a", content)
    assert opened(path) == content
    assert size < 16 or content[:16] not in path.read_bytes()


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 1), (10, 20), (CHUNK_BYTES - 1, CHUNK_BYTES + 1), (CHUNK_BYTES, 2 * CHUNK_BYTES), (150_000, 10**9), (7, 7)],
)
def test_any_part(tmp_path: Path, start: int, stop: int) -> None:
    content = os.urandom(200_000)
    assert opened(sealed(tmp_path / "a", content), start=start, stop=stop) == content[start:stop]


def test_two_files_of_the_same_have_nothing_in_common(tmp_path: Path) -> None:
    one, other = (sealed(tmp_path / name, bytes(1000)).read_bytes() for name in "ab")
    assert one[40:] != other[40:]


def test_rotation(tmp_path: Path) -> None:
    path = sealed(tmp_path / "a", b"said", KeyRing("old key"))
    rotated = KeyRing("new key", ["oldest key", "old key"])
    assert opened(path, rotated) == b"said"
    with SealedFile(sealed(tmp_path / "b", b"new", rotated), rotated, subject="recording 1") as file:
        assert file.key_id == rotated.current_id == key_id_of("new key")
    with pytest.raises(SealedFileUnreadable) as error:
        opened(path, KeyRing("new key"))
    assert error.value.details == {"reason": "no_key", "key_id": key_id_of("old key")}


@pytest.mark.parametrize("place", [0, 12, 20, 39, 41, 100_000, -1])
def test_a_changed_byte_is_seen(tmp_path: Path, place: int) -> None:
    path = sealed(tmp_path / "a", bytes(150_000))
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(SealedFileUnreadable):
        opened(path)


@pytest.mark.parametrize("kept", [0, 39, 40, 60, CHUNK_BYTES, CHUNK_BYTES + 60])
def test_a_cut_file_is_seen(tmp_path: Path, kept: int) -> None:
    path = sealed(tmp_path / "a", bytes(150_000))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SealedFileUnreadable):
        opened(path)


def test_the_file_of_another_recording_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(SealedFileUnreadable):
        opened(sealed(tmp_path / "a", b"said"), subject="recording 2")


def test_less_than_was_said_is_an_error(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        writer = SealingWriter(file, KEYS, subject="x", length=5)
        writer.write(b"1234")
        with pytest.raises(ValueError, match="1 bytes are missing"):
            writer.close()
