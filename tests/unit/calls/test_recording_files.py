"""What a recording holds, also one that Asterisk could not finish; and that no row leads out of the folder."""

import struct
from pathlib import Path

import pytest

from callcenter.calls.errors import RecordingFileMissing, RecordingsUnavailable
from callcenter.calls.recording_files import WavFacts, locate, measure
from callcenter.calls.recordings import MeasuredRecording
from tests.support.sounds import silence, speech
from tests.support.sounds import write_wav as wav


def test_length_and_sound(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", silence(1), speech(2), silence(0.5), speech(0.5), silence(1))
    found = measure(path, sound=True)
    assert (found.bytes, found.duration_seconds) == (44 + 80_000, 5.0)
    assert found.sound_seconds == pytest.approx(3.0)
    assert measure(path, sound=False).sound_seconds is None


def test_silence_has_no_sound(tmp_path: Path) -> None:
    assert measure(wav(tmp_path / "a.wav", silence(5)), sound=True).sound_seconds == 0.0


def test_an_unfinished_header_is_finished(tmp_path: Path) -> None:
    """Asterisk was killed: its header says nothing of what follows."""
    path = wav(tmp_path / "a.wav", speech(3), said_bytes=0)
    samples = path.read_bytes()[44:]
    assert measure(path, sound=True).duration_seconds == 3.0
    stored = path.read_bytes()
    assert (stored[4:8], stored[40:44]) == (struct.pack("<I", len(stored) - 8), struct.pack("<I", len(samples)))
    assert stored[44:] == samples


def test_a_whole_file_is_not_touched(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", speech(1))
    before = path.read_bytes()
    path.chmod(0o444)
    measure(path, sound=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"\0" * 100, b"RIFF\0\0\0\0WAVEdata\1\0\0\0ab"])
def test_what_is_no_sound_has_no_length(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert measure(path, sound=True) == WavFacts(len(content), 0.0, 0.0)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("facts", "is_empty"),
    [
        (WavFacts(16_044, 1.0, 0.0), True),  # five seconds of silence: Asterisk leaves one
        (WavFacts(80_044, 5.0, 0.0), True),  # hung up in silence
        (WavFacts(80_044, 5.0, 0.4), True),  # a click
        (WavFacts(80_044, 5.0, 0.6), False),
        (WavFacts(24_044, 1.5, 1.5), False),
        (WavFacts(80_044, 5.0, None), False),  # nobody listened
        (None, False),  # no file: somebody wanted something
    ],
)
def test_when_nothing_was_said(facts: WavFacts | None, is_empty: bool) -> None:
    assert MeasuredRecording("a.wav", "message", facts).is_empty is is_empty


class TestLocate:
    def test_inside(self, tmp_path: Path) -> None:
        (tmp_path / "20260105").mkdir()
        path = wav(tmp_path / "20260105" / "complaint-pbx1-1.2.wav", speech(1))
        assert locate(tmp_path, "20260105/complaint-pbx1-1.2.wav") == path

    @pytest.mark.parametrize("file", ["../secret.wav", "a/../../secret.wav", "", ".", "link.wav", "folder/secret.wav"])
    def test_never_outside(self, tmp_path: Path, file: str) -> None:
        wav(tmp_path / "secret.wav", speech(1))
        folder = tmp_path / "recordings"
        folder.mkdir()
        (folder / "link.wav").symlink_to(tmp_path / "secret.wav")
        (folder / "folder").symlink_to(tmp_path, target_is_directory=True)
        with pytest.raises(RecordingFileMissing):
            locate(folder, file)
        with pytest.raises(RecordingFileMissing):
            locate(folder, str(tmp_path / "secret.wav"))

    def test_a_folder_reached_by_a_link_is_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        (tmp_path / "recordings").symlink_to(tmp_path / "disk", target_is_directory=True)
        path = wav(tmp_path / "disk" / "message-pbx1-1.2-1.wav", speech(1))
        assert locate(tmp_path / "recordings", path.name) == path

    def test_without_the_disk(self, tmp_path: Path) -> None:
        with pytest.raises(RecordingsUnavailable):
            locate(tmp_path / "elsewhere", "a.wav")
