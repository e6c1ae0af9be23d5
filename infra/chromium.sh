#!/bin/sh
# Installs Debian's Chromium where this machine has apt-get and the right to use it.
set -u
if ! command -v apt-get >/dev/null; then
  echo "no Chromium, and no apt-get to install it: set TICKETMILL_CHROMIUM to a browser" >&2
  exit 0
fi
as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
install="$as_root apt-get install --yes --quiet --no-install-recommends chromium"
# the lists of a fresh machine are empty
if ! { $install || { $as_root apt-get update --quiet && $install; }; } >/dev/null 2>&1; then
  echo "Chromium cannot be installed: the tests of the page need it (apt-get install chromium)" >&2
fi
