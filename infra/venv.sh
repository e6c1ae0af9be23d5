#!/bin/sh
# venv.sh PYTHON DIRECTORY   makes a virtual environment, anew where it is of another Python version
set -eu

python=$1
directory=$2
needed="3.11, 3.12 or 3.13"

version_of() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none
}

found=$(version_of "$python")
case $found in
  3.11 | 3.12 | 3.13) ;;
  none)
    echo "ticketmill needs Python $needed; $python does not run: name one, as in: make setup PYTHON=python3.11" >&2
    exit 1
    ;;
  *)
    echo "ticketmill needs Python $needed; $python is $found: name another, as in: make setup PYTHON=python3.11" >&2
    exit 1
    ;;
esac

# what another version has left, or half of an environment, would be mixed with the new one
clear=
if [ -e "$directory" ] && [ "$(version_of "$directory/bin/python")" != "$found" ]; then
  clear=--clear
fi
exec "$python" -m venv $clear "$directory"
