"""The hashes that three cases of each scenario must have, one file a scenario.

``python -m tests.evidence.golden SCENARIO`` writes them anew, after a change that the changelog tells.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from csirtlab.content.scenarios import read_scenario
from csirtlab.evidence.cases import make_evidence
from csirtlab.evidence.seeds import seed_of_text
from csirtlab.settings import content_root

FOLDER = Path(__file__).parent / "golden_hashes"
SEEDS = ("golden", "silver", "bronze")


def golden_hashes(scenario: str) -> dict[str, dict[str, str]]:
    """Return SHA-256 by seed and file."""
    hashes_by_seed: dict[str, dict[str, str]] = json.loads((FOLDER / f"{scenario}.json").read_text())
    return hashes_by_seed


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below ``folder``."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main() -> None:
    """Write the hashes of the scenarios named on the command line."""
    for name in sys.argv[1:]:
        made = {}
        for seed in SEEDS:
            with tempfile.TemporaryDirectory() as folder:
                make_evidence(read_scenario(content_root(), name), seed_of_text(seed), Path(folder))
                made[seed] = hashes(Path(folder))
        (FOLDER / f"{name}.json").write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
