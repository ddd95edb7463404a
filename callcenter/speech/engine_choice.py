"""Which speech engine the settings name."""

from callcenter.core.config import Settings
from callcenter.core.secrets import find_secret
from callcenter.speech.speaker import EngineChoice, ProviderName


def engine_choice(settings: Settings, provider: ProviderName | None = None) -> EngineChoice:
    """The configured engine, or ``provider`` with the rest of the settings."""
    return EngineChoice(
        provider=provider or settings.speech_provider,
        timeout_seconds=settings.speech_timeout_seconds,
        voices_dir=str(settings.speech_voices_dir) if settings.speech_voices_dir else None,
        http_url=settings.speech_http_url,
        http_token=find_secret(settings, "speech_http_token"),
        http_voice_zh=settings.speech_http_voice_zh,
        http_voice_en=settings.speech_http_voice_en,
    )
