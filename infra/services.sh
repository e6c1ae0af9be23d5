#!/bin/sh
# Installs Debian's Redis, PostgreSQL and RabbitMQ where this machine has apt-get and the right to use it. Tests start them.
set -u
wanted=""
command -v redis-server >/dev/null || wanted="redis-server"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || wanted="$wanted postgresql"
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || wanted="$wanted rabbitmq-server"
[ -n "$wanted" ] || exit 0
if ! command -v apt-get >/dev/null; then
  echo "no$(printf ' %s' $wanted), and no apt-get to install it: the tests of Celery need it" >&2
  exit 0
fi
as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
# nothing is to start by itself: a test starts its own on a free port
install="$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install --yes --quiet --no-install-recommends $wanted"
# the lists of a fresh machine are empty
if ! { $install || { $as_root apt-get update --quiet && $install; }; } >/dev/null 2>&1; then
  echo "$wanted cannot be installed: the tests of Celery need it" >&2
fi
