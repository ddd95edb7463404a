"""The shipped prompts are complete and audible, and broken prompt files are refused where they are broken."""

import array
import itertools
import json
import math
import wave
from pathlib import Path

import pytest

from callcenter.core.config import Settings
from callcenter.core.errors import SetupError
from callcenter.ivr.prompt_rendering import render
from callcenter.ivr.prompts import (
    InvalidPrompts,
    MissingAudio,
    Prompt,
    PromptLibrary,
    UnknownPrompt,
    audio_name,
    load_prompts,
)
from callcenter.speech.audio import wav_seconds
from callcenter.speech.languages import LANGUAGES, Language
from callcenter.speech.providers import KokoroProvider, english_phonemes

PROMPTS_DIR = Path(__file__).parents[3] / "prompts"
SHIPPED = load_prompts(PROMPTS_DIR)

# What the flows, the dialplan and app_queue play; main/say.c for the numbers in `zh` and `en`.
NEEDED = [
    *["greeting", "greeting_known", "ask_check_code", "code_accepted", "code_refused", "main_menu", "information_menu"],
    *[
        "complaint_notice",
        "recording_notice",
        "expert_notice",
        "bill_notice",
    ],
    *[
        "invalid_key",
        "no_input",
        "transfer_to_agent",
        "all_busy",
        "goodbye",
        "language_changed",
        "agent_ask_number",
    ],
    *[
        "agent_ask_pin",
        "agent_logged_in",
        "agent_logged_out",
        "agent_available",
        "agent_paused",
        "agent_refused",
        "beep",
    ],
    *(f"digits/{number}" for number in [*range(20), *range(20, 100, 10)]),
    *(
        f"digits/{name}"
        for name in ["hundred", "thousand", "wan", "yi", "million", "billion", "minus", "star", "pound"]
    ),
    *[
        "queue-youarenext",
        "queue-thereare",
        "queue-callswaiting",
        "queue-quantity1",
        "queue-quantity2",
        "queue-holdtime",
    ],
    *["queue-minute", "queue-minutes", "queue-seconds", "queue-less-than", "queue-thankyou", "queue-reporthold"],
    "queue-periodic-announce",
]
EVERY_AUDIO = [pytest.param(prompt, language, id=audio_name(prompt, language))
               for prompt in SHIPPED for language in LANGUAGES]  # fmt: skip


def samples_of(path: Path) -> "tuple[wave._wave_params, array.array[int]]":
    with wave.open(str(path)) as wav:
        return wav.getparams(), array.array("h", wav.readframes(wav.getnframes()))


@pytest.mark.parametrize("prompt_id", NEEDED)
def test_every_needed_prompt_is_there(prompt_id: str) -> None:
    prompt = SHIPPED.get(prompt_id)
    assert prompt.tone or set(prompt.texts) == set(LANGUAGES)


def test_own_prompts_are_played_from_cc_and_asterisks_under_its_own_names() -> None:
    assert SHIPPED.sound("greeting") == "cc/greeting"
    assert SHIPPED.sound("digits/1") == "digits/1"


def test_the_default_settings_find_the_shipped_prompts() -> None:
    assert Settings().prompts_dir == PROMPTS_DIR


def test_shipped_audio_is_complete_current_and_nothing_else() -> None:
    assert SHIPPED.missing_audio() == []
    assert SHIPPED.stale_audio() == []
    audio_dir = PROMPTS_DIR / "audio"
    on_disk = {path.relative_to(audio_dir).as_posix() for path in audio_dir.rglob("*") if path.is_file()}
    known = {audio_name(prompt, language) for prompt in SHIPPED for language in LANGUAGES}
    assert on_disk == known
    assert set(json.loads((PROMPTS_DIR / "manifest.json").read_text())["audio"]) == known


def test_shipped_audio_stays_small() -> None:
    sizes = [path.stat().st_size for path in (PROMPTS_DIR / "audio").rglob("*.wav")]
    assert sum(sizes) < 25_000_000
    assert max(sizes) < 5_000_000


@pytest.mark.parametrize(("prompt", "language"), EVERY_AUDIO)
def test_shipped_audio_is_fit_for_the_telephone(prompt: Prompt, language: Language) -> None:
    params, samples = samples_of(SHIPPED.audio_path(prompt, language))
    assert (params.framerate, params.nchannels, params.sampwidth) == (8000, 1, 2)
    peak_decibel = 20 * math.log10(max(abs(sample) for sample in samples) / 32768)
    assert -3.5 < peak_decibel < -2.5
    assert params.nframes / params.framerate == pytest.approx(SHIPPED.duration_seconds(prompt.id, language), abs=0.001)
    loud = [index for index, sample in enumerate(samples) if abs(sample) > 400]
    assert loud[0] < 0.25 * 8000
    assert len(samples) - loud[-1] < 0.4 * 8000


@pytest.mark.parametrize("number", [*range(20), *range(20, 100, 10), "hundred", "thousand", "wan", "yi"])
def test_a_chinese_number_is_one_sound(number: int | str) -> None:
    # The voice once made three sounds of 十: two bursts with a hole between.
    _, samples = samples_of(SHIPPED.audio_path(SHIPPED.get(f"digits/{number}"), "zh"))
    loud = [index for index, sample in enumerate(samples) if abs(sample) > 400]
    longest_hole_seconds = max(later - sooner for sooner, later in itertools.pairwise(loud)) / 8000
    assert longest_hole_seconds < 0.13


@pytest.mark.parametrize("prompt", [pytest.param(prompt, id=prompt.id) for prompt in SHIPPED if not prompt.tone])
def test_texts_are_written_in_their_language(prompt: Prompt) -> None:
    assert any("\u4e00" <= character <= "\u9fff" for character in prompt.texts["zh"])
    assert prompt.texts["en"].isascii()


def test_an_unknown_prompt_is_refused() -> None:
    with pytest.raises(UnknownPrompt):
        SHIPPED.get("nonesuch")


# Broken files

GOOD_ASTERISK = "beep: {tone_hertz: 1000, tone_seconds: 0.2}\n"
GOOD_TEXTS = "greeting: {zh: 您好, en: Hello}\nbye:\n  zh: 再见\n  en: Goodbye\n"


def given_prompts(folder: Path, texts: str = GOOD_TEXTS, asterisk: str = GOOD_ASTERISK) -> Path:
    (folder / "texts.yaml").write_text(texts, "utf-8")
    (folder / "asterisk.yaml").write_text(asterisk, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("texts", "line", "problem"),
    [
        pytest.param(GOOD_TEXTS + "greeting: {zh: 喂, en: Hi}\n", 5, "twice", id="duplicate id"),
        pytest.param("bye:\n  zh: 再见\n  zh: 再会\n  en: Bye\n", 3, "twice", id="duplicate language"),
        pytest.param("bye:\n  zh: 再见\n", 2, "no text in 'en'", id="language missing"),
        pytest.param("bye:\n  zh: 再见\n  en: Bye\n  de: Hallo\n", 4, "no language", id="foreign language"),
        pytest.param("bye:\n  zh: 再见\n  en: 'on\n", 4, "unexpected end of stream", id="quote not closed"),
        pytest.param("bye:\n  zh: 1\n  en: Bye\n", 2, "quotes", id="a number"),
        pytest.param("bye:\n  zh: 再见\n  en: no\n", 3, "quotes", id="a boolean"),
        pytest.param("bye:\n  zh: 再见\n  en: ''\n", 3, "empty", id="empty text"),
        pytest.param("bye:\n  zh: 再见\n  en: '...'\n", 3, "empty", id="nothing but punctuation"),
        pytest.param("Bye: {zh: 再见, en: Bye}\n", 1, "no prompt id", id="capital letter"),
        pytest.param("../bye: {zh: 再见, en: Bye}\n", 1, "no prompt id", id="path in an id"),
        pytest.param("a: &x {zh: 你, en: x}\nb: *x\n", 2, "aliases", id="alias"),
        pytest.param("a:\n- zh\n", 2, "mapping", id="list"),
        pytest.param("a: {tone_hertz: 440}\n", 1, "tone", id="half a tone"),
        pytest.param("a: {tone_hertz: loud, tone_seconds: 1}\n", 1, "numbers", id="tone in words"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, texts: str, line: int, problem: str) -> None:
    with pytest.raises(InvalidPrompts) as caught:
        load_prompts(given_prompts(tmp_path, texts))
    assert caught.value.message.startswith(f"{tmp_path / 'texts.yaml'}:{line}: ")
    assert problem in caught.value.message


def test_an_id_taken_in_both_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPrompts, match=r"asterisk\.yaml:1: .*already taken"):
        load_prompts(given_prompts(tmp_path, "beep: {zh: 嘟, en: Beep}\n"))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"#" * 300_000], ids=["empty", "not utf-8", "too large"])
def test_an_unreadable_file_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    given_prompts(tmp_path)
    (tmp_path / "texts.yaml").write_bytes(content)
    with pytest.raises(InvalidPrompts, match=r"texts\.yaml"):
        load_prompts(tmp_path)


def test_an_absent_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidPrompts, match=r"texts\.yaml: cannot be read"):
        load_prompts(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"audio": {"zh/cc/bye.wav": {"voice": 1}}}'])
def test_a_broken_manifest_is_refused_by_name(tmp_path: Path, content: str) -> None:
    given_prompts(tmp_path)
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(InvalidPrompts, match=r"manifest\.json"):
        load_prompts(tmp_path)


# Rendering


class WhistleProvider:
    """A voice that whistles: quiet, at 22,050 Hz, stereo, with half a second of silence at both ends."""

    name = "whistle"

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.spoken: list[tuple[str, Language]] = []

    def voice(self, language: Language) -> str:
        return f"whistle-{language}"

    def speak(self, text: str, language: Language, wav_path: Path) -> None:
        self.spoken.append((text, language))
        silence = [0] * 22050
        whistle = [round(3000 * math.sin(index / 10)) for index in range(22050) for _ in range(2)]
        with wave.open(str(wav_path), "wb") as wav:
            wav.setparams((2, 2, 22050, 0, "NONE", ""))
            wav.writeframes(array.array("h", silence + whistle + silence).tobytes())


def rendered(folder: Path, provider: WhistleProvider) -> PromptLibrary:
    render(load_prompts(folder), provider)
    return load_prompts(folder)


def test_rendered_audio_is_telephone_audio(tmp_path: Path) -> None:
    library = rendered(given_prompts(tmp_path), WhistleProvider())
    assert library.missing_audio() == library.stale_audio() == []
    path = library.audio_path(library.get("bye"), "zh")
    params, samples = samples_of(path)
    assert (params.framerate, params.nchannels, params.sampwidth) == (8000, 1, 2)
    assert max(samples) == pytest.approx(32768 * 10 ** (-3 / 20), rel=0.02)
    assert wav_seconds(path) == pytest.approx(1.1, abs=0.05)  # one second of whistle and a little air
    assert library.duration_seconds("bye", "zh") == pytest.approx(wav_seconds(path), abs=0.001)


def test_only_what_changed_is_rendered_again(tmp_path: Path) -> None:
    rendered(given_prompts(tmp_path), WhistleProvider())
    library = load_prompts(given_prompts(tmp_path, GOOD_TEXTS.replace("Goodbye", "So long")))
    assert library.stale_audio() == ["en/cc/bye.wav"]
    library.audio_path(library.get("greeting"), "zh").unlink()
    assert library.missing_audio() == ["zh/cc/greeting.wav"]

    again, seen = WhistleProvider(), []
    written = render(library, again, progress=lambda done, total, name: seen.append((done, total, name)))
    assert again.spoken == [("您好", "zh"), ("So long", "en")]
    assert written == ["zh/cc/greeting.wav", "en/cc/bye.wav"]
    assert seen == [(1, 2, "zh/cc/greeting.wav"), (2, 2, "en/cc/bye.wav")]
    assert load_prompts(tmp_path).stale_audio() == []


def test_a_newer_voice_renders_everything_it_speaks_and_only_that(tmp_path: Path) -> None:
    library = rendered(given_prompts(tmp_path), WhistleProvider())
    assert render(library, WhistleProvider()) == []
    assert len(render(library, WhistleProvider(version="2"))) == 4  # two texts in two languages; the tone stays


def test_named_prompts_are_rendered_in_the_wanted_language_even_when_current(tmp_path: Path) -> None:
    library = rendered(given_prompts(tmp_path), WhistleProvider())
    assert render(library, WhistleProvider(), languages=["en"], only=["bye"]) == ["en/cc/bye.wav"]
    with pytest.raises(UnknownPrompt):
        render(library, WhistleProvider(), only=["nonesuch"])


def test_an_interrupted_run_keeps_what_is_done(tmp_path: Path) -> None:
    class TiredProvider(WhistleProvider):
        def speak(self, text: str, language: Language, wav_path: Path) -> None:
            if len(self.spoken) == 2:
                raise SetupError("out of breath")
            super().speak(text, language, wav_path)

    with pytest.raises(SetupError):
        render(load_prompts(given_prompts(tmp_path)), TiredProvider())
    library = load_prompts(tmp_path)
    assert library.stale_audio() == []
    assert library.missing_audio() == ["zh/cc/bye.wav", "en/cc/bye.wav", "zh/beep.wav", "en/beep.wav"]
    with pytest.raises(MissingAudio):
        library.duration_seconds("bye", "zh")


def test_without_the_speech_extra_or_a_voice_kokoro_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"callcenter\[speech\]|kokoro-js"):
        KokoroProvider(tmp_path)


def test_english_phonemes_keep_punctuation_and_use_kokoros_letters() -> None:
    assert english_phonemes("Goodbye, press 8.") == "ɡʊdbˈI, pɹˈɛs ˈAt."
