# Shared by the scripts here: one clear sentence on failure, the noise of long commands in a file.
# shellcheck shell=bash

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${VENV:-.venv}
[[ $venv == /* ]] || venv=$root_dir/$venv
log_dir=${CALLCENTER_CACHE_DIR:-$HOME/.cache/callcenter}/logs

fail() { # one sentence with the remedy
  printf '%s: %s\n' "${script_name:-setup}" "$*" >&2
  exit 1
}

note() { printf '%s: %s\n' "${script_name:-setup}" "$*" >&2; }

# quietly NAME WORDS COMMAND...: the output goes to NAME.log; a line says what runs, and that it still does.
quietly() {
  local name=$1 words=$2 log_file seconds=0 status=0 worker
  shift 2
  mkdir -p "$log_dir" || fail "$log_dir cannot be written: set CALLCENTER_CACHE_DIR to a directory that can."
  log_file=$log_dir/$name.log
  note "$words"
  "$@" >"$log_file" 2>&1 </dev/null &
  worker=$!
  trap 'kill "$worker" 2>/dev/null; wait "$worker"; exit 130' INT TERM
  while kill -0 "$worker" 2>/dev/null; do
    sleep 0.2
    seconds=$((seconds + 1))
    if ((seconds % 50 == 0)); then note "$words: $((seconds / 5)) s, $(last_line)"; fi
  done
  wait "$worker" || status=$?
  trap - INT TERM
  last_log=$log_file
  return "$status"
}

last_line() { grep -v WARNING "$log_file" | tail -n 1 | tr -cd '[:print:]' | cut -c 1-90; }

# Prints the words that make a command run as root; nothing when we are root. Fails with the remedy.
root_words() {
  if ((EUID == 0)); then return 0; fi
  command -v sudo >/dev/null || fail "installing $* needs root, and there is no sudo: run as root, or apt-get install $* yourself and repeat."
  if [[ -t 0 ]]; then sudo -v >&2 && echo sudo && return 0; fi
  sudo -n true 2>/dev/null || fail "installing $* needs root, and sudo refuses: run as root, or apt-get install $* yourself and repeat."
  echo "sudo -n"
}

# apt_install PACKAGE...: only what is missing is passed in here.
apt_install() {
  (($# == 0)) && return 0
  command -v apt-get >/dev/null || fail "this needs $*, and there is no apt-get: use Debian 12 or 13, or install them yourself."
  local as_root
  as_root=$(root_words "$@") || exit 1
  local apt=($as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -y -o DPkg::Lock::Timeout=120)
  if [[ -n $(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -print -quit 2>/dev/null) ]] &&
    quietly apt-install "installing $*" "${apt[@]}" install --no-install-recommends "$@"; then
    return 0
  fi
  quietly apt-update "updating apt's package lists" "${apt[@]}" update ||
    fail "apt-get update failed, see $last_log: check the network and /etc/apt/sources.list, then repeat."
  quietly apt-install "installing $*" "${apt[@]}" install --no-install-recommends "$@" ||
    fail "apt-get install $* failed, see $last_log: mend what it names, then repeat."
}

# have PROGRAM: also where only root's PATH looks.
have() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }
