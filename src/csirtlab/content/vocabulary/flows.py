"""Words for flow records beside a capture."""

from collections.abc import Mapping

from csirtlab.content.vocabulary.words import FLOWS, Parameter, Verb

VERBS: Mapping[str, Verb] = {
    "export-flows": Verb(
        "the router exports a record of every flow, in the columns of nfdump: flows.csv",
        {
            "active_s": Parameter(10, 3600, "seconds after which a flow that goes on gets another record"),
            "inactive_s": Parameter(5, 600, "seconds of silence after which a flow is over"),
        },
        target=(),
        source=("group",),
        connects=False,
        writes=(FLOWS,),
    ),
}
