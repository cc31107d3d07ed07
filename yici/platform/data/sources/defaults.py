"""What a class need not say: by custom of the house, options follow from its unit and its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition


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
            "take": "all" if definition.load == "increment" else "newest",
        },
        "exchange": {"connection": f"{entry.unit}_exchange"},
        "interface": {"connection": f"{entry.unit}_interface", "path": f"/v1/{subject}"},
        "static": {
            "folder": f"{entry.unit}/{subject}",
            "take": "all" if definition.load == "increment" else "newest",
        },
    }
    if kind == "exchange" and not options.get("query"):
        usual["exchange"]["table"] = subject
    return {**usual[kind], **options}
