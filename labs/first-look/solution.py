"""The reference solution of ``first-look``: for each question, the source of its answer cell.

It sees the evidence and nothing else, so it has to find the answers of every case. The cells are run in
the order of the lab, in one kernel; the first one defines what the others use.
"""

CAPTURE_LENGTH = '''\
import pandas as pd


def read(case):
    """The asset list, and one row per frame: time, length, network cards, IPv4 addresses."""
    assets = pd.read_csv(case.path("assets.csv"))
    frames = case.table(["frame.time_epoch", "frame.len", "eth.src", "eth.dst", "ip.src", "ip.dst"])
    return assets, frames


def find_gateway(frames):
    """The card behind which the most IPv4 addresses speak."""
    return frames.groupby("eth.src")["ip.src"].nunique().idxmax()


def find_unlisted(assets, frames):
    """The senders on this side of the gateway that the list does not know, each with its card."""
    here = frames[(frames["eth.src"] != find_gateway(frames)) & frames["ip.src"].notna()]
    return here.loc[~here["ip.src"].isin(assets["address"]), ["ip.src", "eth.src"]].drop_duplicates()


assets, frames = read(case)
times = frames["frame.time_epoch"]
case.answer("capture_length", times.max() - times.min())
'''

GATEWAY_MAC = """\
case.answer("gateway_mac", find_gateway(frames))
"""

TOP_HOST = """\
sent = frames.groupby("ip.src")["frame.len"].sum()
received = frames.groupby("ip.dst")["frame.len"].sum()
totals = sent.add(received, fill_value=0).reindex(assets["address"])
case.answer("top_host", assets.set_index("address").loc[totals.idxmax(), "hostname"])
"""

TOP_PAIR = """\
talks = frames.dropna(subset=["ip.src"])
both = [tuple(sorted(ends)) for ends in zip(talks["ip.src"], talks["ip.dst"])]
case.answer("top_pair", talks.groupby(pd.Series(both, index=talks.index))["frame.len"].sum().idxmax())
"""

WINDOWS_HOSTS = """\
syns = case.table(["ip.src", "ip.ttl"], "tcp.flags.syn == 1 && tcp.flags.ack == 0")
case.answer("windows_hosts", syns.loc[syns["ip.ttl"] == 128, "ip.src"].unique())
"""

KIOSK_SERVERS = """\
kiosk = assets.loc[assets["role"] == "kiosk", "address"].item()
names = case.table(["tls.handshake.extensions_server_name"], f"tls.handshake.type == 1 && ip.src == {kiosk}")
case.answer("kiosk_servers", names.iloc[:, 0].dropna().unique())
"""

STRANGER_ADDRESS = """\
unlisted = find_unlisted(assets, frames)
case.answer("stranger_address", unlisted["ip.src"].iloc[0])
"""

STRANGER_NAME = """\
leases = case.table(["eth.src", "dhcp.option.hostname"], "dhcp.option.hostname")
theirs = leases["eth.src"] == unlisted["eth.src"].iloc[0]
case.answer("stranger_name", leases.loc[theirs, "dhcp.option.hostname"].iloc[0])
"""

STRANGER_FINDER = """\
def find_stranger(case):
    unlisted = find_unlisted(*read(case))
    return None if unlisted.empty else unlisted["ip.src"].iloc[0]


case.method("stranger_finder", find_stranger)
"""

ANSWERS: dict[str, str] = {
    "capture_length": CAPTURE_LENGTH,
    "gateway_mac": GATEWAY_MAC,
    "top_host": TOP_HOST,
    "top_pair": TOP_PAIR,
    "windows_hosts": WINDOWS_HOSTS,
    "kiosk_servers": KIOSK_SERVERS,
    "stranger_address": STRANGER_ADDRESS,
    "stranger_name": STRANGER_NAME,
    "stranger_finder": STRANGER_FINDER,
}
"""Question id to the source of its answer cell."""
