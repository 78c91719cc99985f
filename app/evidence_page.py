"""The frame of a page of the evidence report: one file that needs nothing else, readable on screen and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from app.evidence_plot import COLOURS

VERDICTS_ZH: Final = {"fulfilled": "已落实", "suspected": "涉嫌未落实", "undetermined": "无法判定"}
_STYLE: Final = """
body { font: 15px/1.6 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1c2430;
  max-width: 1000px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem }
h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #d5dae2 }
h3 { font-size: 1rem; margin-bottom: .3rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { border-bottom: 1px solid #e3e7ee; padding: .3rem .5rem; text-align: left; vertical-align: top }
th { white-space: nowrap }
td.n, th.n { text-align: right }
svg { width: 100%; height: auto; font-size: 11px; fill: #465063 }
.grid { stroke: #e3e7ee }
.empty, .note { color: #66707f }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; vertical-align: -.05em }
@media print {
  body { margin: 0; max-width: none }
  h2 { break-after: avoid }
  svg, tr { break-inside: avoid }
  a { color: inherit; text-decoration: none }
}
"""


def document(title: str, body: str) -> str:
    """A complete HTML document with the legend of verdicts; `body` is HTML, `title` text."""
    keys = "".join(
        f"<span class=key style='background:{COLOURS[key]}'></span>{name}" for key, name in VERDICTS_ZH.items()
    )
    return (
        "<!doctype html><html lang=zh-CN><head><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{body}<p class=note>图例：{keys}</p></body></html>\n"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table of texts, which are escaped; the columns whose positions are in `numbers` stand right.

    Parameters
    ----------
    heads : sequence of str
        Headings.
    rows : sequence of sequence of str
        Cells.
    numbers : sequence of int
        Positions of columns of numbers.

    Returns
    -------
    str
        HTML; a sentence when there is no row.
    """
    if not rows:
        return "<p class=empty>没有记录。</p>"
    kinds = [" class=n" if at in numbers else "" for at in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(text)}</th>" for kind, text in zip(kinds, heads, strict=True))
    lines = (
        "<tr>" + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, row, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
