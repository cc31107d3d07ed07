"""Files and credentials of certificates: PDF/A with a signature, OFD under a seal, SD-JWT, per CPU-second of this process.

The first of each, which loads fonts and keys, is not counted. Nothing is stored.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

from bench import site
from bench.results import Result

PDFS, OFDS, TOKENS = 60, 600, 3000


def run() -> list[Result]:
    site.prepare(2000)
    from yici.base import clock
    from yici.base.text import Text
    from yici.platform.trust.credentials import issuing
    from yici.platform.trust.library import printing
    from yici.platform.trust.library.held import Held
    from yici.platform.trust.ofd import packing
    from yici.platform.trust.ofd.sealing import sealer

    today = clock.today()
    held = Held(
        identifier="1.2.156.3005.2.113416000031801230001.341621.2026000000002.001.E", type="senior_allowance",
        name=Text(zh="高龄津贴领取证"), number="341621民高津〔2026〕第000002号", holder_id=None,
        holder_key="342124194503121221", holder_name="王秀英", issuer="涡阳县民政局", issued_on=today, valid_from=today,
        valid_to=None, stored_state="valid", state_reason="", version=1, case_number="341600202611230000017",
        check_code="ABCDEFGHIJKL",
        face={"person.name": "王秀英", "person.id_number": "342124194503121221",
              "person.registered_address": "安徽省亳州市涡阳县高炉镇陆杨村3组27号", "subsidy.monthly_amount": "5000"},
    )  # fmt: skip
    sheet, moment, seal = printing.sheet_of(held), clock.now(), sealer()
    numbers = iter(range(10_000_000))

    def another() -> object:
        """A sheet that differs, so that nothing is drawn from memory."""
        return dataclasses.replace(
            sheet, number=f"第{next(numbers):06d}号", verify_url=f"https://example.invalid/verify/{next(numbers):012d}/"
        )

    return [
        _rate("PDF/A-2b certificates, signed", lambda: printing.pdf_of_sheet(another(), held.type), PDFS, 20),  # type: ignore[arg-type]
        _rate("OFD certificates, SM2 seal over SM3 references", lambda: packing.pack(another(), seal, moment), OFDS, 300),  # type: ignore[arg-type]
        _rate("SD-JWT credentials issued", lambda: issuing.credential_of(held, list(held.face), moment), TOKENS, 1500),
    ]  # fmt: skip


def _rate(name: str, make: Callable[[], object], count: int, target: float) -> Result:
    make()
    began = time.process_time()
    for _each in range(count):
        make()
    rate = count / (time.process_time() - began)
    return Result(name, rate, "/CPU-s", target, True, f"{1000 / rate:.2f} ms each").told()
