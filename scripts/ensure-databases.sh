#!/bin/sh
# The exchange channel is tested against a real MySQL-compatible server. Installed here when root, named otherwise.
set -eu
command -v mariadbd >/dev/null 2>&1 || [ -x /usr/sbin/mariadbd ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "· installing mariadb-server (apt)"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mariadb-server) >/dev/null 2>&1
else
  echo "Missing: mariadb-server. Install with your package manager, for example: sudo apt-get install mariadb-server" >&2
  exit 1
fi
