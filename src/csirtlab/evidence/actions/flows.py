"""A router that exports what passed it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from csirtlab.evidence.actions.doing import Doing
from csirtlab.evidence.flows import flow_list
from csirtlab.evidence.intents import Remark, Wish
from csirtlab.evidence.model import Paper


def _export_flows(doing: Doing) -> Iterator[Remark]:
    active_s, inactive_s = doing.draw_whole("active_s"), doing.draw_whole("inactive_s")
    yield Paper("flows.csv", partial(flow_list, active_s=active_s, inactive_s=inactive_s))


DOERS: Mapping[str, Callable[[Doing], Iterator[Wish | Remark]]] = {"export-flows": _export_flows}
