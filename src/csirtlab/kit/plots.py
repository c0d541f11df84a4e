"""Small SVG pictures of connections over time: crisp at any size, light, readable by screen readers."""

import html
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

_WIDTH, _LEFT, _RIGHT = 760, 56, 12
_TICKS_TOP, _TICKS_HEIGHT = 24, 34
_GAPS_TOP, _GAPS_HEIGHT = 82, 110
_BARS_TOP, _BARS_HEIGHT = 246, 90
_HEIGHT = 376
_BINS = 40
INK = "#2f6fb3"  # stands out on JupyterLab's light and dark ground


def rhythm_picture(starts: Sequence[float], *, title: str, description: str, labels: Sequence[str]) -> str:
    """Return an SVG of connection starts (seconds since 1970, ascending).

    From the top: a mark for each start on the axis of time, the gap before each, and the histogram of
    the gaps. ``labels`` names the three; ``title`` and ``description`` are read out by screen readers.
    """
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'style="max-width: {_WIDTH}px; width: 100%; color: var(--jp-ui-font-color1, #222)" font-size="11" '
        f'font-family="sans-serif" fill="currentColor"><title>{html.escape(title)}</title>'
        f"<desc>{html.escape(description)}</desc>"
    ]
    tops = (_TICKS_TOP, _GAPS_TOP, _BARS_TOP)
    parts += [f'<text x="{_LEFT}" y="{top - 8}" font-weight="bold">{html.escape(label)}</text>'
              for top, label in zip(tops, labels, strict=True)]  # fmt: skip
    if starts:
        parts += _time_panels(starts, gaps)
    if gaps:
        parts += _histogram(gaps)
    return "".join([*parts, "</svg>"])


def _time_panels(starts: Sequence[float], gaps: Sequence[float]) -> list[str]:
    first, span = starts[0], max(starts[-1] - starts[0], 1.0)
    wide = _WIDTH - _LEFT - _RIGHT

    def across(start: float) -> float:
        return round(_LEFT + (start - first) / span * wide, 1)

    marks = "".join(f"M{across(start)} {_TICKS_TOP}v{_TICKS_HEIGHT}" for start in starts)
    parts = [f'<path d="{marks}" stroke="{INK}" stroke-width="1" stroke-opacity=".7"/>']
    ticks = round_ticks(max(gaps, default=1.0))
    highest = ticks[-1]
    for start, gap in zip(starts[1:], gaps, strict=True):
        y = round(_GAPS_TOP + _GAPS_HEIGHT * (1 - gap / highest), 1)
        parts.append(f'<circle cx="{across(start)}" cy="{y}" r="2.2" fill="{INK}" fill-opacity=".8"/>')
    parts += _upright(_GAPS_TOP, _GAPS_HEIGHT, [(tick / highest, f"{tick:g}") for tick in ticks])
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        clock = datetime.fromtimestamp(first + share * span, UTC).strftime("%H:%M:%S")
        parts.append(_below(_LEFT + share * wide, _GAPS_TOP + _GAPS_HEIGHT, clock, share))
    return parts


def _histogram(gaps: Sequence[float]) -> list[str]:
    ticks = round_ticks(max(gaps))
    most = ticks[-1]
    counts = [0] * _BINS
    for gap in gaps:
        counts[min(int(gap / most * _BINS), _BINS - 1)] += 1
    wide = (_WIDTH - _LEFT - _RIGHT) / _BINS
    parts = []
    for index, count in enumerate(counts):
        high = round(_BARS_HEIGHT * count / max(counts), 1)
        if count:
            parts.append(f'<rect x="{_LEFT + index * wide:.1f}" y="{_BARS_TOP + _BARS_HEIGHT - high}" '
                         f'width="{wide - 1:.1f}" height="{high}" fill="{INK}"/>')  # fmt: skip
    parts += _upright(_BARS_TOP, _BARS_HEIGHT, [(0.0, "0"), (1.0, str(max(counts)))])
    for tick in ticks:
        x = _LEFT + tick / most * (_WIDTH - _LEFT - _RIGHT)
        parts.append(_below(x, _BARS_TOP + _BARS_HEIGHT, f"{tick:g}", tick / most))
    return parts


def round_ticks(most: float) -> list[float]:
    """Return round numbers for an axis from 0: at most six, the last one not below ``most``."""
    if most <= 0:
        return [0.0, 1.0]
    power = 10.0 ** math.floor(math.log10(most))
    step = next(step * power for step in (0.2, 0.5, 1.0, 2.0) if step * power * 5 >= most)
    return [round(step * number, 10) for number in range(math.ceil(most / step - 1e-9) + 1)]


def _upright(top: float, height: float, ticks: Sequence[tuple[float, str]]) -> list[str]:
    parts = [f'<path d="M{_LEFT} {top}v{height}H{_WIDTH - _RIGHT}" stroke="currentColor" fill="none"/>']
    for share, label in ticks:
        y = round(top + height * (1 - share) + 4, 1)
        parts.append(f'<text x="{_LEFT - 5}" y="{y}" text-anchor="end">{label}</text>')
    return parts


def _below(x: float, y: float, label: str, share: float) -> str:
    anchor = {0.0: "start", 1.0: "end"}.get(share, "middle")
    return f'<text x="{x:.1f}" y="{y + 14}" text-anchor="{anchor}">{label}</text>'
