#!/usr/bin/env bash
# Asterisk 22.9 or newer and SIPp. Does nothing, at once, when both are there.
set -euo pipefail
script_name=setup-pbx
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

missing=()
have sipp || missing+=(sip-tester)
# a fault test sets the clock of single processes with a small library of its own
have cc || missing+=(gcc libc6-dev)
# what it takes to make Asterisk's root file system, unless there is an Asterisk already
if ! have asterisk && ! compgen -G "${CALLCENTER_CACHE_DIR:-$HOME/.cache/callcenter}/asterisk-*/usr/sbin/asterisk" >/dev/null; then
  have debootstrap || missing+=(debootstrap)
  have gpgv || have sqv || missing+=(gpgv)
  [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
fi
apt_install ${missing[@]+"${missing[@]}"}
# SIPp presses keys through a raw socket, which only root may open: give an ordinary user's SIPp that one right
if ((EUID != 0)) && ! PATH=$PATH:/usr/sbin:/sbin getcap "$(readlink -f "$(command -v sipp)")" 2>/dev/null | grep -q cap_net_raw; then
  have setcap || apt_install libcap2-bin
  as_root=$(root_words "the right of sipp to press keys (setcap cap_net_raw+ep)") || exit 1
  $as_root env PATH="$PATH:/usr/sbin:/sbin" setcap cap_net_raw+ep "$(readlink -f "$(command -v sipp)")" ||
    fail "sipp cannot be given cap_net_raw on this file system: run as root."
fi
exec "$venv/bin/python" -m callcenter.asterisk.install
