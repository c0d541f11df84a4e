"""Long proofs: spread over processes, and kept seed by seed, so that the next run goes on where one was stopped."""

import hashlib
import json
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from csirtlab.endings import leave_stopping_to_parent
from csirtlab.errors import EvidenceError
from csirtlab.parents import end_with

T = TypeVar("T")


@dataclass(frozen=True)
class SeedOutcome:
    """What came out for one seed; a kind of proof adds what it looks at, in values that JSON can hold."""

    seed: int


OutcomeT = TypeVar("OutcomeT", bound=SeedOutcome)


def journal_folder() -> Path:
    """Return where the outcomes of proofs are kept on this machine, making the folder if need be.

    Raises:
        EvidenceError: It cannot be made.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "csirtlab" / "proofs"
    with _advising(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def journal_name(subject: str, sources: Iterable[Path], packages: Iterable[str]) -> str:
    """Return a name that changes with ``sources`` and with the program: its ``packages``, by name below csirtlab."""
    digest = hashlib.sha256()
    for path in sources:
        digest.update(path.read_bytes() if path.is_file() else b"")
    for package in packages:
        for path in sorted((Path(__file__).parents[1] / package).rglob("*")):
            if path.suffix in (".py", ".json"):  # recordings are part of the program too
                digest.update(path.read_bytes())
    return f"{subject}-{digest.hexdigest()[:16]}.jsonl"


def resumed(
    kind: type[OutcomeT],
    journal: Path | None,
    seeds: int,
    run: Callable[[list[int]], Generator[OutcomeT]],
    tick: Callable[[], object],
    is_whole: Callable[[OutcomeT], bool] = lambda _: True,
) -> list[OutcomeT]:
    """Return what came out for the seeds 0 to ``seeds`` - 1: from ``journal``, and the rest from ``run``.

    The journal is a file, made if need be; ``tick`` is called once for each seed. A line of it that is damaged, or
    that ``is_whole`` does not take for one of its own, counts as not there.

    Raises:
        EvidenceError: The journal cannot be read or written.
    """
    done: dict[int, OutcomeT] = {}
    if journal:
        with _advising(journal):
            done = {outcome.seed: outcome for outcome in _remembered(kind, journal, seeds) if is_whole(outcome)}
            _end_last_line(journal)
    for _ in done:
        tick()
    # Closed here and now: what it has in hand must not go on while an error is told.
    with closing(run([number for number in range(seeds) if number not in done])) as outcomes:
        for outcome in outcomes:
            done[outcome.seed] = outcome
            if journal:
                with _advising(journal), journal.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(outcome)) + "\n")
            tick()
    return [done[number] for number in range(seeds)]


def forget(journal: Path) -> None:
    """Remove a journal, if there is one.

    Raises:
        EvidenceError: It cannot be removed.
    """
    with _advising(journal):
        journal.unlink(missing_ok=True)


@contextmanager
def _advising(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EvidenceError(
            f"{error.filename or path}: what is proven cannot be kept here: {error.strerror}. Remove what is in the "
            f"way or make room, or name another folder for caches: XDG_CACHE_HOME."
        ) from error


def spread(work: Callable[..., T], calls: Sequence[tuple[Any, ...]], jobs: int) -> Generator[T]:
    """Yield what ``work`` returns for each tuple of arguments, as they end, in ``jobs`` processes."""
    if jobs <= 1 or len(calls) <= 1:
        yield from (work(*call) for call in calls)
        return
    # Spawned, not forked: a progress bar's thread runs in this process.
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin_worker, initargs=(os.getpid(),)) as pool:
        try:
            for future in as_completed([pool.submit(work, *call) for call in calls]):
                yield future.result()
        except BaseException:  # an error, Ctrl-C, SIGTERM: what has begun ends, and nothing else begins
            pool.shutdown(cancel_futures=True)
            raise


def _begin_worker(parent: int) -> None:
    leave_stopping_to_parent()
    end_with(parent)


def _end_last_line(journal: Path) -> None:
    """Leave a line that a run was cut off in to itself: what comes next must not hang on it."""
    if journal.exists() and not journal.read_bytes().endswith(b"\n"):
        with journal.open("a", encoding="utf-8") as file:
            file.write("\n")


def _remembered(kind: type[OutcomeT], journal: Path, seeds: int) -> Iterator[OutcomeT]:
    if not journal.exists():
        return
    hints = get_type_hints(kind)
    for line in journal.read_bytes().splitlines():
        try:
            read = json.loads(line)
            outcome = kind(**read)
        except (ValueError, TypeError, RecursionError):
            continue  # the last line of a run that was cut off
        if all(_fits(value, hints[name]) for name, value in read.items()) and outcome.seed in range(seeds):
            yield outcome


def _fits(value: object, hint: Any) -> bool:
    """Say whether a value that JSON held is of a type; tuples stand there as lists."""
    whole, parts = get_origin(hint), get_args(hint)
    if whole in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if whole is Mapping:
        return isinstance(value, dict) and all(_fits(item, parts[1]) for item in value.values())
    if whole is tuple:
        return isinstance(value, list) and len(value) == len(parts) and all(map(_fits, value, parts))
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint
