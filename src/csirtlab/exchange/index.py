"""What the log says now, held in memory: rebuilt from the entries at each start, in their order."""

import threading
from collections import defaultdict
from collections.abc import Iterable

from csirtlab.exchange.entries import Entry, Kind


class Index:
    """Answers about the present, derived from entries alone; positions decide what is latest, not clocks."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._guard = threading.Lock()
        self._releases: dict[tuple[str, str], Entry] = {}
        self._labs: defaultdict[str, dict[str, None]] = defaultdict(dict)  # insertion order, as a set
        self._submissions: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._at: dict[int, Entry] = {}
        self._feedback: dict[int, Entry] = {}
        self._hints: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._hint_costs: dict[str, int] = {}
        self._cases: defaultdict[tuple[str, str, str | None], list[Entry]] = defaultdict(list)
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Take one more entry, the next of the log."""
        lab = (entry.cohort, entry.lab)
        with self._guard:
            match entry.kind:
                case Kind.RELEASE:
                    self._releases[lab] = entry
                    self._labs[entry.cohort][entry.lab] = None
                case Kind.WITHDRAW:
                    self._releases.pop(lab, None)
                case Kind.SUBMISSION:
                    self._submissions[lab].append(entry)
                    self._at[entry.position] = entry
                case Kind.FEEDBACK:
                    if entry.about is not None:
                        self._feedback[entry.about] = entry
                case Kind.HINT:
                    self._hints[lab].append(entry)
                case Kind.CASE:
                    self._cases[(*lab, entry.trainee)].append(entry)
                case Kind.HINT_COST:
                    self._hint_costs[entry.cohort] = entry.cost or 0

    def release(self, cohort: str, lab: str) -> Entry | None:
        """Return the release that holds now, None before the first and after a withdrawal."""
        with self._guard:
            return self._releases.get((cohort, lab))

    def labs(self, cohort: str) -> tuple[str, ...]:
        """Return every lab that was ever released to ``cohort``, in the order of their first release."""
        with self._guard:
            return tuple(self._labs.get(cohort, ()))

    def submissions(self, cohort: str, lab: str, trainee: str | None = None) -> tuple[Entry, ...]:
        """Return the submissions to a lab, of one trainee or of all, earliest first."""
        with self._guard:
            of_lab = self._submissions.get((cohort, lab), ())
            return tuple(entry for entry in of_lab if trainee is None or entry.trainee == trainee)

    def submission(self, position: int) -> Entry | None:
        """Return the submission at ``position`` of the log, if there is one."""
        with self._guard:
            return self._at.get(position)

    def feedback(self, position: int) -> Entry | None:
        """Return the latest feedback on the submission at ``position``."""
        with self._guard:
            return self._feedback.get(position)

    def hints(
        self, cohort: str, lab: str, trainee: str | None = None, *, before: int | None = None
    ) -> tuple[Entry, ...]:
        """Return the hints to a lab that were shown, to one trainee or to all, earliest first.

        ``before`` leaves out those shown after that position of the log.
        """
        with self._guard:
            return tuple(
                entry
                for entry in self._hints.get((cohort, lab), ())
                if trainee in (None, entry.trainee) and (before is None or entry.position < before)
            )

    def hint_cost(self, cohort: str) -> int:
        """Return what a hint costs in a cohort, in per cent of its question's points; 0 unless somebody chose."""
        with self._guard:
            return self._hint_costs.get(cohort, 0)

    def case(self, cohort: str, lab: str, trainee: str | None, *, before: int | None = None) -> Entry | None:
        """Return the latest case of a lab that somebody was given, if ``before``: before that position."""
        with self._guard:
            given = self._cases.get((cohort, lab, trainee), ())
            return next((entry for entry in reversed(given) if before is None or entry.position < before), None)
