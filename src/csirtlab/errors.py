"""The errors of the project, each with the way out in its message."""


class CsirtlabError(Exception):
    """Base of every error that a person can do something about.

    The message says what failed, with the value, then what to do next.
    """

    exit_code = 2


class ContentError(CsirtlabError):
    """A course, lab or scenario file is wrong; the message starts with ``file:line``."""


class RosterError(CsirtlabError):
    """A roster cannot be taken as it is."""


class CohortError(CsirtlabError):
    """An operation on a cohort cannot be done."""


class EvidenceError(CsirtlabError):
    """Evidence cannot be made from a scenario and a seed."""


class BoxError(CsirtlabError):
    """The box cannot be built, or what it returned cannot be trusted."""


class GradingError(CsirtlabError):
    """A submission cannot be graded; nothing was scored."""


class ExchangeError(CsirtlabError):
    """A hand-over was refused or could not be completed."""


class SetupError(CsirtlabError):
    """The machine lacks something that has to be installed or switched on."""


class OutputError(CsirtlabError):
    """What a command prints cannot be written."""
