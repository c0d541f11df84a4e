"""Views of a case to look with: the rhythm of connections, and a browser of packets.

Made of ipywidgets' own controls, so that they work by keyboard and with screen readers; each picture
has its content in words below it. What they show can be had as a table too: ``connection_gaps``.
"""

import functools
import html
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from csirtlab.kit import plots, readers, show, timing

if TYPE_CHECKING:
    import pandas as pd

    from csirtlab.kit.case import Case

Widget: TypeAlias = Any  # ipywidgets has no types

_FEWEST = 3  # connections of a pair, below which there is no rhythm to see
_MOST_PAIRS = 500  # in the list; a browser's list grows slow beyond
_COLUMNS = ["frame.number", "frame.time_relative", "_ws.col.Source", "_ws.col.Destination", "_ws.col.Protocol",
            "frame.len", "_ws.col.Info"]  # fmt: skip
_PAGE = 25


def timeline(case: "Case", src: str | None = None, dst: str | None = None) -> Widget:
    """Show when a host opened connections to a server, and the gaps between them; choose the pair in a list.

    The pairs with most connections come first. The slider narrows the view to a part of the capture.
    The same figures as a table: ``connection_gaps(case, src, dst)``.
    """
    import ipywidgets as w

    tell = functools.partial(show.tell, case.language)
    found = timing.connection_gaps(case, src, dst)
    counts = Counter(zip(found["host"], found["name"], strict=True))
    pairs = [(f"{host} → {name} ({count})", (host, name)) for (host, name), count in counts.most_common(_MOST_PAIRS)
             if count >= _FEWEST]  # fmt: skip
    if not pairs:
        return w.HTML(show.as_html("told", tell("No host opens three or more connections to the same server here.")))
    first, last = found["start"].min(), found["start"].max()
    wide = w.Layout(width="100%", max_width="760px")
    choice = w.Dropdown(options=pairs, description=tell("Pair"), layout=wide)
    part = w.FloatRangeSlider(
        value=(0, 100), min=0, max=100, step=0.5, description=tell("Part, %"), continuous_update=False, layout=wide
    )
    picture, words = w.HTML(), w.HTML()

    def draw(_: object = None) -> None:
        host, name = choice.value or pairs[0][1]
        begin, end = (first + (last - first) * share / 100 for share in part.value)
        shown = found[(found["host"] == host) & (found["name"] == name) & found["start"].between(begin, end)]
        described = describe_gaps(shown, case.language)
        picture.value = plots.rhythm_picture(
            shown["start"].tolist(),
            title=f"{host} → {name}",
            description=described,
            labels=[tell("Starts of connections (UTC)"), tell("Gap before each, seconds"),
                    tell("How many gaps of which length, seconds")],
        )  # fmt: skip
        words.value = f'<p role="status">{html.escape(described)}</p>'

    choice.observe(draw, "value")
    part.observe(draw, "value")
    draw()
    return w.VBox([choice, part, picture, words])


def describe_gaps(connections: "pd.DataFrame", language: str) -> str:
    """Return in words what the picture of some connections (rows of ``connection_gaps``) shows."""
    gaps = connections["start"].diff().dropna()
    if gaps.empty:
        return show.tell(language, "{count} connections here: no gap to measure.", count=len(connections))
    return show.tell(
        language,
        "{count} connections from {first} to {last} UTC. The gaps between them: median {median} s, half of them "
        "between {low} s and {high} s, the shortest {least} s, the longest {most} s.",
        count=len(connections),
        first=f"{connections['time'].iloc[0]:%Y-%m-%d %H:%M:%S}",
        last=f"{connections['time'].iloc[-1]:%Y-%m-%d %H:%M:%S}",
        median=_seconds(gaps.median()),
        low=_seconds(float(gaps.quantile(0.25))),
        high=_seconds(float(gaps.quantile(0.75))),
        least=_seconds(gaps.min()),
        most=_seconds(gaps.max()),
    )


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"


def packet_list(case: "Case", display_filter: str | None = None) -> "pd.DataFrame":
    """Return the packets that match a display filter as ``packet_browser`` lists them, one row each.

    Columns: ``number``, ``time`` (seconds since the capture's start), ``source``, ``destination``,
    ``protocol``, ``length``, ``info``.
    """
    names = ["number", "time", "source", "destination", "protocol", "length", "info"]
    return case.table(_COLUMNS, display_filter).set_axis(names, axis=1)


def packet_browser(case: "Case", display_filter: str | None = None) -> Widget:
    """Browse the packets that match a display filter: a page of lines, and the chosen packet in full.

    The filter can be changed in place. The same lines as a table: ``packet_list(case, display_filter)``.
    """
    import ipywidgets as w

    tell = functools.partial(show.tell, case.language)
    wide = w.Layout(width="100%")
    lines: list[list[str]] = []
    asked = w.Text(value=display_filter or "", description=tell("Filter"), continuous_update=False, layout=wide)
    page = w.BoundedIntText(value=1, min=1, max=1, description=tell("Page"))
    summary, full = w.HTML(), w.HTML()
    listed = w.Select(options=[], rows=12, layout=wide)
    listed.add_class("csirtlab-packets")
    style = w.HTML("<style>.csirtlab-packets select, .csirtlab-packets option {font-family: monospace}</style>")

    def load(_: object = None) -> None:
        try:
            lines[:] = readers.tshark_rows(case.path(_capture_name(case)), _COLUMNS, asked.value or None, case.language)
        except show.KitError as error:
            summary.value = show.as_html("wrong", str(error))
            return
        page.max = max(1, -(-len(lines) // _PAGE))
        page.value = 1
        turn()

    def turn(_: object = None) -> None:
        begin = (page.value - 1) * _PAGE
        summary.value = show.as_html(
            "told", tell("{count} packets, page {page} of {pages}.", count=len(lines), page=page.value, pages=page.max)
        )
        listed.options = [(_line(row), row[0]) for row in lines[begin : begin + _PAGE]]

    def dissect(_: object = None) -> None:
        text = (
            readers.dissection(case.path(_capture_name(case)), int(listed.value), case.language) if listed.value else ""
        )
        full.value = f'<pre tabindex="0" style="max-height: 24em; overflow: auto">{html.escape(text)}</pre>'

    asked.observe(load, "value")
    page.observe(turn, "value")
    listed.observe(dissect, "value")
    load()
    return w.VBox([style, asked, w.HBox([page, summary]), listed, full])


def _line(row: list[str]) -> str:
    number, time, source, destination, protocol, length, info = [*row, *[""] * len(_COLUMNS)][: len(_COLUMNS)]
    start = f"{number:>6} {float(time or 0):>11.6f} {source:<15} {destination:<15}"
    return f"{start} {protocol:<8} {length:>5} {info[:120]}"


def _capture_name(case: "Case") -> str:
    return next((name for name in case.sheet.evidence if name.endswith((".pcap", ".pcapng"))), "capture.pcap")
