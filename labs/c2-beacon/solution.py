"""The reference solution of ``c2-beacon``: for each question, the source of its answer cell.

It sees the evidence and nothing else, so it has to find the answers of every case. The cells are run in
the order of the lab, in one kernel; the first one defines what the others use.
"""

INFECTED_HOST = '''\
def https_connections(case):
    """One row per HTTPS connection: stream, start, host, address, name, and the payload bytes sent."""
    syns = case.table(
        ["tcp.stream", "frame.time_epoch", "ip.src", "ip.dst"],
        "tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.dstport == 443",
    )
    hellos = case.table(["tcp.stream", "tls.handshake.extensions_server_name"], "tls.handshake.type == 1")
    segments = case.table(["tcp.stream", "tcp.seq", "tcp.len"], "tcp.dstport == 443 && tcp.len > 0")
    segments["sent"] = segments["tcp.seq"] + segments["tcp.len"] - 1
    found = syns.drop_duplicates("tcp.stream").set_axis(["stream", "start", "host", "address"], axis=1)
    found["name"] = found["stream"].map(hellos.drop_duplicates("tcp.stream").set_index("tcp.stream").iloc[:, 0])
    found["sent"] = found["stream"].map(segments.groupby("tcp.stream")["sent"].max()).fillna(0).astype(int)
    return found


def find_timers(connections):
    """The pairs of host and name that keep a rhythm and that no other host shares, the steadiest first."""
    hosts = connections.groupby("name")["host"].nunique()
    rows = []
    for (host, name), starts in connections.groupby(["host", "name"])["start"]:
        gaps = starts.sort_values().diff().dropna()
        if len(gaps) < 12 or hosts[name] > 1:
            continue
        middle = gaps.median()
        spread = (gaps - middle).abs().median() / middle
        # Three quarters of a person's gaps are far from their median; of a timer's, however jittered, few are.
        near = (gaps.between(middle / 2, middle * 1.5)).mean()
        if near > 0.8:
            rows.append({"host": host, "name": name, "interval": middle, "spread": spread})
    return sorted(rows, key=lambda row: row["spread"])


def find_scattered(timers):
    """The timer that scatters as if on purpose: by about ten per cent, where a plain one keeps within two."""
    return next((row for row in timers if row["spread"] > 0.03), None)


connections = https_connections(case)
timers = find_timers(connections)
found = find_scattered(timers)
case.answer("infected_host", found["host"])
'''

C2_DOMAIN = """\
case.answer("c2_domain", found["name"])
"""

LOOK_ALIKE = """\
case.answer("look_alike", timers[0]["name"])
"""

FIRST_BEACON = """\
beacon = connections[(connections["host"] == found["host"]) & (connections["name"] == found["name"])]
calls = beacon.sort_values("start")
case.answer("first_beacon", calls["start"].min())
"""

BEACON_INTERVAL = """\
case.answer("beacon_interval", calls["start"].diff().median())
"""

BYTES_OUT = """\
case.answer("bytes_out", calls["sent"].sum())
"""

BEACON_DETECTOR = """\
def find_beacon(case):
    row = find_scattered(find_timers(https_connections(case)))
    return row and row["host"]


case.method("beacon_detector", find_beacon)
"""

INCIDENT_NOTE = """\
**TLP:AMBER** · for the head of the CSIRT · all times UTC

**We are affected: one workstation is very probably controlled from outside. I am confident of the communication, less so of its cause.**

**Observed.** In the capture of the mirror port, one workstation (host, server, first time, interval and volume as in my answers 1 to 6) \
opens short HTTPS connections to a single server name from the first minutes of the capture to its end. The gaps gather round one value \
and scatter by more than ten per cent to both sides, whatever else the host does. No other host asks for that name. \
Some connections send many times more than the rest.

**Inferred.** An implant that hides its rhythm; the large uploads look like orders carried out. The bytes sent limit what can have left this way.

**Dismissed.** A second workstation calls another service just as often, but to within a second and with the same volume: \
most likely telemetry. Its owner should confirm.

**Not known.** How it got in, since when (the capture is an hour long), the content, other networks.

**Proposed, in this order.** 1. Network team, on your decision: isolate the workstation, leave it switched on. 2. CSIRT: take memory and disk, \
search DNS and proxy logs of all sites for the name. 3. Answer the regional network, TLP:AMBER. \
4. You decide, after step 2, when to block: a block warns the intruder.
"""

ANSWERS: dict[str, str] = {
    "infected_host": INFECTED_HOST,
    "c2_domain": C2_DOMAIN,
    "look_alike": LOOK_ALIKE,
    "first_beacon": FIRST_BEACON,
    "beacon_interval": BEACON_INTERVAL,
    "bytes_out": BYTES_OUT,
    "beacon_detector": BEACON_DETECTOR,
    "incident_note": INCIDENT_NOTE,
}
"""Question id to the source of its answer cell; of a report, its Markdown text."""
