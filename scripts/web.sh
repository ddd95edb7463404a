#!/usr/bin/env bash
# Bundles the pages: TypeScript of web/src, checked, into callcenter/web/static/. Needs node 20 or newer, which only who
# changes the pages needs. PAGES='desk console': only these. With the word check: the types alone, where npm's registry
# can be reached.
set -euo pipefail
script_name=web
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root_dir/web"

have node && have npm || fail "node and npm are missing: apt-get install nodejs npm (node 20 or newer), then repeat."
stamp=node_modules/.made-from
if [[ ! -f $stamp || $(<"$stamp") != "$(sha256sum package-lock.json)" ]]; then
  if ! quietly npm-ci "installing the packages of the pages" npm ci; then
    [[ ${1:-} != check ]] || { note "the npm registry cannot be reached: TypeScript is NOT checked"; exit 0; }
    fail "npm ci failed, see $last_log: check the network and npm's registry configuration, then repeat."
  fi
  sha256sum package-lock.json >"$stamp"
fi
npx --no-install tsc --noEmit || fail "TypeScript refuses the pages (above)."
# shellcheck disable=SC2086
[[ ${1:-} == check ]] || node build.mjs ${PAGES:-}
