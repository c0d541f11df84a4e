"""A case's evidence and its ground truth, each recomputed from scenario and seed whenever needed."""

import csv
import io
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from csirtlab.content.scenarios import Scenario
from csirtlab.errors import EvidenceError
from csirtlab.evidence.capture import write_capture
from csirtlab.evidence.measures import measure
from csirtlab.evidence.model import FactValue, Host, Plan
from csirtlab.evidence.plan import make_plan

EVIDENCE_FILES = ("capture.pcap", "assets.csv")


def make_evidence(scenario: Scenario, seed: bytes, folder: Path) -> None:
    """Write the evidence files of a case into ``folder``, which is created if need be; no truth.

    Each file appears whole or not at all; a file of the same name is replaced.

    Raises:
        EvidenceError: The folder cannot be written.
    """
    write_evidence(make_plan(scenario, seed), folder)


def write_evidence(plan: Plan, folder: Path) -> None:
    """Write the files of a plan into ``folder``, as ``make_evidence`` does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Both take their names at the end: evidence is complete or not there.
        with _whole_file(folder / "capture.pcap") as capture, _whole_file(folder / "assets.csv") as assets:
            write_capture(plan, capture)
            assets.write(asset_list(plan.hosts))
    except OSError as error:
        raise EvidenceError(
            f"{folder}: the evidence cannot be written: {error.strerror}. Make room or name another folder."
        ) from error


def ground_truth(scenario: Scenario, seed: bytes) -> Mapping[str, FactValue]:
    """Return the facts of a case by name, in the scenario's order."""
    plan = make_plan(scenario, seed)
    return facts_of(scenario, plan)


def facts_of(scenario: Scenario, plan: Plan) -> dict[str, FactValue]:
    """Return the facts of a plan by name."""
    return {fact.name: measure(scenario, plan, fact) for fact in scenario.facts}


def asset_list(hosts: tuple[Host, ...]) -> bytes:
    """Return the organisation's list of its hosts as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("hostname", "address", "role"))
    writer.writerows((host.name, host.address, host.role) for host in hosts)
    return text.getvalue().encode()


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when it is complete."""
    handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb", buffering=1 << 20) as file:
            yield file
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
