"""Lines of logs."""

from typing import NamedTuple


class Record(NamedTuple):
    """A line of a log."""

    at_ns: int  # true time; what is written in it is the writer's clock
    file: str  # of the evidence: auth.log
    text: str
