"""Where flows, prompts, templates and migrations lie that come with this version.

In the repository they stand beside the package; a wheel carries them inside it (setup.py).
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped_dir(name: str) -> Path:
    """The folder ``name`` of this version (``ivr_flows``, ``migrations``...)."""
    inside = _PACKAGE / "shipped" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
