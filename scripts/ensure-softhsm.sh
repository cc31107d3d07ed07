#!/bin/sh
# Signing keys are kept in a cryptographic module; SoftHSM stands in for one. Installed here when root; otherwise the
# software keystore serves, which says what it is.
set -eu
command -v softhsm2-util >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "· installing softhsm2 (apt)"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends softhsm2) >/dev/null
else
  echo "Missing: softhsm2, so signing keys are sealed in the database. Install with your package manager, for example: sudo apt-get install softhsm2" >&2
  exit 1
fi
