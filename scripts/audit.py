"""What `make lint` asks of our dependencies: each pinned by hash, and none with a known vulnerability.

Advisories come from PyPI; where that has none to give (an index of one's own, no network), set CALLCENTER_OSV_URL
to a service that speaks OSV's API. Without any, nothing is known: that is said, and is no failure.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==[^ ;]+( ;[^\\]*)?( --hash=sha256:[0-9a-f]{64})+")
_PATIENCE_SECONDS = 120


def unpinned(text: str) -> Iterator[str]:
    """The requirements that name no exact version, or no file of it by hash."""
    for line in text.replace("\\\n", " ").splitlines():
        requirement = " ".join(line.split())
        if requirement and not requirement.startswith("#") and not _PINNED.fullmatch(requirement):
            yield requirement[:100]


def advisories(requirements: Path) -> list[dict[str, Any]]:
    """What the audit says of each package. Raises RuntimeError when it cannot say anything."""
    osv_url = os.environ.get("CALLCENTER_OSV_URL")
    source = ["--vulnerability-service", "osv", "--osv-url", osv_url] if osv_url else []
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--disable-pip"]
    options = ["--require-hashes", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        audit = subprocess.run(
            [*command, *options, *source], capture_output=True, text=True, check=False, timeout=_PATIENCE_SECONDS
        )
        found: list[dict[str, Any]] = json.loads(audit.stdout)["dependencies"]
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"no answer within {_PATIENCE_SECONDS} s") from error
    except (ValueError, KeyError) as error:
        lines = audit.stderr.strip().splitlines()
        raise RuntimeError(lines[-1][:200] if lines else "no result") from error
    return found


def main(files: Sequence[str]) -> int:
    """Checks the pins of all ``files`` and audits the last, which holds what stands in the others too."""
    paths = [Path(file) for file in files]
    loose = [f"{path.name}: {line}" for path in paths for line in unpinned(path.read_text())]
    for one in loose:
        print(f"not pinned by hash: {one}")
    vulnerable = 0
    try:
        packages = advisories(paths[-1])
    except RuntimeError as error:
        print(f"{paths[-1].name}: NOT audited, no advisory source answered ({error})")
        return 1 if loose else 0
    audited = [package for package in packages if "vulns" in package]
    for package in audited:
        for one in package["vulns"]:
            vulnerable += 1
            fixed = ", ".join(one["fix_versions"]) or "no fixed version"
            print(f"{package['name']} {package['version']}: {one['id']} ({fixed})")
    if len(audited) < len(packages):
        print(f"{len(packages) - len(audited)} of {len(packages)} packages NOT audited: the source knows none of them")
    return 1 if loose or vulnerable else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["requirements.txt", "requirements-dev.txt"]))
