"""Where this machine gets its Debian packages from, read from apt's own sources (sources.list(5), both formats)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_OPTION = re.compile(r"\[([^\]]*)\]")
_DEBIAN_SUITES = frozenset({"bookworm", "trixie", "forky", "testing", "unstable", "sid"})


@dataclass(frozen=True, slots=True)
class AptSource:
    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def find_debian_mirror(apt_dir: Path = Path("/etc/apt")) -> str | None:
    """The address of the Debian archive that this machine uses; None when it uses none (Ubuntu, for one).

    Only a hint where to fetch: what comes from there is checked against Debian's keys.
    """
    for source in read_sources(apt_dir):
        if not _is_debian(source):
            continue
        for uri in source.uris:
            resolved = _first_of_mirror_list(uri)
            if resolved and resolved.startswith(("http://", "https://", "file:///")):
                return resolved.rstrip("/")
    return None


def read_sources(apt_dir: Path) -> list[AptSource]:
    """All sources of binary packages, the distribution's own files first."""
    parts = sorted((apt_dir / "sources.list.d").glob("*"), key=lambda path: (path.stem != "debian", path.name))
    found: list[AptSource] = []
    for path in [apt_dir / "sources.list", *parts]:
        if path.is_file():
            text = path.read_text(errors="replace")
            if path.suffix == ".sources":
                found += parse_deb822(text)
            elif path.suffix == ".list":
                found += parse_one_line(text.splitlines())
    return found


def parse_one_line(lines: Iterable[str]) -> list[AptSource]:
    """``deb [options] uri suite component...``"""
    found = []
    for raw in lines:
        line = raw.partition("#")[0].strip()
        options = _OPTION.search(line)
        words = _OPTION.sub(" ", line, count=1).split()
        if len(words) >= 4 and words[0] == "deb":
            signed_by = re.search(r"signed-by=(\S+)", options.group(1), re.IGNORECASE) if options else None
            found.append(AptSource((words[1],), (words[2],), tuple(words[3:]), signed_by.group(1) if signed_by else ""))
    return found


def parse_deb822(text: str) -> list[AptSource]:
    """Stanzas of ``Types``, ``URIs``, ``Suites``, ``Components``; a continued line begins with a space."""
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            else:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no":
            found.append(
                AptSource(
                    tuple(fields.get("uris", "").split()),
                    tuple(fields.get("suites", "").split()),
                    tuple(fields.get("components", "").split()),
                    fields.get("signed-by", ""),
                )
            )
    return found


def _is_debian(source: AptSource) -> bool:
    """Third parties name their suites after Debian's too, but sign with keys of their own."""
    key = source.signed_by
    return (
        "main" in source.components
        and not _DEBIAN_SUITES.isdisjoint(source.suites)
        and (not key or "debian-archive" in key or "BEGIN PGP" in key)
    )


def _first_of_mirror_list(uri: str) -> str | None:
    """Cloud images name a file of mirrors (apt-transport-mirror(1))."""
    if not uri.startswith("mirror+file:"):
        return uri
    listed = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    lines = listed.read_text().splitlines() if listed.is_file() else []
    return next((line.split()[0] for line in lines if line.strip() and not line.startswith("#")), None)
