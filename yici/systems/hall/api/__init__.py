"""The hall's JSON endpoints; each part lies beside this file and is mounted here."""

from __future__ import annotations

from ninja import Router

from yici.systems.hall.api import applications, items, joint

router = Router()
router.add_router("", items.router)
router.add_router("", joint.router)
router.add_router("", applications.router)
