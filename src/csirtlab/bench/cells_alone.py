"""The floor of grading: the cells of submissions in forks of a warm process, with nothing round them.

``python -m csirtlab.bench.cells_alone``: reads requests, one JSON object a line, and answers each with the
processor seconds that its cells took, their programs included.
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from csirtlab.grading.runs import Limits
from csirtlab_grader.submission import Limits as InnerLimits
from csirtlab_grader.submission import Submission
from csirtlab_grader.warm import warm_shell


def main() -> None:
    """Answer requests {"cells": [...], "siblings": {...}, "evidence": folder} until the input ends."""
    shell = warm_shell()
    for line in sys.stdin:
        sys.stdout.write(f"{_cpu_s(shell, json.loads(line))}\n")
        sys.stdout.flush()


def _cpu_s(shell: Any, request: Mapping[str, Any]) -> float:
    limits = InnerLimits.read(asdict(Limits(cell_s=300, total_s=900, cpu_s=900)))
    with tempfile.TemporaryDirectory(prefix="csirtlab-bench-cells-") as work:
        Path(work, "evidence").symlink_to(request["evidence"])
        inside, outside = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(inside)
                Submission(shell, outside, limits, Path(work)).run(request["cells"], request["siblings"])
                status = 0
            finally:
                os._exit(status)
        os.close(outside)
        while os.read(inside, 2**18):
            pass
        os.close(inside)
        _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit("the cells did not run to their end")
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
