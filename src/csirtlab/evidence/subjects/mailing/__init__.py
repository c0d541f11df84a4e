"""Mail for a site: what others write to it, what colleagues write to each other, and a lure that does no harm."""

from collections.abc import Callable, Iterator, Mapping

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.intents import ActionContext, Intent, Output
from csirtlab.evidence.model import FactValue, Plan
from csirtlab.evidence.subjects.mailing import lures, ordinary

ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = {
    "colleagues": ordinary.colleagues,
    "correspond": ordinary.correspond,
    "invoice": ordinary.invoice,
    "list-post": ordinary.list_post,
    "lure": lures.lure,
    "newsletter": ordinary.newsletter,
    "read-mail": ordinary.read_mail,
}
MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = {
    ("lure", "first_click"): lures.first_click,
    ("lure", "first_delivery"): lures.first_delivery,
}
CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = {"lure": lures.lure_ambiguities}
