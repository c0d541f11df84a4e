"""The reference solution of ``custody``: for each question, the source of its answer cell.

It sees the evidence and nothing else, so it has to find the answers of every case. The cells are run in
the order of the lab, in one kernel; the first one defines what the others use.
"""

TRUE_COPY = '''\
import hashlib

import pandas as pd

EXPORT = 'http.request.uri contains "/reportes/exportar"'
exhibits = {name: case.path(name).read_bytes() for name in case.sheet.evidence if name.startswith("exhibits/")}
custody = pd.read_csv(case.path("custody.csv"))
written = custody["sha256"].iloc[0]
true = next(name for name, content in exhibits.items() if hashlib.sha256(content).hexdigest() == written)
case.answer("true_copy", true.rsplit("/", 1)[1])
'''

LOST_PACKETS = """\
short = min(exhibits, key=lambda name: len(exhibits[name]))
count = lambda name: len(case.table(["frame.number"], name=name))
case.answer("lost_packets", count(true) - count(short))
"""

ALTERED_BYTES = """\
(altered,) = exhibits.keys() - {true, short}
case.answer("altered_bytes", sum(mine != theirs for mine, theirs in zip(exhibits[true], exhibits[altered])))
"""

BROKEN_ENTRY = """\
above = custody["received_by"].shift()
case.answer("broken_entry", custody.loc[above.notna() & (above != custody["handed_over_by"]), "entry"].item())
"""

INSIDER_ADDRESS = """\
exports = case.table(["tcp.stream", "ip.src"], EXPORT)
case.answer("insider_address", exports["ip.src"].iloc[0])
"""

CLOCK_ERROR = '''\
def clock_error(case):
    """The median of the server's Date less the second in which the answer passed, without its sign."""
    assets = pd.read_csv(case.path("assets.csv"))
    server = assets.loc[assets["role"] == "intranet web server", "address"].item()
    dates = case.table(["frame.time_epoch", "http.date"], f"http.date && ip.src == {server}")
    said = pd.to_datetime(dates["http.date"], format="%a, %d %b %Y %H:%M:%S GMT", utc=True)
    seen = pd.to_datetime(dates["frame.time_epoch"], unit="s", utc=True).dt.floor("s")
    return abs((said - seen).median().total_seconds())


case.answer("clock_error", clock_error(case))
'''

FIRST_EXPORT = """\
stream, client = exports.iloc[0]
answers = case.table(["frame.time_epoch"], f"tcp.stream == {stream} && tcp.len > 0 && ip.dst == {client}")
case.answer("first_export", answers["frame.time_epoch"].min())
"""

CLOCK_METHOD = """\
case.method("clock_method", clock_error)
"""

STATEMENT = """\
**TLP:AMBER** · for the prosecutor's office · all times UTC

**One of the three copies may be relied on: the exhibit named in my first answer.** I computed its SHA-256 anew; it equals the value \
written down in entry 1 of the custody log, when the capture was taken. Anybody can repeat this.

**The other two.** One lacks packets (number as in my second answer). What it shows is true, but nothing may be concluded from what it does not show. \
The other is as long as the original, and yet bytes of it differ (third answer), and TCP checksums in it do not hold: its content was changed after \
it had been recorded. It must not be used.

**Custody.** In the entry that I name, the giver is not the person who had received the evidence before. Between the two, nobody signed for it. \
I accuse nobody; I cannot rule out access either. The hash does not depend on it. It was compared at no later entry, so I cannot say when a copy changed.

**What happened.** The workstation at the address given requested reports, one after the other, by plain HTTP; capture and server log agree on it. \
The server's clock was off by the seconds given, measured over all its answers against a sensor that agrees with NTP. \
The first report left the server at the time given, corrected to UTC.

**Not known.** Who used the workstation, and why.
"""

ANSWERS: dict[str, str] = {
    "true_copy": TRUE_COPY,
    "lost_packets": LOST_PACKETS,
    "altered_bytes": ALTERED_BYTES,
    "broken_entry": BROKEN_ENTRY,
    "insider_address": INSIDER_ADDRESS,
    "clock_error": CLOCK_ERROR,
    "first_export": FIRST_EXPORT,
    "clock_method": CLOCK_METHOD,
    "statement": STATEMENT,
}
"""Question id to the source of its answer cell; of a report, its Markdown text."""
