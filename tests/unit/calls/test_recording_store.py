"""What is kept of a recording: a WAV with the caller left, sealed, with its checksum and the peaks of a picture."""

import errno
import hashlib
import os
import wave
from array import array
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls.recording_store import PeakFinder, StoredFacts, fewer_points, open_stored, store, stored_path
from callcenter.core.sealed_files import KeyRing
from tests.support.sounds import RATE_HZ, speech
from tests.support.sounds import write_wav as write

KEYS = KeyRing("a key of this test")
ID = 1234


def conversation(path: Path, first: int, second: int, seconds: float = 1.0, rest: bytes = b"") -> Path:
    """As MixMonitor writes both sides: one of loudness ``first``, one of ``second``."""
    path.write_bytes(array("h", [first, second] * int(RATE_HZ * seconds)).tobytes() + rest)
    return path


def kept(folder: Path, source: Path, *, swap_sides: bool = False) -> tuple[StoredFacts, bytes]:
    facts = store(folder, ID, source, KEYS, swap_sides=swap_sides)
    with open_stored(folder, ID, KEYS) as file:
        return facts, b"".join(file.read(0, file.length))


def sides(content: bytes) -> tuple[set[int], set[int]]:
    with wave.open(BytesIO(content)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (2, 2, 8000)
        samples = array("h", wav.readframes(wav.getnframes()))
    return set(samples[0::2]), set(samples[1::2])


@pytest.mark.parametrize(("swap", "left", "right"), [(False, 700, -3), (True, -3, 700)])
def test_left_and_right(tmp_path: Path, swap: bool, left: int, right: int) -> None:
    facts, content = kept(tmp_path, conversation(tmp_path / "a.raw", 700, -3), swap_sides=swap)
    assert sides(content) == ({left}, {right})
    assert (facts.channels, facts.wav_bytes, facts.is_cut) == (2, 44 + 4 * RATE_HZ, False)
    assert facts.sha256 == hashlib.sha256(content).hexdigest()
    assert stored_path(tmp_path, ID).relative_to(tmp_path).as_posix() == "stored/000001/1234.sealed"


@pytest.mark.parametrize("rest", [b"a", b"ab", b"abc"])
def test_a_raw_file_that_ends_within_a_sample_is_cut(tmp_path: Path, rest: bytes) -> None:
    facts, content = kept(tmp_path, conversation(tmp_path / "a.raw", 1, 2, rest=rest))
    assert facts.is_cut
    assert sides(content) == ({1}, {2})


def test_a_wav_of_one_side_stays_as_it_was(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", speech(2))
    facts, content = kept(tmp_path, source, swap_sides=True)
    assert content == source.read_bytes()
    assert (facts.channels, len(facts.peaks)) == (1, 200)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all"])
def test_what_is_no_sound_is_kept_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    facts, stored = kept(tmp_path, tmp_path / "a.wav")
    assert (facts.wav_bytes, facts.peaks, len(stored)) == (44, b"", 44)


def test_storing_again_comes_to_the_same_and_leaves_nothing_behind(tmp_path: Path) -> None:
    source = conversation(tmp_path / "a.raw", 5, 6)
    folder = stored_path(tmp_path, ID).parent
    folder.mkdir(parents=True)
    (folder / f".{ID}.0badcafe").write_bytes(b"of a process that was killed")
    assert kept(tmp_path, source) == kept(tmp_path, source)
    assert [path.name for path in folder.iterdir()] == [f"{ID}.sealed"]
    assert stored_path(tmp_path, ID).stat().st_mode & 0o777 & ~0o640 == 0


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = conversation(tmp_path / "a.raw", 5, 6)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store(tmp_path, ID, source, KEYS, swap_sides=False)
    assert list(stored_path(tmp_path, ID).parent.iterdir()) == []
    assert source.exists()


class TestPeaks:
    @pytest.mark.parametrize(
        ("seconds", "points"), [(0.01, 80), (1, 200), (20, 200), (60, 600), (200, 2000), (400, 2000)]
    )
    def test_how_many(self, seconds: float, points: int) -> None:
        assert len(PeakFinder(int(seconds * RATE_HZ), 1).peaks()) == points

    def test_where_it_is_loud(self) -> None:
        finder = PeakFinder(2 * RATE_HZ, 2)
        finder.add(array("h", [0, 0] * RATE_HZ))
        finder.add(array("h", [32767, -16384] * RATE_HZ))
        peaks = finder.peaks()
        left, right = peaks[:200], peaks[200:]
        assert (set(left[:100]), set(left[100:])) == ({0}, {255})
        assert (set(right[:100]), set(right[100:])) == ({0}, {128})

    @given(
        frames=st.integers(1, 30_000),
        channels=st.integers(1, 2),
        block=st.integers(1, 9_000),
        level=st.integers(1, 255),
    )
    def test_every_stretch_has_its_peak_however_it_comes(
        self, frames: int, channels: int, block: int, level: int
    ) -> None:
        finder = PeakFinder(frames, channels)
        left = frames
        while left:
            now = min(left, block)
            finder.add(array("h", [-(level << 7)] * now * channels))
            left -= now
        assert set(finder.peaks()) == {level}

    def test_fewer(self) -> None:
        assert fewer_points(bytes([1, 9, 2, 3, 8, 0]), 3) == bytes([9, 3, 8])
        assert fewer_points(bytes([1, 2]), 200) == bytes([1, 2])
        assert fewer_points(b"", 200) == b""
