"""The files that ``make web`` made of web/src: read once, each known by the hash of its content."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DIRECTORY = Path(__file__).parent / "static"

_MEDIA_TYPES: Mapping[str, str] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served; the records of the build (``.json``) are not."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """``digest``: the first characters of the content's SHA-256; it stands in the address, so a file holds for ever."""

    name: str
    digest: str
    media_type: str
    content: bytes
    gzipped: bytes

    @property
    def path(self) -> str:
        return f"/static/{self.digest}/{self.name}"


@cache
def bundles() -> Mapping[str, Bundle]:
    """File name -> bundle."""
    found = {}
    for path in sorted(DIRECTORY.iterdir()):
        if path.suffix in _MEDIA_TYPES:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:16]
            gzipped = gzip.compress(content, mtime=0)
            found[path.name] = Bundle(path.name, digest, _MEDIA_TYPES[path.suffix], content, gzipped)
    return found
