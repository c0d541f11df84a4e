"""Subjects of scenarios, a module each: what it does in a plan, what only it knows as facts, what would be ambiguous.

A module has ``ACTIONS``, a function for each of its verbs, all of the same form: what a host is given to do, with a
stream of its own -> intents in any order. It may have the other tables below. A new module is found by itself;
the module of the same name in ``csirtlab.content.vocabulary`` says how a scenario spells it, the one in
``csirtlab.proofs.solvers`` finds its facts again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from csirtlab.content.scenarios import Action, Scenario
from csirtlab.evidence.intents import ActionContext, Intent, Output
from csirtlab.evidence.model import FactValue, Plan
from csirtlab.siblings import joined

ACTIONS: Mapping[str, Callable[[ActionContext], Iterator[Intent | Output]]] = joined(__name__, "ACTIONS")
"""The behaviour of each verb of ``csirtlab.content.vocabulary``."""

MEASURES: Mapping[tuple[str, str], Callable[[Plan, Action], FactValue]] = joined(__name__, "MEASURES")
"""What only a verb knows, taken from the finished plan; the rest of its ``facts`` are recorded by its action."""

CHECKS: Mapping[str, Callable[[Scenario, Plan, Action], Iterator[str]]] = joined(__name__, "CHECKS")
"""What to check of an incident's action, by its verb: drafts in which a question would have two answers."""

INTENT_STEPS: Mapping[str, Callable[[Sequence[Intent]], list[Intent]]] = joined(__name__, "INTENT_STEPS")
"""What a subject has to say of all intents of a case together, before they are simulated."""

PLAN_STEPS: Mapping[str, Callable[[Plan], Plan]] = joined(__name__, "PLAN_STEPS")
"""What a subject adds to the plan that has been simulated: lines of programs that saw all of it."""
