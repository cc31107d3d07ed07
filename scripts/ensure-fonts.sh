#!/bin/sh
# Certificates are printed in a Chinese font. Installed here when root; otherwise say what to do and go on.
set -eu
fc-list 2>/dev/null | grep -qi "Noto Serif CJK" && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "· installing fonts-noto-cjk (apt)"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends fontconfig fonts-noto-cjk) >/dev/null
else
  echo "Certificates need a Chinese font: sudo apt-get install fontconfig fonts-noto-cjk" >&2
fi
