"""What a class need not say: by custom of the house, options follow from its unit and its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition


def usual_take(definition: ClassDefinition | None) -> str:
    """Every new file of increments; of whole deliveries the newest tells all."""
    return "all" if definition is not None and definition.load == "increment" else "newest"


def completed(kind: str, options: dict[str, Any], definition: ClassDefinition | None) -> dict[str, Any]:
    """The options with those added that follow from the definition; what is given always stays."""
    entry = next((one for one in definition.channels if one.kind == kind), None) if definition else None
    if definition is None or entry is None:
        return options
    subject = definition.id.rpartition(".")[2]
    usual: dict[str, dict[str, Any]] = {
        "file_drop": {
            "connection": f"{entry.unit}_files",
            "folder": subject,
            "take": usual_take(definition),
        },
        "exchange": {"connection": f"{entry.unit}_exchange"},
        "interface": {"connection": f"{entry.unit}_interface", "path": f"/v1/{subject}"},
        "static": {
            "folder": f"{entry.unit}/{subject}",
            "take": usual_take(definition),
        },
    }
    if kind == "exchange" and not options.get("query"):
        usual["exchange"]["table"] = subject
    return {**usual[kind], **options}
