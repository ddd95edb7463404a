"""What can go wrong with what is spoken."""

from callcenter.core.errors import InvalidInput, NotFound, Unavailable


class InvalidSpokenText(InvalidInput):
    """``details`` name the slot, and the language where it is one text's fault."""

    code = "invalid-spoken-text"
    title_en, title_zh = "This text cannot be spoken.", "该文本无法朗读。"


class SpeechFailed(Unavailable):
    """An engine did not speak the text; the message says why, without the text."""

    code = "speech-failed"
    title_en, title_zh = "The speech engine did not speak the text.", "语音引擎未能朗读该文本。"


class SpokenTextNotFound(NotFound):
    code = "spoken-text-not-found"
    title_en, title_zh = "This slot has no text in this language.", "该位置没有这种语言的文本。"


class SpokenAudioNotFound(NotFound):
    code = "spoken-audio-not-found"
    title_en, title_zh = "There is no audio of it yet.", "尚无语音。"


class RecordingNotFound(NotFound):
    code = "recording-not-found"
    title_en, title_zh = "There is no recording in its place.", "没有自行上传的录音。"


class RecordingTooLarge(InvalidInput):
    status, code = 413, "recording-too-large"
    title_en, title_zh = "The recording is larger than 10 MB.", "录音文件超过 10 MB。"


class RecordingFormatUnknown(InvalidInput):
    code = "recording-format-unknown"
    title_en, title_zh = (
        "The file is no recording that can be read here: use WAV.",
        "无法识别该录音文件，请使用 WAV 格式。",
    )


class RecordingBroken(InvalidInput):
    code = "recording-broken"
    title_en, title_zh = "The recording is broken or cut off.", "录音文件已损坏或不完整。"


class RecordingTooLong(InvalidInput):
    code = "recording-too-long"
    title_en, title_zh = "The recording is longer than five minutes.", "录音超过五分钟。"


class RecordingTooShort(InvalidInput):
    code = "recording-too-short"
    title_en, title_zh = "The recording is too short to hold a word.", "录音过短。"


class RecordingSilent(InvalidInput):
    code = "recording-silent"
    title_en, title_zh = "There is nothing to hear in the recording.", "录音中没有声音。"
