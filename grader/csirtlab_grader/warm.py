"""What notebooks of labs import, imported once: each submission is a fork of this process.

matplotlib is left to those who use it: no lab and no part of the kit does, and it takes 30 MiB of every worker, and
a third of its start. A notebook that plots pays 0.7 s for it.
"""

import gc
import os
from pathlib import Path
from typing import Any

THREADS_OFF = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}
"""Set before numpy is imported: a process with threads must not fork."""


class NotWarmError(Exception):
    """The worker may not fork as it is."""


def warm_shell() -> Any:  # IPython is not typed
    """Import what notebooks use and return the shell that every submission inherits.

    Raises:
        NotWarmError: An import has started a thread.
    """
    os.environ.update(THREADS_OFF)
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    from traitlets.config import Config

    from csirtlab_grader.shell import BoxShell

    config = Config()
    config.HistoryManager.enabled = False  # its writer is a thread
    config.InteractiveShell.colors = "nocolor"
    shell = BoxShell.instance(config=config)
    _import_all()
    _touch_lazy_parts(shell)
    # Without freezing, one collection in a child would copy every page of the parent.
    gc.collect()
    gc.freeze()
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise NotWarmError(f"the warm process has {threads} threads and cannot fork safely")
    return shell


def _import_all() -> None:
    import ipywidgets  # noqa: F401
    import numpy.random  # noqa: F401
    import pandas  # noqa: F401
    import pyshark  # noqa: F401
    import scapy.all  # noqa: F401

    import csirtlab.kit  # noqa: F401


def _touch_lazy_parts(shell: Any) -> None:
    """Run once what is loaded at first use: a frame's HTML, IPython's own machinery."""
    import pandas as pd

    shell.display_formatter.format(pd.DataFrame({"x": [1]}))
    shell.run_cell("None", store_history=False, silent=True)
