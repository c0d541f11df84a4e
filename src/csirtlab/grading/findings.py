"""What a graded notebook reported, read from its outputs."""

import json

from csirtlab.kit.case import FINDING


def findings_in(notebook: str) -> dict[str, object]:
    """Return the last value reported for each question, in the order of the cells."""
    found: dict[str, object] = {}
    for cell in json.loads(notebook)["cells"]:
        for output in cell.get("outputs", ()):
            said = output.get("data", {}).get(FINDING)
            if isinstance(said, dict) and isinstance(said.get("question"), str) and "value" in said:
                found[said["question"]] = said["value"]
    return found
