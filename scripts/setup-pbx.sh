#!/usr/bin/env bash
# Asterisk 22.9 or newer and SIPp. Does nothing, at once, when both are there.
set -euo pipefail
script_name=setup-pbx
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

missing=()
have sipp || missing+=(sip-tester)
# what it takes to make Asterisk's root file system, unless there is an Asterisk already
if ! have asterisk && ! compgen -G "${CALLCENTER_CACHE_DIR:-$HOME/.cache/callcenter}/asterisk-*/usr/sbin/asterisk" >/dev/null; then
  have debootstrap || missing+=(debootstrap)
  have gpgv || have sqv || missing+=(gpgv)
  [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
fi
apt_install ${missing[@]+"${missing[@]}"}
exec "$venv/bin/python" -m callcenter.asterisk.install
