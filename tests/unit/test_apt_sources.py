"""Finding the machine's own Debian mirror, or that it has none."""

from pathlib import Path

import pytest

from callcenter.asterisk.apt_sources import find_debian_mirror
from callcenter.asterisk.install import parse_version

DEB822 = """# the distribution
Types: deb deb-src
URIs: http://mirror.test/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def apt_dir(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        ("sources.list.d/debian.sources", DEB822, "http://mirror.test/debian"),
        ("sources.list", "deb http://one.test/debian trixie main contrib\n", "http://one.test/debian"),
        (
            "sources.list",
            "# deb http://off.test/debian trixie main\n"
            "deb [arch=amd64 signed-by=/k/debian-archive-keyring.gpg] https://two.test/d trixie main\n",
            "https://two.test/d",
        ),
        ("sources.list", "deb http://security.test/debian-security bookworm-security main\n", None),
        ("sources.list", "deb-src http://one.test/debian trixie main\n", None),
        ("sources.list", "deb http://archive.test/ubuntu noble main universe\n", None),
        ("sources.list.d/tool.list", "deb [signed-by=/etc/keys/tool.gpg] https://tool.test bookworm main\n", None),
        ("sources.list.d/debian.sources", DEB822.replace("Types: deb deb-src", "Enabled: no\nTypes: deb"), None),
        ("sources.list.d/debian.sources.save", DEB822, None),
    ],
)
def test_mirror(apt_dir: Path, name: str, text: str, mirror: str | None) -> None:
    (apt_dir / name).write_text(text)
    assert find_debian_mirror(apt_dir) == mirror


def test_the_distributions_own_file_comes_before_others(apt_dir: Path) -> None:
    (apt_dir / "sources.list.d/aaa.list").write_text("deb http://other.test/x trixie main\n")
    (apt_dir / "sources.list.d/debian.sources").write_text(DEB822)
    assert find_debian_mirror(apt_dir) == "http://mirror.test/debian"


def test_a_file_of_mirrors_is_opened(apt_dir: Path, tmp_path: Path) -> None:
    mirrors = tmp_path / "debian.list"
    mirrors.write_text("# nearest first\nhttp://near.test/debian priority:1\nhttp://far.test/debian\n")
    (apt_dir / "sources.list.d/debian.sources").write_text(
        DEB822.replace("http://mirror.test/debian/", f"mirror+file:{mirrors}")
    )
    assert find_debian_mirror(apt_dir) == "http://near.test/debian"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Asterisk 22.10.1~dfsg+~cs6.17.60671434-1\n", (22, 10, 1)),
        ("Asterisk 22.9.0", (22, 9, 0)),
        ("Asterisk certified/20.7-cert2", (20, 7, 0)),
        ("Asterisk GIT-22-abcdef", None),
        ("", None),
    ],
)
def test_version(text: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == version
