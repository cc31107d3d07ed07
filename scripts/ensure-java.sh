#!/bin/sh
# The second engine, Apache Spark, needs a Java runtime (17 or 21). Installed here when root, named otherwise.
set -eu
command -v java >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "· installing default-jre-headless (apt)"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends default-jre-headless) >/dev/null
else
  echo "Missing: a Java runtime. Install with your package manager, for example: sudo apt-get install default-jre-headless" >&2
  exit 1
fi
