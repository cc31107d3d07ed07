"""Certificate → PDF/A-2b by typst, with the city's own template. Knows no database and no keys."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import segno
import typst

from yici.base.errors import Misconfigured

FONTS = ("Noto Serif CJK SC", "Noto Sans CJK SC")


@dataclass(frozen=True)
class FaceRow:
    label: str
    label_en: str
    value: str


@dataclass(frozen=True)
class Sheet:
    """Everything printed on a certificate; the template reads these names."""

    title: str
    title_en: str
    authority: str
    accent: str
    statement: str
    statement_en: str
    fields: Sequence[FaceRow]
    number: str
    identifier: str
    check_code: str
    check_code_shown: str
    verify_url: str
    verify_host: str
    issuer: str
    issuer_en: str
    seal_caption: str
    issued_on: str
    issued_on_iso: str
    validity: str
    validity_en: str
    case_number: str


def check_fonts(families: Sequence[str]) -> None:
    """Raises `Misconfigured`, saying what to install, where a font of the templates is missing."""
    missing = [font for font in FONTS if font not in families]
    if missing:
        raise Misconfigured(
            f"缺少生成证照所需的字体 {'、'.join(missing)}：请安装 fonts-noto-cjk（apt-get install fonts-noto-cjk）后重启。"
        )


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    fonts = typst.Fonts(include_system_fonts=True, include_embedded_fonts=False)
    check_fonts(fonts.families())
    return fonts


_compilers: dict[Path, Any] = {}
_lock = threading.Lock()


def qr_svg(text: str, *, scalable: bool = False) -> str:
    """QR code of error correction M as SVG, without a quiet zone. `scalable`: as large as its box on a page."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", border=0, xmldecl=False, svgns=True, scale=4, dark="#1d2129", omitsize=scalable
    )
    return out.getvalue().decode()


def render(sheet: Sheet, template: Path) -> bytes:
    """One page of PDF/A-2b. Raises `Misconfigured` for a missing font or a template that does not compile."""
    return compile_sheet(asdict(sheet), template)


def compile_sheet(values: dict[str, Any], template: Path) -> bytes:
    """Any sheet of the city as PDF/A-2b: `values` are what the template reads, `verify_url` becomes its QR code. Raises as `render`."""
    data = json.dumps({**values, "qr": qr_svg(str(values["verify_url"]))}, ensure_ascii=False)
    with _lock:  # one compiler keeps its fonts and caches; it is not made for several threads
        compiler = _compilers.get(template)
        if compiler is None:
            compiler = _compilers[template] = typst.Compiler(
                str(template), root=str(template.parent), font_paths=_fonts()
            )
        try:
            result = compiler.compile(format="pdf", sys_inputs={"data": data}, pdf_standards=["a-2b"])
        except RuntimeError as error:
            raise Misconfigured(f"证照模板 {template.name} 无法生成：{error}") from error
    if not isinstance(result, bytes):
        raise Misconfigured(f"证照模板 {template.name} 没有生成文件。")
    return result
