"""The demo city's own certificates: what its invented citizens held before there was a library (`held:` of demo.yaml)."""

from __future__ import annotations

import os
from pathlib import Path

from yici.base.cityfolder import read_yaml
from yici.core.people import queries as people
from yici.core.people.models import Organisation
from yici.platform.trust import services

__all__ = ["load_demo"]


def load_demo(city: Path) -> int:
    """Enter what is missing; how many stand there. Safe to repeat, nothing where `YICI_DEMO` is 0."""
    path = city / "demo.yaml"
    if os.environ.get("YICI_DEMO") == "0" or not path.exists():
        return 0
    demo = read_yaml(path)
    numbers = {entry["key"]: entry["id_number"] for entry in demo.get("citizens", [])}
    for entry in demo.get("held", []):
        holder = people.find_person(numbers[entry["citizen"]])
        assert holder is not None, entry["citizen"]
        services.hold(
            entry["type"],
            holder=holder,
            face=entry["face"],
            issuer=Organisation.objects.get(slug=entry["issuer"]),
            number=entry["number"],
            issued_on=entry["issued_on"],
        )
    return len(demo.get("held", []))
