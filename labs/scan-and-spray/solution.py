"""The reference solution of ``scan-and-spray``: for each question, the source of its answer cell.

It sees the evidence and nothing else, so it has to find the answers of every case. The cells are run in
the order of the lab, in one kernel; the first one defines what the others use.
"""

SLOW_SCANNER = '''\
import re

import pandas as pd

LOGIN = re.compile(
    r"(?P<at>\\S+) \\S+ sshd\\[\\d+\\]: (?P<verdict>Accepted|Failed) \\w+ "
    r"for (?:invalid user )?(?P<account>\\S+) from (?P<source>\\S+) port \\d+"
)


def knocks_inside(case):
    """One row per SYN to a host of the list of assets: stream, source, target, port."""
    inside = set(pd.read_csv(case.path("assets.csv"))["address"])
    syns = case.table(["tcp.stream", "ip.src", "ip.dst", "tcp.dstport"], "tcp.flags.syn == 1 && tcp.flags.ack == 0")
    syns = syns.drop_duplicates("tcp.stream").set_axis(["stream", "source", "target", "port"], axis=1)
    return syns[syns["target"].isin(inside)].assign(is_inside=lambda rows: rows["source"].isin(inside))


def read_logins(case):
    """The judged logins of the server's log, in their order: at, verdict, account, source."""
    lines = case.path("auth.log").read_text().splitlines()
    logins = pd.DataFrame([found.groupdict() for found in map(LOGIN.match, lines) if found])
    logins["at"] = pd.to_datetime(logins["at"], format="ISO8601", utc=True)
    return logins.sort_values("at")


def find_sprayer(logins):
    """The source whose wrong passwords spread over the most accounts."""
    failed = logins[logins["verdict"] == "Failed"]
    return failed.groupby("source")["account"].nunique().idxmax()


knocks = knocks_inside(case)
sweeper = knocks[~knocks["is_inside"]].groupby("source")["target"].nunique().idxmax()
case.answer("slow_scanner", sweeper)
'''

SWEPT_HOSTS = """\
case.answer("swept_hosts", set(knocks.loc[knocks["source"] == sweeper, "target"]))
"""

OPEN_PORTS = """\
quick = knocks.groupby(["source", "target"])["port"].nunique().idxmax()
looked_at = knocks[(knocks["source"] == quick[0]) & (knocks["target"] == quick[1])]
answered = case.table(["tcp.stream"], "tcp.flags.syn == 1 && tcp.flags.ack == 1")["tcp.stream"]
case.answer("open_ports", set(looked_at.loc[looked_at["stream"].isin(answered), "port"]))
"""

SPRAY_SOURCE = """\
judged = read_logins(case)
sprayer = find_sprayer(judged)
sprayed = judged[judged["source"] == sprayer]
case.answer("spray_source", sprayer)
"""

SPRAYED_ACCOUNTS = """\
case.answer("sprayed_accounts", set(sprayed["account"]))
"""

FALLEN_ACCOUNT = """\
fall = sprayed[sprayed["verdict"] == "Accepted"].iloc[0]
case.answer("fallen_account", fall["account"])
"""

FALL_TIME = """\
case.answer("fall_time", fall["at"])
"""

FALSE_ALARM = """\
longest, wrong = {}, {}
for row in judged[judged["source"] != sprayer].itertuples():
    who = (row.source, row.account)
    if row.verdict == "Failed":
        wrong[who] = wrong.get(who, 0) + 1
    else:
        longest[row.source] = max(longest.get(row.source, 0), wrong.pop(who, 0))
case.answer("false_alarm", max(longest, key=longest.get))
"""

FIND_FALLEN = """\
def find_fallen(case):
    logins = read_logins(case)
    fell = logins[(logins["source"] == find_sprayer(logins)) & (logins["verdict"] == "Accepted")]
    return fell["account"].iloc[0]


case.method("find_fallen", find_fallen)
"""

ANSWERS: dict[str, str] = {
    "slow_scanner": SLOW_SCANNER,
    "swept_hosts": SWEPT_HOSTS,
    "open_ports": OPEN_PORTS,
    "spray_source": SPRAY_SOURCE,
    "sprayed_accounts": SPRAYED_ACCOUNTS,
    "fallen_account": FALLEN_ACCOUNT,
    "fall_time": FALL_TIME,
    "false_alarm": FALSE_ALARM,
    "find_fallen": FIND_FALLEN,
}
"""Question id to the source of its answer cell."""
