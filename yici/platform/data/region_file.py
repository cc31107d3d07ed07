"""Reading what the register needs from the city folder and the division tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured
from yici.core.places.models import Division, HistoricCode, Level
from yici.platform.data.register import DEFAULT_SEED, AreaCodes, Region, Village

_COMMITTEE = re.compile(r"(村村民委员会|社区居民委员会|社区居委会|居民委员会|村民委员会|居委会|村委会)$")
_SHORT = {"村村民委员会": "村", "社区居民委员会": "社区", "社区居委会": "社区", "居民委员会": "社区",
          "村民委员会": "村", "居委会": "社区", "村委会": "村"}  # fmt: skip


def read_region(city: Path) -> tuple[Region, int]:
    """The region and the seed of `register.yaml`. Raises `Misconfigured`."""
    path = city / "register.yaml"
    if not path.exists():
        raise Misconfigured(f"缺少文件 {path}")
    raw: dict[str, Any] = read_yaml(path)
    try:
        region = Region(
            place=raw["place"], plate_prefix=raw["plate_prefix"], surnames=dict(raw["surnames"]),
            elsewhere=tuple(raw["elsewhere"]), elsewhere_before_1996=tuple(raw["elsewhere_before_1996"]),
            colleges=tuple(raw["colleges"]), work_places=tuple(raw["work_places"]),
        )  # fmt: skip
    except KeyError as error:
        raise Misconfigured(f"{path} 缺少 {error.args[0]}") from error
    return region, int(raw.get("seed", DEFAULT_SEED))


def place_name(name: str) -> str:
    """A committee's name as an address has it: 陆杨村委会 → 陆杨村, 单集居委会 → 单集社区."""
    found = _COMMITTEE.search(name)
    return name[: found.start()] + _SHORT[found.group()] if found else name


def villages_of(region: Region) -> list[Village]:
    """Every village and community that people can be registered in. One query."""
    rows = Division.objects.filter(level=Level.VILLAGE).exclude(kind="虚拟社区").order_by("code")
    found = []
    for code, name, kind, township, county in rows.values_list(
        "code", "name", "kind", "parent__name", "parent__parent__name"
    ):
        found.append(Village(code, f"{region.place}{county}{township}{place_name(name)}", kind == "社区"))
    return found


def area_codes() -> dict[str, AreaCodes]:
    """Six digits of a county → its codes over time. One query."""
    rows: dict[str, list[tuple[str, Any]]] = {}
    for code, division, last in HistoricCode.objects.values_list("code", "division_id", "valid_to"):
        rows.setdefault(division[:6], []).append((code, last))
    return {county: AreaCodes.of(entries) for county, entries in rows.items()}
