"""Reading the city folder: lines are known, and broken YAML is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured


def test_a_mapping_knows_the_line_of_each_key(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: x\nfees:\n  - name: a\n    fen: 1\n", "utf-8")
    document = read_yaml(path)
    assert document.line_of("fees", 0, "fen") == 4
    assert document.line_of("fees", 0, "missing") == 3
    assert document.line_of("missing") == 1


def test_a_repeated_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("name: x\nname: y\n", "utf-8")
    with pytest.raises(Misconfigured, match=r"a\.yaml:2"):
        read_yaml(path)


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb: [1, 2\n", "utf-8")
    with pytest.raises(Misconfigured, match=r"a\.yaml"):
        read_yaml(path)
