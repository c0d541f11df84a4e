"""SVG pictures of a capture: who talks to whom, when how much passes, what repeats itself."""

import html
import ipaddress
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from csirtlab.kit.plots import INK, round_ticks

ACCENT = "#b35900"
_WIDTH, _LEFT, _RIGHT, _TOP, _HIGH = 760, 64, 14, 26, 130
_ROW, _COLUMN_LEFT, _COLUMN_RIGHT = 19, 250, 510


@dataclass(frozen=True)
class Edge:
    """A conversation as it is drawn."""

    a: str
    b: str
    weight: float


# Not is_private: for Python, the addresses that documentation uses are private too.
_OWN = [
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
]  # RFC 1918, 3927, 4193, 4291


def _svg(height: float, title: str, description: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" role="img" '
        f'style="max-width: {_WIDTH}px; width: 100%; color: var(--jp-ui-font-color1, #222)" font-size="11" '
        f'font-family="sans-serif" fill="currentColor"><title>{html.escape(title)}</title>'
        f"<desc>{html.escape(description)}</desc>{''.join(parts)}</svg>"
    )


def is_own(address: str) -> bool:
    """Return whether an address belongs to a private network: the near side of the picture."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _OWN)


def conversation_picture(
    edges: Sequence[Edge],
    names: Mapping[str, str],
    *,
    chosen: str | None,
    title: str,
    description: str,
    labels: Sequence[str],
) -> str:
    """Return a picture with private addresses on the left and the others on the right, a line for each edge.

    A thicker line has more weight; those of the ``chosen`` host stand out. ``labels`` head the two columns.
    """
    hosts = sorted({host for edge in edges for host in (edge.a, edge.b)}, key=_order)
    near = [host for host in hosts if is_own(host)]
    far = [host for host in hosts if not is_own(host)]
    rows = max(len(near), len(far), 1)
    places = {
        host: (x, _TOP + _ROW * (number + 0.5) + (rows - len(column)) * _ROW / 2)
        for x, column in ((_COLUMN_LEFT, near), (_COLUMN_RIGHT, far))
        for number, host in enumerate(column)
    }
    heaviest = max((edge.weight for edge in edges), default=1.0)
    ordered = sorted(edges, key=lambda edge: chosen in (edge.a, edge.b))  # what stands out is drawn last
    parts = [
        f'<text x="{_COLUMN_LEFT}" y="13" text-anchor="end" font-weight="bold">{html.escape(labels[0])}</text>',
        f'<text x="{_COLUMN_RIGHT}" y="13" font-weight="bold">{html.escape(labels[1])}</text>',
    ]
    parts += [_line(edge, places, heaviest, chosen) for edge in ordered]
    parts += [_host(host, places[host], names, chosen) for host in hosts]
    return _svg(_TOP + _ROW * rows + 10, title, description, parts)


def _order(host: str) -> tuple[int, int, str]:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return 9, 0, host
    return address.version, int(address), host


def _line(edge: Edge, places: Mapping[str, tuple[float, float]], heaviest: float, chosen: str | None) -> str:
    (ax, ay), (bx, by) = places[edge.a], places[edge.b]
    # By the logarithm: traffic spans many powers of ten.
    wide = 0.8 + 5 * math.log1p(edge.weight) / math.log1p(heaviest)
    is_chosen = chosen in (edge.a, edge.b)
    inwards = 110 if ax == _COLUMN_LEFT else -110
    other = inwards if ax == bx else -inwards
    colour = ACCENT if is_chosen else INK
    opacity = 0.9 if is_chosen else 0.5 if chosen is None else 0.15
    return (
        f'<path d="M{ax:g} {ay:g}C{ax + inwards:g} {ay:g} {bx + other:g} {by:g} {bx:g} {by:g}" fill="none" '
        f'stroke="{colour}" stroke-width="{wide:.1f}" stroke-opacity="{opacity}"/>'
    )


def _host(host: str, place: tuple[float, float], names: Mapping[str, str], chosen: str | None) -> str:
    x, y = place
    is_near = x == _COLUMN_LEFT
    name = f"{names[host]} · {host}" if host in names else host
    shown = name if len(name) <= 40 else f"{name[:39]}…"
    weight = ' font-weight="bold"' if host == chosen else ""
    return (
        f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{ACCENT if host == chosen else INK}"/>'
        f'<text x="{x + (-9 if is_near else 9):g}" y="{y + 4:g}" text-anchor="{"end" if is_near else "start"}"{weight}>'
        f"{html.escape(shown)}</text>"
    )


def activity_picture(
    times: Sequence[float],
    amounts: Sequence[float],
    *,
    brushed: tuple[float, float],
    title: str,
    description: str,
    label: str,
) -> str:
    """Return bars of amounts over time (seconds since 1970, when each part begins); the brushed part stands out."""
    width = (_WIDTH - _LEFT - _RIGHT) / max(len(times), 1)
    parts = [f'<text x="{_LEFT}" y="14" font-weight="bold">{html.escape(label)}</text>']
    if times:
        step = times[1] - times[0] if len(times) > 1 else 1.0
        ticks = round_ticks(max(amounts))
        for number, (time, amount) in enumerate(zip(times, amounts, strict=True)):
            high = _HIGH * amount / ticks[-1]
            is_in = time + step > brushed[0] and time <= brushed[1]
            look = f'fill="{ACCENT if is_in else INK}" fill-opacity="{1 if is_in else 0.45}"'
            parts.append(
                f'<rect x="{_LEFT + number * width:.1f}" y="{_TOP + _HIGH - high:.1f}" '
                f'width="{max(width - 0.6, 0.6):.1f}" height="{high:.1f}" {look}/>'
            )
        parts += _axes([(tick / ticks[-1], short(tick)) for tick in ticks])
        span = step * len(times)
        parts += [_below(share, _clock(times[0] + share * span)) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return _svg(_TOP + _HIGH + 24, title, description, parts)


def curve_picture(
    xs: Sequence[float],
    ys: Sequence[float],
    *,
    marked: float | None,
    title: str,
    description: str,
    labels: Sequence[str],
) -> str:
    """Return a curve over ``xs`` from 0, with a mark at ``marked``; ``labels`` names the picture and its x axis."""
    parts = [
        f'<text x="{_LEFT}" y="14" font-weight="bold">{html.escape(labels[0])}</text>',
        f'<text x="{_WIDTH - _RIGHT}" y="{_TOP + _HIGH + 30}" text-anchor="end">{html.escape(labels[1])}</text>',
    ]
    if len(xs) > 1:
        ticks = round_ticks(max(xs))
        wide = _WIDTH - _LEFT - _RIGHT

        def at(x: float, y: float) -> str:
            return f"{_LEFT + x / ticks[-1] * wide:.1f} {_TOP + _HIGH * (1 - min(max(y, 0.0), 1.0)):.1f}"

        path = "L".join(at(x, y) for x, y in zip(xs, ys, strict=True))
        parts.append(f'<path d="M{path}" fill="none" stroke="{INK}" stroke-width="1.4"/>')
        if marked is not None:
            x = _LEFT + marked / ticks[-1] * wide
            parts.append(
                f'<path d="M{x:.1f} {_TOP}v{_HIGH}" stroke="{ACCENT}" stroke-width="2" stroke-dasharray="5 3"/>'
            )
        parts += _axes([(share, f"{share:g}") for share in (0.0, 0.5, 1.0)])
        parts += [_below(tick / ticks[-1], f"{tick:g}") for tick in ticks]
    return _svg(_TOP + _HIGH + 38, title, description, parts)


def _axes(ticks: Sequence[tuple[float, str]]) -> list[str]:
    parts = [f'<path d="M{_LEFT} {_TOP}v{_HIGH}H{_WIDTH - _RIGHT}" stroke="currentColor" fill="none"/>']
    for share, label in ticks:
        parts.append(f'<text x="{_LEFT - 5}" y="{_TOP + _HIGH * (1 - share) + 4:.1f}" text-anchor="end">{label}</text>')
    return parts


def _below(share: float, label: str) -> str:
    anchor = {0.0: "start", 1.0: "end"}.get(share, "middle")
    x = _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
    return f'<text x="{x:.1f}" y="{_TOP + _HIGH + 15}" text-anchor="{anchor}">{label}</text>'


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")


def short(number: float) -> str:
    """Return a number with k or M, as an axis has room for it."""
    for unit, mark in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:g} {mark}"
    return f"{number:g}"
