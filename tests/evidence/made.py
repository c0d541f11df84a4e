"""A case made for a test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from csirtlab.content.scenarios import Scenario
from csirtlab.evidence.cases import ground_truth
from csirtlab.evidence.model import FactValue, Plan
from csirtlab.evidence.plan import make_plan


@dataclass(frozen=True)
class Case:
    """Evidence in a folder, its plan and truth beside it."""

    scenario: Scenario
    seed: bytes
    folder: Path

    @property
    def capture(self) -> Path:
        return self.folder / "capture.pcap"

    @cached_property
    def plan(self) -> Plan:
        return make_plan(self.scenario, self.seed)

    @cached_property
    def truth(self) -> Mapping[str, FactValue]:
        return ground_truth(self.scenario, self.seed)
