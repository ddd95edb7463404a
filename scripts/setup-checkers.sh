#!/usr/bin/env bash
# Programs that check the files of deploy/: promtool (Prometheus's rules) and systemd-analyze. Does nothing, at once,
# when both are there. promtool is taken out of Debian's package, which would start a server if it were installed.
set -euo pipefail
script_name=setup-checkers
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

tools_dir=${CALLCENTER_CACHE_DIR:-$HOME/.cache/callcenter}/tools

take_promtool() {
  local draft
  draft=$(mktemp -d "$tools_dir/.promtool.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$draft'" EXIT
  (cd "$draft" && quietly apt-download "fetching promtool" apt-get download prometheus) ||
    fail "apt-get download prometheus failed, see $log_dir/apt-download.log: put promtool on PATH, or mend what it names."
  dpkg-deb --fsys-tarfile "$draft"/prometheus_*.deb | tar -xO ./usr/bin/promtool >"$draft/promtool" ||
    fail "Debian's package prometheus has no promtool: put one on PATH."
  chmod +x "$draft/promtool"
  mv "$draft/promtool" "$tools_dir/promtool"
}

have systemd-analyze || apt_install systemd
if ! have promtool && [[ ! -x $tools_dir/promtool ]]; then
  mkdir -p "$tools_dir"
  if ! apt-cache show prometheus >/dev/null 2>&1; then
    as_root=$(root_words "apt's package lists") || exit 1
    quietly apt-update "updating apt's package lists" $as_root apt-get update ||
      fail "apt-get update failed, see $last_log: check the network and /etc/apt/sources.list, then repeat."
  fi
  take_promtool
fi
