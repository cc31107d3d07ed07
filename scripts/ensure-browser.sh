#!/bin/sh
# Browser tests need Debian's Chromium and a Chinese font. Installed here when root, named otherwise.
set -eu
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
fc-list 2>/dev/null | grep -qi "Noto Serif CJK" || missing="$missing fonts-noto-cjk"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "· installing$missing (apt)"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends fontconfig $missing) >/dev/null
else
  echo "Missing:$missing. Install with your package manager, for example: sudo apt-get install fontconfig$missing" >&2
  exit 1
fi
