"""The reference solution of ``dns-tunnel``: for each question, the source of its answer cell.

It sees the evidence and nothing else, so it has to find the answers of every case. The cells are run in
the order of the lab, in one kernel; the first one defines what the others use.
"""

TUNNEL_DOMAIN = '''\
import base64
import hashlib
import re

import pandas as pd

QUERY = re.compile(
    r"(?P<at>\\S+ \\S+) queries: info: client @\\S+ (?P<client>[\\d.]+)#\\d+ \\(\\S+\\): "
    r"query: (?P<name>\\S+) IN (?P<kind>\\w+)"
)


def read_queries(case):
    """The questions of the resolver's log, in their order: at, client, name, kind, domain."""
    lines = case.path("queries.log").read_text().splitlines()
    found = pd.DataFrame([match.groupdict() for match in map(QUERY.match, lines) if match])
    found["at"] = pd.to_datetime(found["at"], format="%d-%b-%Y %H:%M:%S.%f", utc=True)
    found["name"] = found["name"].str.lower()
    return found.assign(domain=found["name"].str.split(".").str[-2:].str.join("."))


def names_and_clients(found):
    """For each domain, how many different names were asked for, and by how many machines."""
    groups = found.groupby("domain")
    return pd.DataFrame({"names": groups["name"].nunique(), "clients": groups["client"].nunique()})


def lonely_domain(found):
    """The domain that one machine alone asks the most names under."""
    counted = names_and_clients(found)
    return counted.loc[counted["clients"] == 1, "names"].idxmax()


def put_together(names):
    """The file in the names: the parts by their numbers, each once, decoded."""
    parts = {}
    for name in names:
        head, *labels = name.split(".")[:-2]
        if labels:
            parts[int(head[5:9], 16)] = "".join(labels)
    joined = "".join(parts[number] for number in sorted(parts))
    if set(joined) <= set("0123456789abcdef"):
        return "hex", bytes.fromhex(joined)
    return "base32", base64.b32decode(joined.upper() + "=" * (-len(joined) % 8))


every_query = read_queries(case)
exit_domain = lonely_domain(every_query)
outgoing = every_query[every_query["domain"] == exit_domain].sort_values("at")
case.answer("tunnel_domain", exit_domain)
'''

TUNNEL_HOST = """\
case.answer("tunnel_host", outgoing["client"].iloc[0])
"""

LOOK_ALIKE = """\
by_domain = names_and_clients(every_query)
case.answer("look_alike", by_domain.loc[by_domain["clients"] > 1, "names"].idxmax())
"""

FIRST_QUERY = """\
case.answer("first_query", outgoing["at"].iloc[0])
"""

RECORD_TYPES = """\
case.answer("record_types", set(outgoing["kind"]))
"""

ENCODING = """\
alphabet, stolen = put_together(outgoing["name"])
case.answer("encoding", alphabet)
"""

FILE_BYTES = """\
case.answer("file_bytes", len(stolen))
"""

FILE_HASH = """\
case.answer("file_hash", hashlib.sha256(stolen).hexdigest())
"""

FIND_TUNNEL = """\
def find_tunnel(case):
    return lonely_domain(read_queries(case))


case.method("find_tunnel", find_tunnel)
"""

ANSWERS: dict[str, str] = {
    "tunnel_domain": TUNNEL_DOMAIN,
    "tunnel_host": TUNNEL_HOST,
    "look_alike": LOOK_ALIKE,
    "first_query": FIRST_QUERY,
    "record_types": RECORD_TYPES,
    "encoding": ENCODING,
    "file_bytes": FILE_BYTES,
    "file_hash": FILE_HASH,
    "find_tunnel": FIND_TUNNEL,
}
"""Question id to the source of its answer cell."""
