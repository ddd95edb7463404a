#!/usr/bin/env bash
# All tests. First what needs no Asterisk, on two workers; then the pages, in processes of their own, since the
# browser's driver keeps the main thread's loop; then the real Asterisk, each test with its own ports, on three, since
# telephones mostly wait; longest first (tests/e2e/seconds.txt), handed out one by one.
#   WORKERS=n      all parts (0: in this process)     E2E_WORKERS=n   the last part
#   ARGS='...'     handed to pytest: only those, in one part
set -uo pipefail
script_name=test
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$root_dir" || exit 1

pytest=("$venv/bin/python" -m pytest)
if [[ -n ${ARGS:-} ]]; then
  # shellcheck disable=SC2086
  exec "${pytest[@]}" $ARGS
fi

part() { # NAME WORKERS DIRECTORY...
  local name=$1 workers=$2 status
  shift 2
  note "$name"
  "${pytest[@]}" -n "$workers" "$@"
  status=$?
  ((status == 5)) && { note "$name: no test was found, which is a failure."; }
  return "$status"
}

first=0 second=0 third=0
part "unit, database and flow tests" "${WORKERS:-2}" tests --ignore=tests/e2e --ignore=tests/web || first=$?
part "the pages in a real browser" "${WORKERS:-2}" tests/web || third=$?
part "end-to-end tests on a real Asterisk" "${E2E_WORKERS:-${WORKERS:-3}}" tests/e2e --maxschedchunk=1 || second=$?
((first == 0 && second == 0 && third == 0)) || fail "failed (status $first, $third and $second)."
