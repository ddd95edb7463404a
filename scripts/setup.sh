#!/usr/bin/env bash
# The Python environment and the few Debian packages it needs. Does nothing, at once, when all is there.
set -euo pipefail
script_name=setup
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

pythons=(python3.13 python3.12 python3.11 python3)

runs_here() { # a version manager's stub may be there and refuse
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} "${pythons[@]}"; do
    if runs_here "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

install_system_packages() {
  local missing=()
  find_python >/dev/null || missing+=(python3 python3-venv)
  have bwrap || missing+=(bubblewrap) # the embedded PostgreSQL of root, and Asterisk, run in it
  have setpriv || missing+=(util-linux)
  have sox || missing+=(sox) # these two speak the texts that staff change (docs/prompts.md)
  have espeak-ng || missing+=(espeak-ng)
  apt_install ${missing[@]+"${missing[@]}"}
  python=$(find_python) || fail "Python 3.11, 3.12 or 3.13 is needed, and this system offers $(python3 --version 2>&1): install one and repeat with make PYTHON=/path/to/python3.11."
  if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  fi
}

# What the environment was made from and where: any change makes it anew.
fingerprint() {
  { cat "$root_dir/requirements-dev.txt" "$root_dir/scripts/setup.sh" && grep -A 3 '^\[project.scripts\]' "$root_dir/pyproject.toml" && echo "$venv $root_dir"; } |
    sha256sum | cut -d ' ' -f 1
}

make_environment() {
  local stamp=$venv/.made-from
  rm -f "$stamp"
  if ! "$venv/bin/python" -c 'import sys, pip; sys.exit(sys.prefix == sys.base_prefix)' >/dev/null 2>&1; then
    quietly venv "making the Python environment" "$python" -m venv --clear "$venv" ||
      fail "python -m venv failed, see $last_log: check that the disk has room and $venv can be written."
  fi
  quietly pip "installing the Python packages" "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
    --progress-bar off --no-compile --no-deps --require-hashes -r "$root_dir/requirements-dev.txt" ||
    fail "pip install failed, see $last_log: check the network and pip's index configuration, then repeat."
  quietly pip-project "installing the project itself" "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
    --no-deps --no-index --no-build-isolation --editable "$root_dir" ||
    fail "installing the project failed, see $last_log."
  fingerprint >"$stamp"
}

is_current() { [[ -x $venv/bin/python && -f $venv/.made-from && $(<"$venv/.made-from") == "$(fingerprint)" ]] && "$venv/bin/python" -c '' 2>/dev/null; }

exec 9<"$root_dir/Makefile" # two at once: the second waits, then finds all done
flock -n 9 || { note "waiting for another set-up to end" && flock 9; }
if ! is_current || ! have bwrap || ! have sox || ! have espeak-ng; then
  install_system_packages
  is_current || make_environment
  note "ready ($("$venv/bin/python" --version))"
fi
