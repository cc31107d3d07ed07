"""python -m yici.platform.pay.sandbox --port 8004 --store var/pay-sandbox --keys var/pay"""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from pathlib import Path

from yici.platform.pay.sandbox.server import serve


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    from django.conf import settings

    parser = argparse.ArgumentParser(description="支付机构与收费单位沙箱")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8004)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--keys", type=Path, required=True)
    options = parser.parse_args()
    server = serve(options.host, options.port, options.store, options.keys, settings.PAY_MERCHANTS)
    with suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
