#!/bin/sh
# Make this checkout importable in the environment, and give it the `yici` command. Nothing is built or copied.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
site=$("$root/.venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$root" > "$site/yici.pth"
cat > "$root/.venv/bin/yici" <<END
#!$root/.venv/bin/python
from yici.cli import main

main()
END
chmod +x "$root/.venv/bin/yici"
