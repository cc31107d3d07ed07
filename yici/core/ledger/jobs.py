"""Background work of the ledger."""

from __future__ import annotations

import logging

from procrastinate.contrib.django import app

from yici.core.audit import services as audit
from yici.core.ledger import services

logger = logging.getLogger(__name__)


@app.periodic(cron="40 1 * * *")
@app.task(name="ledger.verify", queueing_lock="ledger.verify")
def verify(timestamp: int = 0) -> int:
    """Every night: balances against entries. The outcome is recorded; a fault is an error in the log as well."""
    faults = services.verify()
    for fault in faults[:100]:
        logger.error("ledger: %s", fault.message)
    result = f"发现 {len(faults)} 处不符" if faults else "余额与分录合计一致"
    audit.record(audit.SYSTEM, "verify", subject=("ledger", "all"), purpose=f"夜间核对账簿：{result}")
    return len(faults)
