"""What a trainee imports in a notebook: ``from csirtlab.kit import open_case``.

Importing it is quick: scapy, pyshark, pandas and the widgets are loaded when they are first used.
"""

from typing import TYPE_CHECKING

from csirtlab.kit.case import Case, open_case

if TYPE_CHECKING:
    from csirtlab.kit.timing import connection_gaps
    from csirtlab.kit.widgets import packet_browser, timeline

__all__ = ["Case", "connection_gaps", "open_case", "packet_browser", "timeline"]

_LATER = {"connection_gaps": "timing", "timeline": "widgets", "packet_browser": "widgets"}


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"csirtlab.kit.{_LATER[name]}"), name)
