"""Small drawings for pages: SVG with attributes only, for the policy allows no styles in a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from console.rendering import local_text
from store.overview import TrendHour

_WIDTH: Final = 720
_HEIGHT: Final = 150
_LEFT: Final = 48
_BOTTOM: Final = 26
_TOP: Final = 10
_LINES: Final = (50, 100, 150, 200, 300)


def trend_chart(trend: Sequence[TrendHour], until: dt.datetime) -> Markup:
    """Bars of the index of the last 24 hours in the colours of the levels.

    Parameters
    ----------
    trend : sequence of TrendHour
        Hours that have an index; others stay empty.
    until : datetime
        The moment; the last bar is the hour before it.

    Returns
    -------
    Markup
        An ``svg`` with a title for those who do not see it.
    """
    end = until.replace(minute=0, second=0, microsecond=0)
    known = {one.hour: one for one in trend if one.aqi is not None}
    highest = max([110, *(one.aqi or 0 for one in known.values())]) * 1.05
    step = (_WIDTH - _LEFT) / 24
    scale = (_HEIGHT - _TOP - _BOTTOM) / highest
    floor = _HEIGHT - _BOTTOM
    parts = [
        Markup('<svg class="trend" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, _HEIGHT, _spoken(list(known.values()))
        )
    ]
    for line in (each for each in _LINES if each < highest):
        y = floor - line * scale
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(_LEFT, _WIDTH, y=y)
        )
        parts.append(Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(_LEFT - 5, y + 4, line))
    for back in range(24, 0, -1):
        hour = end - dt.timedelta(hours=back)
        x = _LEFT + (24 - back) * step
        one = known.get(hour)
        if one is not None and one.aqi is not None:
            height = max(1.0, one.aqi * scale)
            parts.append(
                Markup(
                    '<rect class="aqi-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                    "<title>{} AQI {}</title></rect>"
                ).format(one.level or 0, x + 1.5, floor - height, step - 3, height, local_text(hour), one.aqi)
            )
        if (24 - back) % 4 == 0:
            label = local_text(hour, "%H")
            parts.append(
                Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}时</text>').format(
                    x + step / 2, _HEIGHT - 6, label
                )
            )
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def _spoken(known: Sequence[TrendHour]) -> str:
    if not known:
        return "近24小时没有AQI"
    indices = [one.aqi or 0 for one in known]
    return f"近24小时AQI：{len(indices)} 个小时，最低 {min(indices)}，最高 {max(indices)}，最近 {indices[-1]}"
