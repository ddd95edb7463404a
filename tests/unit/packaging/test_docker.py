"""Dockerfile and compose.yaml: what linters say, and whether they agree with the code. No engine is needed."""

import fnmatch
import re
from typing import Any

import pytest
import yaml

from callcenter.core.config import Settings
from callcenter.core.secrets import NAMES
from callcenter.roles import ProcessRole
from tests.unit.packaging.checkers import ROOT, check
from tests.unit.packaging.test_wheel import SOURCES

DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "compose.yaml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def test_linters_find_nothing() -> None:
    check("hadolint", "--failure-threshold=info", DOCKERFILE)
    check("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)


def stages() -> dict[str, str]:
    """Name -> its lines."""
    parts = re.split(r"^FROM \S+ AS (\w+)$", DOCKERFILE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("stage", ["service", "asterisk"])
def test_images_are_small_and_without_rights(stage: str) -> None:
    text = stages()[stage]
    assert "USER 10001:10001" in text
    assert "HEALTHCHECK" in text
    assert "--no-install-recommends" in text
    assert not re.search(r"pip install|build-essential|gcc|git", text)
    assert "--require-hashes" in stages()["build"]
    assert "pip uninstall" in stages()["python"]


def test_what_is_copied_is_what_the_wheel_needs() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert all((ROOT / name).exists() for name in allowed)
    assert set(allowed) == {*SOURCES, "requirements.txt"}
    assert not any(fnmatch.fnmatch("secrets/pgpass", pattern) for pattern in allowed)


def test_every_role_runs_and_all_agree_on_the_settings(services: dict[str, Any]) -> None:
    known = {f"CALLCENTER_{name.upper()}" for name in Settings.model_fields}
    roles = {
        name: service["command"][-1] for name, service in services.items() if "--role" in service.get("command", [])
    }
    assert roles == {role.value: role.value for role in ProcessRole}
    for name, service in services.items():
        set_here = {key for key in service.get("environment", {}) if key.startswith("CALLCENTER_")}
        assert set_here <= known, name
    ports = [services[name]["environment"].get("CALLCENTER_API_PORT", "8000") for name in roles]
    assert len(set(ports)) == len(ports)


def test_secrets_are_files(services: dict[str, Any]) -> None:
    for service in services.values():
        for key, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD$|SECRET$|TOKEN$|KEY$", key)
            assert not re.search(r"://[^/@:]+:[^@]+@", str(value))
            assert key.removeprefix("CALLCENTER_").lower() not in NAMES
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_asterisk_waits_for_its_files_only(services: dict[str, Any]) -> None:
    assert set(services["asterisk"]["depends_on"]) == {"prepare"}
    assert services["asterisk"]["network_mode"] == services["engine"]["network_mode"] == "host"


def test_only_loopback_is_published(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_all_but_the_database_run_on_a_read_only_root_without_capabilities(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service.get("read_only") or name == "postgres", name
        assert service["restart"] == ("no" if name == "prepare" else "unless-stopped"), name
        assert "healthcheck" in service or name in {"api", "ivr", "asterisk"}, name  # theirs stands in the image


def test_draining_ends_before_docker_loses_patience(services: dict[str, Any]) -> None:
    grace = int(services["ivr"]["stop_grace_period"].removesuffix("s"))
    assert grace > Settings.model_fields["drain_seconds"].default + 5
