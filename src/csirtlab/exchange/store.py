"""The exchange's store: content on disk, then its log entry, then the receipt; in this order always."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from csirtlab.errors import ExchangeError
from csirtlab.exchange.durable import ensure_folder
from csirtlab.exchange.entries import Draft, Entry, Kind
from csirtlab.exchange.index import Index
from csirtlab.exchange.limits import HINT_COST_LIMIT, SUBMISSIONS_LIMIT
from csirtlab.exchange.log import Log, read_log, utc_now
from csirtlab.exchange.objects import Incoming, Objects
from csirtlab.exchange.receipts import Receipt, ensure_key, sign_receipt
from csirtlab.exchange.refusals import Refusal
from csirtlab.labs.hints import next_seen


def exchange_root(home: Path) -> Path:
    """Return where the exchange of a home lies."""
    return home / "exchange"


class ExchangeStore:
    """The store, open for one process; its threads may share it. Submissions cannot be changed or removed."""

    def __init__(self, root: Path, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Open the store in ``root``, making it on the first start.

        Raises:
            ExchangeError: Another process holds it, or it is damaged.
        """
        ensure_folder(root)
        self._lock = _take_lock(root / "lock")
        try:
            self._log = Log(root / "log.jsonl", clock=clock)
            self._key = ensure_key(root, may_create=not self._log.opened_with)
            self._objects = Objects(root)
            self._objects.prepare()
        except BaseException:
            os.close(self._lock)
            raise
        self.index = Index(self._log.opened_with)
        self._guard = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store: what comes afterwards is refused, another process may open it."""
        self._log.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key that receipts are checked with."""
        return self._key.public_key()

    def receive(self, *, limit: int, too_large: str) -> Incoming:
        """Open a file for content on its way in; use it as a context manager, then hand it to one of the below."""
        return self._objects.receive(limit=limit, too_large=too_large)

    def submit(self, cohort: str, lab: str, trainee: str, content: Incoming) -> Receipt:
        """Keep a trainee's work for ever and acknowledge it.

        The same content as the trainee's latest submission gives that one's receipt again: a
        double click, or a second try after a lost answer, is not a second submission.

        Raises:
            Refusal: The trainee has submitted this lab too often already (status 429).
            StorageError: The disk did not take it.
        """
        _check_count(self.index.submissions(cohort, lab, trainee), content.digest)
        digest = self._objects.keep(content)
        with self._guard:
            own = self.index.submissions(cohort, lab, trainee)
            if own and own[-1].content == digest:
                return self.receipt(own[-1])
            draft = Draft(kind=Kind.SUBMISSION, cohort=cohort, lab=lab, by=trainee, trainee=trainee, content=digest)
            return self.receipt(self._append(draft))

    def release(self, cohort: str, lab: str, by: str, content: Incoming) -> Entry:
        """Give a lab to a cohort; it takes the place of an earlier release, which stays in the log."""
        digest = self._objects.keep(content)
        with self._guard:
            now = self.index.release(cohort, lab)
            if now and now.content == digest:
                return now
            return self._append(Draft(kind=Kind.RELEASE, cohort=cohort, lab=lab, by=by, content=digest))

    def withdraw(self, cohort: str, lab: str, by: str) -> Entry:
        """Take a release back; submissions stay. Refusal (404) when the lab is not released."""
        with self._guard:
            if self.index.release(cohort, lab) is None:
                raise Refusal(f'The lab "{lab}" is not released in "{cohort}": there is nothing to withdraw.', 404)
            return self._append(Draft(kind=Kind.WITHDRAW, cohort=cohort, lab=lab, by=by))

    def give_feedback(self, submission: Entry, by: str, content: Incoming) -> Entry:
        """Give feedback on one submission to its trainee; later feedback on it takes its place."""
        digest = self._objects.keep(content)
        with self._guard:
            now = self.index.feedback(submission.position)
            if now and now.content == digest:
                return now
            return self._append(
                Draft(
                    kind=Kind.FEEDBACK,
                    cohort=submission.cohort,
                    lab=submission.lab,
                    by=by,
                    trainee=submission.trainee,
                    content=digest,
                    about=submission.position,
                )
            )

    def hand_out(self, cohort: str, lab: str, trainee: str, case: str) -> None:
        """Record which case somebody is given, by its digest; the same again needs no second entry.

        Raises:
            Refusal: They were given another case since the lab was released (status 409): the programs that make
                it have changed, and what they found in the first would be judged by the second.
        """
        with self._guard:
            release = self.index.release(cohort, lab)
            given = self.index.case(cohort, lab, trainee)
            if given is None or release is None or given.position < release.position:
                self._append(Draft(kind=Kind.CASE, cohort=cohort, lab=lab, by=trainee, trainee=trainee, case=case))
            elif given.case != case:
                raise Refusal(
                    f'The server was updated since you got "{lab}", and would give you other evidence now. Go on with '
                    "the files that you have. If they are lost, tell the instructor: the operator can start the "
                    "version from before, or the lab is withdrawn and released again, and all begin anew.",
                    409,
                )

    def show_hint(
        self, cohort: str, lab: str, trainee: str, question: str, *, number: int, count: int, agreed: bool
    ) -> tuple[Entry, ...]:
        """Record that a trainee is shown the hints to a question up to ``number`` of ``count``.

        Returns the entries of those that may be shown: at most one is new, and one that costs points only
        if ``agreed``. Each keeps the price at which it was opened.
        """
        with self._guard:
            seen = tuple(entry for entry in self.index.hints(cohort, lab, trainee) if entry.question == question)
            cost = self.index.hint_cost(cohort)
            if next_seen(len(seen), number, count) == len(seen) or (cost and not agreed):
                return seen
            draft = Draft(
                kind=Kind.HINT,
                cohort=cohort,
                lab=lab,
                by=trainee,
                trainee=trainee,
                question=question,
                number=len(seen) + 1,
                cost=cost,
            )
            return (*seen, self._append(draft))

    def set_hint_cost(self, cohort: str, by: str, cost: int) -> None:
        """Let each hint that is opened from now on cost ``cost`` per cent of its question's points."""
        if not 0 <= cost <= HINT_COST_LIMIT:
            raise Refusal(f"A hint costs from 0 to {HINT_COST_LIMIT} % of its question's points, got {cost}.")
        with self._guard:
            if self.index.hint_cost(cohort) != cost:
                self._append(Draft(kind=Kind.HINT_COST, cohort=cohort, lab="", by=by, cost=cost))

    def _append(self, draft: Draft) -> Entry:
        entry = self._log.append(draft)
        self.index.add(entry)
        return entry

    def receipt(self, submission: Entry) -> Receipt:
        """Return a submission's receipt; asked for again, it is the same."""
        return sign_receipt(submission, self._key)

    def content(self, entry: Entry) -> Path:
        """Return the zip file that an entry speaks of, to be read only."""
        assert entry.content is not None, entry
        return self._objects.path(entry.content)


def _check_count(own: tuple[Entry, ...], digest: str) -> None:
    if len(own) >= SUBMISSIONS_LIMIT and own[-1].content != digest:
        raise Refusal(
            f"You have submitted this lab {len(own)} times, more are not taken; your latest counts. If you must hand "
            "in another, send the notebook to the instructor.",
            429,
        )


def _take_lock(path: Path) -> int:
    """Return the descriptor that holds the store for this process, until it is closed or the process ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
        os.close(descriptor)
        raise ExchangeError(
            f"Another process (number {holder}) holds the exchange in {path.parent}. Two would write over each other: "
            "stop that one first, or use another --home."
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


@dataclass(frozen=True)
class Findings:
    """What a walk through the whole store found."""

    entries: int
    submissions: int
    faults: tuple[str, ...]  # empty: everything that was acknowledged is there, unchanged
    notes: tuple[str, ...]  # harmless, worth knowing


def verify_store(root: Path) -> Findings:
    """Walk the log's chain and every file that it speaks of; changes nothing, a running exchange may go on."""
    if not root.is_dir():
        raise ExchangeError(f"There is no exchange in {root}. Name the hub's folder with --home.")
    reading = read_log(root / "log.jsonl")
    faults = [reading.damage] if reading.damage else []
    faults += _missing_contents(root, reading.entries)
    notes = []
    if reading.torn:
        notes.append("The last line of the log is unfinished: being written now, or cut off by a crash (kept aside at "
                     "the next start). It was not acknowledged.")  # fmt: skip
    notes += [f"{path.name}: cut off by an earlier crash, not acknowledged." for path in sorted(root.glob("*.torn-*"))]
    submissions = sum(entry.kind is Kind.SUBMISSION for entry in reading.entries)
    return Findings(len(reading.entries), submissions, tuple(faults), tuple(notes))


def _missing_contents(root: Path, entries: tuple[Entry, ...]) -> Iterator[str]:
    objects = Objects(root)
    for digest in sorted({entry.content for entry in entries if entry.content}):
        if fault := objects.fault(digest):
            yield fault
