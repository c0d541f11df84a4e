"""The reference solution of ``sqli-webshell``: for each question, the source of its answer cell.

It sees the evidence and nothing else, so it has to find the answers of every case. The cells are run in
the order of the lab, in one kernel; the first one defines what the others use.
"""

INTRUDER_ADDRESS = '''\
import re
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import pandas as pd

HIT = re.compile(
    r'(?P<source>\\S+) \\S+ \\S+ \\[(?P<at>[^\\]]+)\\] "(?P<method>\\w+) (?P<target>\\S+) [^"]*" (?P<status>\\d+) '
)


def read_hits(case):
    """The requests of the access log, in their order: at, source, target, status, and the query decoded."""
    lines = case.path("access.log").read_text().splitlines()
    hits = pd.DataFrame([found.groupdict() for found in map(HIT.match, lines) if found])
    hits["at"] = pd.to_datetime(hits["at"], format="%d/%b/%Y:%H:%M:%S %z", utc=True)
    hits["asked"] = [unquote_plus(urlsplit(target).query) for target in hits["target"]]
    return hits


def that_worked(hits):
    """The requests that carry SQL and were answered with success."""
    return hits[hits["asked"].str.contains("UNION SELECT") & (hits["status"] == "200")]


every_hit = read_hits(case)
dumps = that_worked(every_hit)
thief = dumps["source"].iloc[0]
case.answer("intruder_address", thief)
'''

FALSE_ALARM = """\
not_there = every_hit[(every_hit["status"] == "404") & (every_hit["source"] != thief)]
case.answer("false_alarm", not_there["source"].value_counts().idxmax())
"""

PARAMETER = """\
case.answer("parameter", dumps["asked"].iloc[0].split("=")[0])
"""

FIRST_INJECTION = """\
case.answer("first_injection", dumps["at"].min())
"""

DUMPED_TABLES = """\
case.answer("dumped_tables", set(dumps["asked"].str.extract(r" FROM (\\w+)")[0]))
"""

ROWS_EXPOSED = """\
bodies = case.table(["ip.dst", "http.file_data"], 'http.response.code == 200 && http.file_data contains "<tr><td>"')
own = bodies.loc[bodies["ip.dst"] == thief, "http.file_data"]
# Newer versions of tshark write a body in hexadecimal digits: 3c74723e is <tr>.
case.answer("rows_exposed", int(own.str.replace(":", "").str.count("<tr>|3c74723e").sum()))
"""

SHELL_PATH = """\
placed = every_hit[(every_hit["source"] == thief) & every_hit["target"].str.startswith("/uploads/")]
case.answer("shell_path", urlsplit(placed["target"].iloc[0]).path)
"""

COMMANDS = """\
case.answer("commands", [dict(parse_qsl(urlsplit(target).query))["c"] for target in placed["target"]])
"""

FIND_INTRUDER = """\
def find_intruder(case):
    return that_worked(read_hits(case))["source"].iloc[0]


case.method("find_intruder", find_intruder)
"""

ANSWERS: dict[str, str] = {
    "intruder_address": INTRUDER_ADDRESS,
    "false_alarm": FALSE_ALARM,
    "parameter": PARAMETER,
    "first_injection": FIRST_INJECTION,
    "dumped_tables": DUMPED_TABLES,
    "rows_exposed": ROWS_EXPOSED,
    "shell_path": SHELL_PATH,
    "commands": COMMANDS,
    "find_intruder": FIND_INTRUDER,
}
"""Question id to the source of its answer cell."""
