"""Views over a whole capture: its conversations, its activity with a brush, what repeats itself in it.

Made of ipywidgets' own controls, like those of ``widgets``; each shows in words and as a table what it draws,
and says with which line of code the same table is had.
"""

import functools
import html
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from csirtlab.kit import drawings, show, talks, timing

if TYPE_CHECKING:
    import pandas as pd

    from csirtlab.kit.case import Case

Widget: TypeAlias = Any  # ipywidgets has no types

_MOST_DRAWN = 60  # conversations; more lines than that show nothing
_ROWS = 8  # of a table below a picture
_FEWEST = 6  # connections of a pair, below which nothing can be seen to repeat
_FAINTEST = 0.2  # likeness; people browsing reach less, and a line through it would say what is not there
_MOST_PAIRS = 500  # in the list; a browser's list grows slow beyond


def _described(words: str, table: str = "", code: str = "") -> str:
    ending = f'<p><code style="user-select: all">{html.escape(code)}</code></p>' if code else ""
    return f'<p role="status">{html.escape(words)}</p>{table}{ending}'


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    cells = "".join(f'<th scope="col" style="text-align: left; padding-right: 1.2em">{html.escape(name)}</th>'
                    for name in head)  # fmt: skip
    lines = "".join(
        "<tr>" + "".join(f'<td style="padding-right: 1.2em">{html.escape(str(cell))}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f'<div style="overflow-x: auto"><table><tr>{cells}</tr>{lines}</table></div>'


def conversation_graph(case: "Case", display_filter: str | None = None) -> Widget:
    """Show who talks to whom: the largest conversations, private addresses on the left, the others on the right.

    Choose what makes a conversation large, how many are drawn, and a host to look at.
    The same as a table: ``conversations(case, display_filter)``.
    """
    import ipywidgets as w

    tell = functools.partial(show.tell, case.language)
    found = talks.conversations(case, display_filter)
    if found.empty:
        return w.HTML(show.as_html("told", tell("No IP packets match here.")))
    names = talks.host_names(case)
    wide = w.Layout(width="100%", max_width="760px")
    style = {"description_width": "initial"}
    measure = w.Dropdown(
        options=[(tell("bytes"), "bytes"), (tell("packets"), "packets")],
        description=tell("By"),
        style=style,
        layout=wide,
    )
    most = min(_MOST_DRAWN, len(found))
    count = w.IntSlider(
        value=min(25, most), min=1, max=most, description=tell("Conversations"), style=style,
        continuous_update=False, layout=wide,
    )  # fmt: skip
    host = w.Dropdown(options=[(tell("all hosts"), "")], description=tell("Host"), style=style, layout=wide)
    picture, words = w.HTML(), w.HTML()

    def draw(_: object = None) -> None:
        key, chosen = str(measure.value), str(host.value or "")
        ordered = found.sort_values([key, "a", "b"], ascending=[False, True, True])
        drawn = ordered.head(count.value)
        described = _describe_conversations(found, drawn, chosen, key, case.language)
        edges = [drawings.Edge(*row) for row in drawn[["a", "b", key]].itertuples(index=False)]
        picture.value = drawings.conversation_picture(
            edges, names, chosen=chosen or None, title=tell("Conversations"), description=described,
            labels=[tell("Private addresses"), tell("Other addresses")],
        )  # fmt: skip
        rows = ordered[(ordered["a"] == chosen) | (ordered["b"] == chosen)] if chosen else drawn
        words.value = _described(
            described, _conversation_table(rows, case.language), _code("conversations", display_filter)
        )

    def offer(_: object = None) -> None:
        drawn = found.sort_values([str(measure.value), "a", "b"], ascending=[False, True, True]).head(count.value)
        kept = host.value
        offered = sorted({*drawn["a"], *drawn["b"]})
        host.options = [(tell("all hosts"), ""), *((_called(each, names), each) for each in offered)]
        host.value = kept if kept in offered else ""
        draw()

    measure.observe(offer, "value")
    count.observe(offer, "value")
    host.observe(draw, "value")
    offer()
    return w.VBox([measure, count, host, picture, words])


def _called(host: str, names: dict[str, str]) -> str:
    return f"{names[host]} · {host}" if host in names else host


def _code(function: str, display_filter: str | None, *more: str) -> str:
    arguments = ["case", *([repr(display_filter)] if display_filter else []), *more]
    return f"{function}({', '.join(arguments)})"


def _describe_conversations(found: "pd.DataFrame", drawn: "pd.DataFrame", chosen: str, key: str, language: str) -> str:
    share = round(100 * drawn[key].sum() / max(found[key].sum(), 1))
    if not chosen:
        return show.tell(
            language, "{drawn} of {count} conversations, with {share} % of all {measure}.",
            drawn=len(drawn), count=len(found), share=share, measure=show.tell(language, key),
        )  # fmt: skip
    own = found[(found["a"] == chosen) | (found["b"] == chosen)]
    return show.tell(
        language, "{host} talks to {count} hosts: {packets} packets, {bytes} bytes.",
        host=chosen, count=len(own), packets=own["packets"].sum(), bytes=own["bytes"].sum(),
    )  # fmt: skip


def _conversation_table(rows: "pd.DataFrame", language: str) -> str:
    tell = functools.partial(show.tell, language)
    head = [tell("From"), tell("To"), tell("packets"), tell("bytes"), tell("First (UTC)"), tell("Last (UTC)")]
    shown = [
        (row.a, row.b, row.packets, row.bytes, f"{row.first:%H:%M:%S}", f"{row.last:%H:%M:%S}")
        for row in rows.head(_ROWS).itertuples(index=False)
    ]
    return _table(head, shown)


def activity_timeline(case: "Case", display_filter: str | None = None) -> Widget:
    """Show when how much passes, and for the brushed part who talks to whom in it.

    The slider's two ends are the brush; by keyboard, Tab reaches each and the arrow keys move it. The same
    as tables: ``activity(case, display_filter)`` and ``conversations(case, display_filter, start, end)``.
    """
    import ipywidgets as w
    import pandas as pd

    tell = functools.partial(show.tell, case.language)
    packets = talks.frames(case, display_filter)
    if packets.empty:
        return w.HTML(show.as_html("told", tell("No IP packets match here.")))
    bars = talks.counted(packets)
    times = [time.timestamp() for time in bars["time"]]
    step = times[1] - times[0]
    clocks = [f"{time:%H:%M:%S}" for time in bars["time"]]
    wide = w.Layout(width="100%", max_width="760px")
    style = {"description_width": "initial"}
    measure = w.Dropdown(
        options=[(tell("packets"), "packets"), (tell("bytes"), "bytes")],
        description=tell("By"),
        style=style,
        layout=wide,
    )
    brush = w.SelectionRangeSlider(
        options=[(clock, number) for number, clock in enumerate(_distinct(clocks))], index=(0, len(clocks) - 1),
        description=tell("From, to"), style=style, continuous_update=False, layout=wide,
    )  # fmt: skip
    picture, words = w.HTML(), w.HTML()

    def draw(_: object = None) -> None:
        low, high = brush.value
        start, end = times[low], times[high] + step
        part = talks.between(packets, start, end)
        found = talks.summed_up(part)
        described = tell(
            "From {start} to {end} UTC: {packets} packets, {bytes} bytes, {count} conversations.",
            start=f"{pd.Timestamp(start, unit='s'):%H:%M:%S}", end=f"{pd.Timestamp(end, unit='s'):%H:%M:%S}",
            packets=len(part), bytes=part["size"].sum(), count=len(found),
        )  # fmt: skip
        picture.value = drawings.activity_picture(
            times, bars[measure.value].tolist(), brushed=(start, end), title=tell("Activity"), description=described,
            label=tell("{measure} in each {seconds} s", measure=tell(str(measure.value)), seconds=f"{step:.3g}"),
        )  # fmt: skip
        code = _code("conversations", display_filter, f"start={start:.3f}", f"end={end:.3f}")
        words.value = _described(described, _conversation_table(found, case.language), code)

    measure.observe(draw, "value")
    brush.observe(draw, "value")
    draw()
    return w.VBox([measure, brush, picture, words])


def _distinct(labels: Sequence[str]) -> list[str]:
    """Return the labels with blanks added where one repeats: a slider needs different ones."""
    seen: Counter[str] = Counter()
    distinct = []
    for label in labels:
        distinct.append(label + "\u200b" * seen[label])
        seen[label] += 1
    return distinct


def periodicity_plot(case: "Case", src: str | None = None, dst: str | None = None) -> Widget:
    """Show after which time a host's connections to a server repeat; choose the pair in a list.

    The pairs with most connections come first. The same as a table: ``periodicity(case, src, dst)``.
    """
    import ipywidgets as w

    tell = functools.partial(show.tell, case.language)
    found = timing.connection_gaps(case, src, dst)
    counts = Counter(zip(found["host"], found["name"], strict=True))
    pairs = [(f"{host} → {name} ({count})", (host, name)) for (host, name), count in counts.most_common(_MOST_PAIRS)
             if count >= _FEWEST]  # fmt: skip
    if not pairs:
        return w.HTML(show.as_html("told", tell("No host opens six or more connections to the same server here.")))
    wide = w.Layout(width="100%", max_width="760px")
    choice = w.Dropdown(options=pairs, description=tell("Pair"), layout=wide)
    picture, words = w.HTML(), w.HTML()

    def draw(_: object = None) -> None:
        host, name = choice.value or pairs[0][1]
        starts = found[(found["host"] == host) & (found["name"] == name)]["start"].tolist()
        likeness = timing.self_likeness(starts)
        best = timing.peak(likeness)
        if best is not None and best[1] < _FAINTEST:
            best = None
        described = tell(
            "{count} connections. No time after which they repeat can be told.", count=len(starts)
        ) if best is None else tell(
            "{count} connections. They are most like themselves after {lag} s: likeness {likeness} of at most 1.",
            count=len(starts), lag=f"{best[0]:.1f}", likeness=f"{best[1]:.2f}",
        )  # fmt: skip
        picture.value = drawings.curve_picture(
            likeness["lag"].tolist(), likeness["likeness"].tolist(), marked=best and best[0],
            title=f"{host} → {name}", description=described,
            labels=[tell("Likeness to itself, after"), tell("seconds")],
        )  # fmt: skip
        words.value = _described(described, code=f"periodicity(case, {host!r}, {name!r})")

    choice.observe(draw, "value")
    draw()
    return w.VBox([choice, picture, words])
