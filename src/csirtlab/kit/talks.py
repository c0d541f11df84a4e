"""Who talks to whom in a capture, how much and when: as tables."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from csirtlab.kit.case import Case

_FIELDS = ["frame.time_epoch", "frame.len", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst"]
BINS = 120


def frames(case: "Case", display_filter: str | None = None) -> "pd.DataFrame":
    """Return one row for each IP packet: ``time`` (seconds since 1970), ``size`` (bytes), ``src``, ``dst``."""
    found = case.table(_FIELDS, display_filter)
    source = found["ip.src"].fillna(found["ipv6.src"])
    target = found["ip.dst"].fillna(found["ipv6.dst"])
    packets = found[["frame.time_epoch", "frame.len"]].set_axis(["time", "size"], axis=1)
    return packets.assign(src=source, dst=target).dropna(subset=["src", "dst"]).reset_index(drop=True)


def conversations(
    case: "Case", display_filter: str | None = None, start: object = None, end: object = None
) -> "pd.DataFrame":
    """Return one row for each pair of addresses that exchanged packets, the largest first.

    ``start`` and ``end`` narrow the time: seconds since 1970, or anything that pandas reads as a time (UTC
    where no zone is said). Columns: ``a`` (who sent the first packet) and ``b``, ``packets``, ``bytes`` on
    the wire, of which ``sent`` by a and ``received`` by it, ``first`` and ``last`` (aware UTC).
    """
    return summed_up(between(frames(case, display_filter), start, end))


def between(packets: "pd.DataFrame", start: object = None, end: object = None) -> "pd.DataFrame":
    """Return the rows of ``frames`` from ``start`` to ``end``, both included."""
    low, high = _seconds(start), _seconds(end)
    return packets[packets["time"].between(float("-inf") if low is None else low,
                                           float("inf") if high is None else high)]  # fmt: skip


def _seconds(time: Any) -> float | None:
    import pandas as pd

    if time is None or isinstance(time, int | float):
        return time
    read = pd.Timestamp(time)
    return (read.tz_localize("UTC") if read.tzinfo is None else read).timestamp()


def summed_up(packets: "pd.DataFrame") -> "pd.DataFrame":
    """Return the conversations that the rows of ``frames`` make up."""
    import numpy as np
    import pandas as pd

    low = np.where(packets["src"] <= packets["dst"], packets["src"], packets["dst"])
    high = np.where(packets["src"] <= packets["dst"], packets["dst"], packets["src"])
    groups = packets.assign(low=low, high=high).sort_values("time", kind="stable").groupby(["low", "high"])
    found = groups.agg(
        a=("src", "first"), b=("dst", "first"), packets=("size", "size"), bytes=("size", "sum"),
        first=("time", "min"), last=("time", "max"),
    )  # fmt: skip
    by_sender = packets.groupby(["src", "dst"])["size"].sum()
    sent = [by_sender.get((a, b), 0) for a, b in zip(found["a"], found["b"], strict=True)]
    found = found.assign(sent=sent, received=found["bytes"] - sent)
    for column in ("first", "last"):
        found[column] = pd.to_datetime(found[column], unit="s", utc=True)
    ordered = found.sort_values(["bytes", "a", "b"], ascending=[False, True, True], ignore_index=True)
    return ordered[["a", "b", "packets", "bytes", "sent", "received", "first", "last"]]


def activity(case: "Case", display_filter: str | None = None, bins: int = BINS) -> "pd.DataFrame":
    """Return how many packets and bytes pass in each of ``bins`` equal parts of the capture.

    Columns: ``time`` (aware UTC, when the part begins), ``packets``, ``bytes``.
    """
    return counted(frames(case, display_filter), bins)


def counted(packets: "pd.DataFrame", bins: int = BINS) -> "pd.DataFrame":
    """Return what ``activity`` does, for rows of ``frames``."""
    import numpy as np
    import pandas as pd

    if packets.empty:
        return pd.DataFrame({"time": pd.to_datetime([], utc=True), "packets": [], "bytes": []})
    first = packets["time"].min()
    edges = np.linspace(first, max(packets["time"].max(), first + 1.0), bins + 1)
    numbers, _ = np.histogram(packets["time"], edges)
    sizes, _ = np.histogram(packets["time"], edges, weights=packets["size"])
    times = pd.to_datetime(edges[:-1], unit="s", utc=True)
    return pd.DataFrame({"time": times, "packets": numbers, "bytes": sizes.astype("int64")})


def host_names(case: "Case") -> dict[str, str]:
    """Return address -> name of the hosts in the list of assets, if the case has one."""
    import csv

    if "assets.csv" not in case.sheet.evidence:
        return {}
    with case.path("assets.csv").open(encoding="utf-8", newline="") as file:
        rows: Iterable[dict[str, str]] = csv.DictReader(file)
        return {row["address"]: row["hostname"] for row in rows if row.get("address") and row.get("hostname")}
