"""When hosts open connections, and how long they wait between them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from csirtlab.kit.case import Case

_OPENING = "(tcp.flags.syn == 1 && tcp.flags.ack == 0) || tls.handshake.type == 1"
_FIELDS = [
    "tcp.stream", "frame.time_epoch", "ip.src", "ip.dst", "tcp.dstport", "tls.handshake.extensions_server_name",
]  # fmt: skip


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
