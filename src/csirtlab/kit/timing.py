"""When hosts open connections, and how long they wait between them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from csirtlab.kit.case import Case

_OPENING = "(tcp.flags.syn == 1 && tcp.flags.ack == 0) || tls.handshake.type == 1"
_FIELDS = [
    "tcp.stream", "frame.time_epoch", "ip.src", "ip.dst", "tcp.dstport", "tls.handshake.extensions_server_name",
]  # fmt: skip

_FEWEST_GAPS = 4
_MOST_PARTS = 20_000


def connections(case: "Case") -> "pd.DataFrame":
    """Return one row for each TCP connection of the capture, in order of their starts.

    Columns: ``stream`` (tshark's number), ``start`` (seconds since 1970 of the first SYN, repeated ones
    do not count), ``host`` (who opened it), ``peer`` (address), ``port``, ``name`` (the server name of
    the TLS ClientHello; address and port where there is none). Connections that began before the
    capture are not there.
    """
    opening = case.table(_FIELDS, _OPENING).set_axis(["stream", "start", "host", "peer", "port", "server"], axis=1)
    is_hello = opening["server"].notna()
    hellos = opening[is_hello].drop_duplicates("stream")
    names = dict(zip(hellos["stream"], hellos["server"], strict=True))
    # A ClientHello without its SYN belongs to a connection that began earlier.
    starts = opening[~is_hello].drop_duplicates("stream").drop(columns="server")
    found = starts.assign(
        name=[
            names.get(stream, f"{peer}:{port}")
            for stream, peer, port in zip(starts["stream"], starts["peer"], starts["port"], strict=True)
        ]
    )
    return found.sort_values("start", ignore_index=True)


def connection_gaps(case: "Case", src: str | None = None, dst: str | None = None) -> "pd.DataFrame":
    """Return the connections that ``src`` opened to ``dst``, with the gap before each.

    ``dst`` is a server name, an address, or an address with port; without ``src`` or ``dst`` all of them
    are there. Columns as of ``connections``, then ``time`` (aware UTC) and ``gap``: seconds since the
    same host's preceding connection to the same name, missing for the first.
    """
    import pandas as pd

    found = connections(case)
    if src is not None:
        found = found[found["host"] == src]
    if dst is not None:
        found = found[(found["name"] == dst) | (found["peer"] == dst)]
    gaps = found.groupby(["host", "name"])["start"].diff()
    times = pd.to_datetime(found["start"], unit="s", utc=True)
    return found.assign(time=times, gap=gaps).reset_index(drop=True)


def periodicity(case: "Case", src: str | None = None, dst: str | None = None) -> "pd.DataFrame":
    """Return how alike a host's connections to a server are to themselves, some time later.

    ``src`` and ``dst`` as of ``connection_gaps``. Columns: ``lag`` (seconds) and ``likeness``, the
    autocorrelation of the starts at that lag: near 0 where nothing repeats, up to 1 where every start
    is followed by another one after exactly that time. A timer has its highest peak at its interval.
    """
    return self_likeness(connection_gaps(case, src, dst)["start"].tolist())


def self_likeness(starts: Sequence[float]) -> "pd.DataFrame":
    """Return what ``periodicity`` does, for starts in seconds, ascending."""
    import numpy as np
    import pandas as pd

    times = np.asarray(starts, dtype=float)
    gaps = np.diff(times)
    if len(gaps) < _FEWEST_GAPS or times[-1] <= times[0]:
        return pd.DataFrame({"lag": [], "likeness": []}, dtype="float64")
    span = times[-1] - times[0]
    # A twentieth of the usual gap lets a jitter of some per cent fall into neighbouring parts, which are then
    # smoothed together; more parts than this would take long and show nothing more.
    width = max(float(np.median(gaps)) / 20, span / _MOST_PARTS, 0.01)
    parts = int(span / width) + 1
    counts, _ = np.histogram(times, bins=parts, range=(times[0], times[0] + width * parts))
    smooth = np.convolve(counts, [1, 2, 3, 4, 3, 2, 1], "same").astype(float)
    smooth -= smooth.mean()
    size = 2 ** int(np.ceil(np.log2(2 * len(smooth))))
    power = np.abs(np.fft.rfft(smooth, size)) ** 2
    whole = np.fft.irfft(power, size)[: len(smooth)]
    lags = np.arange(len(smooth)) * width
    # Nearer than the smoothing reaches, everything is like itself.
    keep = (lags >= 8 * width) & (lags <= span / 3)
    return pd.DataFrame({"lag": lags[keep], "likeness": whole[keep] / whole[0]})


def peak(likeness: "pd.DataFrame") -> tuple[float, float] | None:
    """Return the lag and the likeness of the highest peak; None where there is none."""
    if likeness.empty:
        return None
    values: list[float] = likeness["likeness"].tolist()
    best = max(range(len(values)), key=values.__getitem__)
    return float(likeness["lag"].iloc[best]), values[best]
