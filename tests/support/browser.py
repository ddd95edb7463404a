"""Debian's Chromium (scripts/setup-browser.sh) and how it is started: headless, with a microphone that beeps."""

from playwright.sync_api import Page

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]
_EXPECTED = ("Failed to load resource", "net::ERR_", "WebSocket connection to")
"""Chromium's own words on answers that tests ask for: 401, 409, a server that is away."""


def watch_page(page: Page, faults: list[str]) -> None:
    """Add to ``faults`` what goes wrong on the page: exceptions, refusals by the security policy, errors logged."""
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: (
            faults.append(f"{page.url}: {said.text}")
            if said.type == "error" and not any(words in said.text for words in _EXPECTED)
            else None
        ),
    )
