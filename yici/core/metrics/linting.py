"""Remarks about `metrics.yaml` of a city folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yici.base.cityfolder import Finding, read_yaml
from yici.base.errors import Misconfigured
from yici.base.faults import first_fault
from yici.core.metrics.registry import metrics_file
from yici.core.metrics.rules import MetricDefinition


def lint(city: Path) -> Iterable[Finding]:
    path = metrics_file(city)
    if not path.is_file():
        return [Finding(path.name, 0, "metrics.missing", "没有 metrics.yaml。", "新建文件并定义统计指标。", "warning")]
    try:
        body: Any = read_yaml(path)
        items = body["metrics"]
    except (Misconfigured, KeyError, TypeError) as error:
        return [Finding(path.name, 1, "metrics.shape", str(error), "写成 metrics: 后面一列指标。")]
    return list(_findings(path.name, body, items))


def _findings(name: str, body: Any, items: list[Any]) -> Iterator[Finding]:
    seen: set[str] = set()
    for place, fields in enumerate(items):
        line = body.line_of("metrics", place)
        try:
            metric = MetricDefinition.model_validate(fields)
        except ValidationError as error:
            yield Finding(name, line, "metrics.shape", first_fault(error), "对照 README 的字段表修改。")
            continue
        if metric.id in seen:
            yield Finding(name, line, "metrics.duplicate", f"指标 {metric.id} 重复。", "只保留一处。")
        seen.add(metric.id)
        for key, text in (("label", metric.label), ("unit", metric.unit), ("definition", metric.definition)):
            if not (text.zh.strip() and text.en.strip()):
                yield Finding(
                    name, line, "metrics.languages", f"{metric.id} 的 {key} 缺少中文或英文。", "补上 zh 和 en。"
                )
