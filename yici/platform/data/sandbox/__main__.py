"""Start the demo departments' servers and stay until told to stop.

    python -m yici.platform.data.sandbox [--home DATA_HOME] [--only sftp,ftps,rest,mysql,postgres]

Where they are is in `DATA_HOME/sandbox.json` once all are up. A server that cannot start is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg

from yici.base.errors import YiciError
from yici.web.database import set_up_django

SERVERS = ("sftp", "ftps", "rest", "mysql", "postgres")


async def _serve(home: Path, wanted: list[str]) -> None:
    from yici.platform.data.sandbox import ftps, mysql, postgres, rest, sftp
    from yici.platform.data.sandbox.accounts import withdraw

    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    withdraw(home)
    with ExitStack() as stack:
        stack.callback(withdraw, home)
        if "postgres" in wanted:
            _or_without(lambda: postgres.start(home))
        if "rest" in wanted:
            stack.callback(rest.start(home).stop)
        if "ftps" in wanted:
            stack.callback(ftps.start(home).stop)
        if "sftp" in wanted:
            stack.callback((await sftp.start(home)).close)
        if "mysql" in wanted and mysql.is_installed():
            _or_without(lambda: stack.callback(mysql.Server(home).stop))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stopping.wait()


def _or_without(start: Callable[[], object]) -> None:
    """A demo without one of its servers is better than none; the checks of its departments say that it is missing."""
    try:
        start()
    except (YiciError, psycopg.Error) as error:
        sys.stderr.write(f"{error}\n")


def main() -> None:
    from django.conf import settings

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="data home; default: that of the settings")
    parser.add_argument("--only", default=",".join(SERVERS), help="servers, with commas between")
    given = parser.parse_args()
    set_up_django()
    home = (given.home or Path(settings.DATA_HOME)).resolve()
    home.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(home, [name for name in given.only.split(",") if name in SERVERS]))


if __name__ == "__main__":
    main()
