"""A case's evidence and its ground truth, each recomputed from scenario and seed whenever needed."""

import csv
import hashlib
import hmac
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from csirtlab.content.scenarios import Fact, Scenario
from csirtlab.errors import EvidenceError
from csirtlab.evidence.capture import write_capture
from csirtlab.evidence.folders import advising, synced_file, whole_folder
from csirtlab.evidence.measures import ACTION_MEASURES, CAPTURE_MEASURES, HOST_MEASURES
from csirtlab.evidence.model import Exchange, FactValue, Host, Plan, TcpFlow
from csirtlab.evidence.plan import make_plan
from csirtlab.evidence.protocols.dialogues import Record
from csirtlab.evidence.protocols.tcp import simulated
from csirtlab.evidence.subjects import MEASURES


def make_evidence(scenario: Scenario, seed: bytes, folder: Path, *, replace: bool = False) -> list[str]:
    """Write the evidence files of a case into ``folder``, which is created if need be; no truth.

    Files appear when all are complete; one of the same name is replaced. What another case would leave among them
    is removed with ``replace``; what is no evidence stays. Return their names, relative to ``folder``.

    Raises:
        EvidenceError: The folder cannot be written, or holds files of another case and ``replace`` is not given.
    """
    return write_evidence(_plan(scenario, seed), folder, replace=replace)


def write_evidence(plan: Plan, folder: Path, *, replace: bool = False) -> list[str]:
    """Write the files of a plan into ``folder``, as ``make_evidence`` does."""
    texts = {"assets.csv": asset_list(plan.hosts)} | log_files(plan) | _artifacts(plan)
    with advising(folder), whole_folder(folder, replace=replace) as aside:
        with synced_file(aside / "capture.pcap") as file:
            write_capture(plan, file)
        for name, content in texts.items():
            with synced_file(aside / name) as file:
                file.write(content)
    return ["capture.pcap", *texts]


def evidence_digest(folder: Path) -> str:
    """Return one SHA-256 over names and contents of all files in a folder of evidence."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{content}  {path.relative_to(folder).as_posix()}\n".encode())  # as sha256sum writes it
    return total.hexdigest()


def case_digest(secret: bytes, evidence: str, facts: Mapping[str, object]) -> str:
    """Return what tells a case from any other: its evidence (``evidence_digest``) and what is true in it.

    Without the cohort's secret nobody can try facts until the digest fits.
    """
    spelled = "\n".join([evidence, *(f"{name} {_spelled(facts[name])}" for name in sorted(facts))])
    return hmac.digest(secret, f"csirtlab case 1\n{spelled}".encode(), "sha256").hex()


def _spelled(value: object) -> str:
    """Return a fact as text, always the same: sets have no order of their own."""
    if isinstance(value, (set, frozenset)):
        return "{" + ", ".join(sorted(_spelled(item) for item in value)) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_spelled(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(sorted(f"{_spelled(key)}: {_spelled(item)}" for key, item in value.items())) + "}"
    return repr(value)


def _artifacts(plan: Plan) -> dict[str, bytes]:
    return {
        artifact.name: artifact.content if isinstance(artifact.content, bytes) else artifact.content(plan)
        for artifact in plan.artifacts
    }


def ground_truth(scenario: Scenario, seed: bytes) -> Mapping[str, FactValue]:
    """Return the facts of a case by name, in the scenario's order."""
    plan = _plan(scenario, seed)
    return facts_of(scenario, plan)


# A case is asked for its files and then for its facts: the plan of the last one is kept.
_last: list[tuple[Scenario, bytes, Plan]] = []


def _plan(scenario: Scenario, seed: bytes) -> Plan:
    for known, its_seed, plan in _last:
        if its_seed == seed and known == scenario:
            return plan
    plan = make_plan(scenario, seed)
    _last[:] = [(scenario, seed, plan)]
    return plan


def facts_of(scenario: Scenario, plan: Plan) -> dict[str, FactValue]:
    """Return the facts of a plan by name."""
    return {fact.name: _measured(scenario, plan, fact) for fact in scenario.facts}


def _measured(scenario: Scenario, plan: Plan, fact: Fact) -> FactValue:
    """Return the value of ``fact`` in this case.

    Raises:
        EvidenceError: It has none: what it measures did not happen.
    """
    try:
        return _taken(scenario, plan, fact)
    except (LookupError, ValueError, StopIteration, ZeroDivisionError) as error:
        raise EvidenceError(
            f'{scenario.path}:{fact.line}: "{fact.name}" has no value in this case: "{fact.subject}" did too little '
            f'for "{fact.measure}" ({type(error).__name__}: {error}). Ask for another measure, or let it do more.'
        ) from error


def _taken(scenario: Scenario, plan: Plan, fact: Fact) -> FactValue:
    if fact.subject == "capture":
        return CAPTURE_MEASURES[fact.measure](plan)
    if fact.subject in plan.named_hosts:
        return HOST_MEASURES[fact.measure](plan, plan.named_hosts[fact.subject])
    action = next(action for action in scenario.actions if action.id == fact.subject)
    if fact.measure in ACTION_MEASURES:
        return ACTION_MEASURES[fact.measure](plan, fact.subject, action.target or "")
    if own := MEASURES.get((action.verb, fact.measure)):
        return own(plan, action)
    return plan.recorded_facts[fact.subject, fact.measure]


def asset_list(hosts: tuple[Host, ...]) -> bytes:
    """Return the organisation's list of its hosts as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("hostname", "address", "role"))
    writer.writerows((host.name, host.address, host.role) for host in hosts)
    return text.getvalue().encode()


def records(plan: Plan) -> Iterator[Record]:
    """Yield every line of every log, in any order."""
    yield from plan.records
    for flow in plan.flows:
        if isinstance(flow, TcpFlow) and flow.dialogue.keeps_records:
            yield from simulated(plan, flow).records
        elif isinstance(flow, Exchange):
            yield from flow.records


def log_files(plan: Plan) -> dict[str, bytes]:
    """Return the logs by file name; lines of the same instant stay in the order in which they were written."""
    files: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records(plan):
        files[record.file].append(record)
    return {
        name: "".join(f"{record.text}\n" for record in sorted(lines, key=lambda record: record.at_ns)).encode()
        for name, lines in sorted(files.items())
    }
