"""City folder → database: the case types that a workflow file itself declares."""

from __future__ import annotations

from pathlib import Path

from yici.base.cityfolder import yaml_files
from yici.core.cases import services


def load(city: Path) -> str:
    """Publish what has changed; the other workflows are published by the systems whose items use them."""
    workflows = [services.load_workflow(path.stem, city) for path in yaml_files(city / "workflows")]
    own = [(workflow.case_type, workflow) for workflow in workflows if workflow.case_type]
    for declared, workflow in own:
        services.publish_version(declared.slug, declared.name.zh, declared.name.en, declared.system, workflow)
    return f"办件流程 {len(workflows)} 个，自带办件类型 {len(own)} 个"
