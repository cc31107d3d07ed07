#!/bin/sh
# Signing keys are kept in a cryptographic module, SoftHSM where there is none; pages to be signed are drawn by poppler.
# Installed here when root. Without them the software keystore serves and says so, and the file is read as a PDF.
set -eu
missing=""
command -v softhsm2-util >/dev/null 2>&1 || missing="$missing softhsm2"
command -v pdftoppm >/dev/null 2>&1 || missing="$missing poppler-utils"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "· installing$missing (apt)"
  # shellcheck disable=SC2086
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing) >/dev/null
else
  echo "Missing:$missing. Install with your package manager, for example: sudo apt-get install$missing" >&2
  exit 1
fi
