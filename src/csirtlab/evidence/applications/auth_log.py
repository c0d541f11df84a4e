"""A server's day around its logins: process ids that rise, sessions that are counted, jobs of cron, orders to sudo."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from csirtlab.evidence.model import Flow, Host, Plan, TcpFlow
from csirtlab.evidence.protocols.dialogues import Record
from csirtlab.evidence.protocols.ssh import Course, SshLogin, auth_record
from csirtlab.evidence.protocols.tcp import FIN, RST, simulated
from csirtlab.evidence.sampling import SECOND, between, bounded_pareto, chance, nanoseconds, pick, whole
from csirtlab.evidence.seeds import stream

_MINUTE = 60 * SECOND
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ORDERS = (
    "/usr/bin/apt update", "/usr/bin/systemctl status ssh", "/usr/bin/journalctl -n 50", "/usr/bin/df -h",
    "/usr/bin/tail -n 50 /var/log/syslog", "/usr/bin/systemctl reload nginx", "/usr/sbin/ss -tlnp",
    "/usr/bin/ls -l /var/backups",
)  # fmt: skip
_CAREFUL = 0.35  # share of sessions in which somebody needs sudo


def with_auth_log(plan: Plan) -> Plan:
    """Return ``plan`` with what the servers of its logins count, and with the lines of their other programs."""
    logins: defaultdict[str, list[TcpFlow]] = defaultdict(list)
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and isinstance(flow.dialogue, SshLogin):
            logins[flow.server.address].append(flow)
    courses: dict[int, Flow] = {}
    records: list[Record] = []
    for flows in logins.values():
        rng = stream(plan.seed, "auth log", flows[0].server.name)
        jobs = list(_jobs(plan, flows[0].server, rng))
        numbers = _Numbers(plan, rng)
        starts = [(flow.start_ns, number, "login") for number, flow in enumerate(flows)]
        verdicts = [_verdict_ns(plan, flow) for flow in flows]
        starts += [(at_ns, number, "session") for number, at_ns in enumerate(verdicts) if at_ns]
        starts += [(at_ns, number, "job") for number, (at_ns, _) in enumerate(jobs)]
        given: dict[tuple[int, str], int] = {}
        for at_ns, number, kind in sorted(starts):
            given[number, kind] = numbers.process(at_ns)
        counted = whole(rng, 40, 4000)
        sessions = sorted((at_ns, number) for number, at_ns in enumerate(verdicts) if at_ns)
        counts = {number: counted + place for place, (_, number) in enumerate(sessions)}
        for number, flow in enumerate(flows):
            course = Course(
                process=given[number, "login"],
                child=given.get((number, "session"), 0),
                session=counts.get(number, 0),
                ended_ns=_ended_ns(plan, flow),
                order=_order(flow, rng),
            )
            assert isinstance(flow.dialogue, SshLogin)
            courses[flow.index] = replace(flow, dialogue=replace(flow.dialogue, course=course))
        for number, (at_ns, user) in enumerate(jobs):
            records += _job_lines(flows[0].server, at_ns, given[number, "job"], user, rng)
    if not courses:
        return plan
    flows_now = tuple(
        courses[flow.index] if isinstance(flow, TcpFlow) and flow.index in courses else flow for flow in plan.flows
    )
    kept = (record for record in records if plan.begin_ns <= record.at_ns < plan.end_ns)
    return replace(plan, flows=flows_now, records=(*plan.records, *kept))


class _Numbers:
    """A kernel's counter of processes: each takes the next number, and others took some in between."""

    def __init__(self, plan: Plan, rng: Random) -> None:
        self.rng = rng
        self.last = whole(rng, 2_000, 900_000)
        self.last_ns = plan.begin_ns
        self.per_second = bounded_pareto(rng, 0.02, 0.8)

    def process(self, at_ns: int) -> int:
        others = max(0, at_ns - self.last_ns) / SECOND * self.per_second * between(self.rng, 0.4, 1.6)
        self.last += whole(self.rng, 1, 3) + int(others)
        self.last_ns = at_ns
        return self.last


def _verdict_ns(plan: Plan, flow: TcpFlow) -> int:
    """Return when a session is granted; 0 where none is."""
    assert isinstance(flow.dialogue, SshLogin)
    return simulated(plan, flow).turn_times[flow.dialogue.verdict] if flow.dialogue.accepted else 0


def _ended_ns(plan: Plan, flow: TcpFlow) -> int:
    """Return when the client ends the connection, as the sensor sees it."""
    return min(
        segment.at_ns
        for segment in simulated(plan, flow).segments
        if segment.flags & (FIN | RST) and segment.sender is flow.client and segment.sender_port == flow.client_port
    )


def _order(flow: TcpFlow, rng: Random) -> str:
    """Return what an administrator lets sudo do in a session; whoever guessed a password gives no order."""
    assert isinstance(flow.dialogue, SshLogin)
    careful, order = chance(rng, _CAREFUL), pick(rng, _ORDERS)
    return order if careful and flow.dialogue.recording in ("ssh-key-session", "ssh-password-session") else ""


def _jobs(plan: Plan, server: Host, rng: Random) -> Iterator[tuple[int, str]]:
    """Yield when cron starts what, in true time: its hourly jobs at 17, sysstat's, and mostly one of the site's own.

    Source: /etc/crontab and /etc/cron.d/sysstat of Debian 12.
    """
    own = pick(rng, (0, 5, 5, 15))  # minutes
    user = pick(rng, ("root", "www-data"))
    first = (plan.begin_ns + server.clock_ns) // _MINUTE
    last = (plan.end_ns + server.clock_ns) // _MINUTE
    for minute in range(first, last + 1):
        of_hour = (_EPOCH + dt.timedelta(minutes=minute)).minute
        due = ["root"] * ((of_hour == 17) + (of_hour % 10 == 5)) + [user] * bool(own and of_hour % own == 0)
        for who in due:
            # cron wakes up at the first second of a minute.
            yield minute * _MINUTE + SECOND - server.clock_ns + nanoseconds(bounded_pareto(rng, 0.004, 0.6)), who


def _job_lines(server: Host, at_ns: int, process: int, user: str, rng: Random) -> Iterator[Record]:
    uid = {"root": 0, "www-data": 33}[user]
    session = f"CRON[{process}]: pam_unix(cron:session): session"
    yield auth_record(server, at_ns, f"{session} opened for user {user}(uid={uid}) by (uid=0)")
    yield auth_record(server, at_ns + nanoseconds(bounded_pareto(rng, 0.009, 2.5)), f"{session} closed for user {user}")
