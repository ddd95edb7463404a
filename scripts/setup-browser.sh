#!/usr/bin/env bash
# A real browser for the tests of the pages: Debian's Chromium, and a font with Chinese characters. Does nothing, at
# once, when both are there.
set -euo pipefail
script_name=setup-browser
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

missing=()
have chromium || missing+=(chromium)
have fc-list || missing+=(fontconfig)
{ have fc-list && [[ -n $(fc-list :lang=zh-cn family) ]]; } || missing+=(fonts-wqy-microhei)
if ((${#missing[@]} > 0)); then
  apt_install "${missing[@]}"
  note "ready ($(chromium --version 2>/dev/null))"
fi
