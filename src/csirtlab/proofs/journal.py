"""Long proofs: spread over processes, and kept seed by seed, so that the next run goes on where one was stopped."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from csirtlab.parents import end_with

T = TypeVar("T")


@dataclass(frozen=True)
class SeedOutcome:
    """What came out for one seed; a kind of proof adds what it looks at, in values that JSON can hold."""

    seed: int


OutcomeT = TypeVar("OutcomeT", bound=SeedOutcome)


def journal_folder() -> Path:
    """Return where the outcomes of proofs are kept on this machine, making the folder if need be."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "csirtlab" / "proofs"
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
    run: Callable[[list[int]], Iterator[OutcomeT]],
    tick: Callable[[], object],
) -> list[OutcomeT]:
    """Return what came out for the seeds 0 to ``seeds`` - 1: from ``journal``, and the rest from ``run``.

    The journal is a file, made if need be; ``tick`` is called once for each seed.
    """
    done = {outcome.seed: outcome for outcome in _remembered(kind, journal, seeds)}
    for _ in done:
        tick()
    if journal:
        _end_last_line(journal)
    for outcome in run([number for number in range(seeds) if number not in done]):
        done[outcome.seed] = outcome
        if journal:
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome)) + "\n")
        tick()
    return [done[number] for number in range(seeds)]


def spread(work: Callable[..., T], calls: Sequence[tuple[Any, ...]], jobs: int) -> Iterator[T]:
    """Yield what ``work`` returns for each tuple of arguments, as they end, in ``jobs`` processes."""
    if jobs <= 1 or len(calls) <= 1:
        yield from (work(*call) for call in calls)
        return
    # Spawned, not forked: a progress bar's thread runs in this process.
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=end_with, initargs=(os.getpid(),)) as pool:
        for future in as_completed([pool.submit(work, *call) for call in calls]):
            yield future.result()


def _end_last_line(journal: Path) -> None:
    """Leave a line that a run was cut off in to itself: what comes next must not hang on it."""
    if journal.exists() and not journal.read_bytes().endswith(b"\n"):
        with journal.open("a", encoding="utf-8") as file:
            file.write("\n")


def _remembered(kind: type[OutcomeT], journal: Path | None, seeds: int) -> Iterator[OutcomeT]:
    if journal is None or not journal.exists():
        return
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            outcome = kind(**json.loads(line))
        except (ValueError, TypeError):
            continue  # the last line of a run that was cut off
        if outcome.seed < seeds:
            yield outcome
