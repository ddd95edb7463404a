#!/usr/bin/env bash
# Writes requirements.txt and requirements-dev.txt anew from pyproject.toml: every version pinned, every file hashed,
# for Python 3.11 to 3.13, no registry's address. Keeps the versions it finds; UPGRADE=1 takes the newest.
set -euo pipefail
script_name=lock
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root_dir"

command -v uv >/dev/null || fail "uv is missing: pip install uv, then repeat."

lock() { # FILE OPTION...; setuptools is in it so that the project installs without fetching a build environment
  local file=$1
  shift
  echo 'setuptools>=77' | uv pip compile pyproject.toml - "$@" ${UPGRADE:+--upgrade} --universal --python-version 3.11 \
    --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --output-file "$file" ||
    fail "uv could not resolve $file: see its words above."
  if grep -nE '://' "$file" >&2; then fail "$file holds an address (above): name the package by version only."; fi
}

lock requirements.txt
lock requirements-dev.txt --extra dev --constraint requirements.txt
note "$(grep -c == requirements-dev.txt) packages pinned"
