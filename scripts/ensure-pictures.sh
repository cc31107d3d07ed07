#!/bin/sh
# Faces for the tests: unpacked from the source package named in requirements-pictures.txt into var/pictures.
set -eu
cd "$(dirname "$0")/.."
folder=var/pictures
[ -f "$folder/obama.jpg" ] && exit 0
echo "· fetching test pictures (requirements-pictures.txt)"
draft=$(mktemp -d)
trap 'rm -rf "$draft"' EXIT
.venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes \
  --dest "$draft" -r requirements-pictures.txt
tar -xzf "$draft"/face_recognition-*.tar.gz -C "$draft"
mkdir -p "$folder"
for name in obama2 obama3 obama_partial_face biden obama; do
  cp "$draft"/face_recognition-*/tests/test_images/$name.jpg "$folder/$name.jpg"
done
