"""What a trainee imports in a notebook: ``from csirtlab.kit import open_case``.

Importing it is quick: scapy, pyshark, pandas and the widgets are loaded when they are first used.
"""

from typing import TYPE_CHECKING

from csirtlab.kit.case import Case, open_case

if TYPE_CHECKING:
    from csirtlab.kit.talks import activity, conversations
    from csirtlab.kit.timing import connection_gaps, periodicity
    from csirtlab.kit.views import activity_timeline, conversation_graph, periodicity_plot
    from csirtlab.kit.widgets import packet_browser, packet_list, timeline

__all__ = [
    "Case", "activity", "activity_timeline", "connection_gaps", "conversation_graph", "conversations", "open_case",
    "packet_browser", "packet_list", "periodicity", "periodicity_plot", "timeline",
]  # fmt: skip

_LATER = {
    "activity": "talks", "conversations": "talks",
    "connection_gaps": "timing", "periodicity": "timing",
    "activity_timeline": "views", "conversation_graph": "views", "periodicity_plot": "views",
    "packet_browser": "widgets", "packet_list": "widgets", "timeline": "widgets",
}  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"csirtlab.kit.{_LATER[name]}"), name)
