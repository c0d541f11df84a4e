"""``csirtlab bench hub``: what a trainee's server costs on our hub and on a plain JupyterHub, in one run."""

import asyncio
import os
import platform
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import fmean

from csirtlab.bench.figures import Samples, Side, report
from csirtlab.bench.processes import kill, pss_mib, until_at_rest
from csirtlab.bench.subjects import NOT_OURS, Subject, plan_ours, plan_stock, read_parts, running, until_ready
from csirtlab.cohorts.store import FIRST_UID
from csirtlab.errors import SetupError
from csirtlab.hub.walls import probe_walls

AT_ONCE = 10
LOADED = "import scapy.all, pyshark, ipywidgets"
REQUESTS = 300
KEYS = (
    "spawn_s", "spawn10_s", "way_ms", "hub_mib", "proxy_mib", "server_mib", "server10_mib", "kernel_mib", "service_mib",
)  # fmt: skip
"""``way_ms`` is what each request takes longer by the public way; ``proxy_mib`` what stands there: nginx with the gate,
or the stock proxy. ``server10_mib`` is one server's share while ten run; ``service_mib`` whatever else a hub needs."""

PROGRAMS = (
    "csirtlab", "jupyterhub", "jupyterlab", "jupyter_server", "nbgrader", "ipykernel", "ipywidgets", "scapy", "pyshark"
)  # fmt: skip

CONDITIONS = {
    Side.OURS.value: "csirtlab's hub as `csirtlab up` runs it, each server in its walls",
    Side.STOCK.value: "jupyterhub, SimpleLocalProcessSpawner, DummyAuthenticator, the default kernel; no other "
    "settings, and every extension of the same environment switched on, nbgrader's too",
    "memory": "PSS of whole process trees, both hubs running side by side, each at rest",
}


@dataclass(frozen=True)
class Repeats:
    """How often each part is measured, on each side."""

    spawn: int
    spawn10: int
    has_warm_up: bool
    most_rest_s: float  # how long at most to wait for rest
    stops_in_order: bool  # by the hub, which can take ten seconds; else servers are killed

    @property
    def steps(self) -> int:
        """How many steps are told: both hubs start; three for one server, two for ten."""
        return 1 + 3 * (self.has_warm_up + self.spawn) + 2 * self.spawn10


FULL = Repeats(spawn=5, spawn10=3, has_warm_up=True, most_rest_s=8, stops_in_order=True)
QUICK = Repeats(spawn=1, spawn10=1, has_warm_up=False, most_rest_s=2, stops_in_order=False)

Say = Callable[[str], None]


def measure_hub(repeats: Repeats, *, say: Say) -> dict[str, object]:
    """Measure both hubs and return the report; all that was started is stopped at the end, and on Ctrl-C.

    Raises:
        SetupError: A hub or server does not start, walls cannot be built, or a temporary folder cannot be used.
    """
    probe_walls(FIRST_UID if os.geteuid() == 0 else None)
    for name in NOT_OURS:
        os.environ.pop(name, None)
    load_before = os.getloadavg()[0]
    with _temporary_folder() as root:
        try:
            samples = asyncio.run(_measure(root, repeats, say))
        except asyncio.CancelledError:
            raise SetupError("ended by a signal before all was measured; nothing was left running") from None
    about = {
        "repeats": {"spawn": repeats.spawn, "spawn10": repeats.spawn10},
        "versions": {
            "python": platform.python_version(),
            "linux": platform.release(),
            **{program: version(program) for program in PROGRAMS},
        },
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(load_before, 2),
        "conditions": CONDITIONS,
    }
    return report(samples, names=KEYS, about=about)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="csirtlab-bench-"))
    try:
        # Each of our servers runs under a uid of its own, and must get as far as its home.
        folder.chmod(0o711)
        if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in folder.parents):
            raise SetupError(f"other users cannot reach {folder.parent}. Name a folder they can: TMPDIR=/tmp")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _measure(root: Path, repeats: Repeats, say: Say) -> Samples:
    _cancel_on_signals()
    starts = repeats.has_warm_up + repeats.spawn + AT_ONCE * repeats.spawn10
    users = [f"bench{number:03}" for number in range(1, starts + 1)]
    unused = iter(users)  # everybody is new: their first start is what is measured
    samples = Samples()
    say("starting both hubs")
    async with running(plan_ours(root, users)) as ours, running(plan_stock(root)) as stock:
        both = (ours, stock)
        await asyncio.gather(*(until_ready(subject) for subject in both))
        for subject in both:
            await subject.client.add_users(users)
        run = Run(samples, repeats, say)
        if repeats.has_warm_up:
            await replace(run, samples=Samples()).single(both, next(unused), "to warm up")
        for number in range(repeats.spawn):
            await run.single(_in_turn(both, number), next(unused), f"{number + 1} of {repeats.spawn}")
        for number in range(repeats.spawn10):
            ten = [next(unused) for _ in range(AT_ONCE)]
            await run.ten(_in_turn(both, number), ten, f"{number + 1} of {repeats.spawn10}")
    return samples


def _in_turn(both: Sequence[Subject], number: int) -> Sequence[Subject]:
    """Return who is first this time: what drifts on the machine then falls on both."""
    return both if number % 2 == 0 else both[::-1]


@dataclass(frozen=True)
class Run:
    """The measuring itself; each method leaves the hubs as it found them."""

    samples: Samples
    repeats: Repeats
    say: Say

    async def single(self, subjects: Sequence[Subject], user: str, which: str) -> None:
        """Measure one server alone on each hub: its start, its memory, a loaded kernel's memory."""
        for subject in subjects:
            self.say(f"one server, {which}: {subject.side}")
            self.samples.add("spawn_s", subject.side, await subject.client.start_server(user))
            await self._rest(subject)
        for subject in subjects:
            self.samples.add("way_ms", subject.side, await subject.client.way_ms(user, REQUESTS))
        self.say(f"memory, {which}: both")
        # Both read in the same state: they share pages of the same libraries, half and half.
        parts = [await read_parts(subject, [user]) for subject in subjects]
        for subject, part in zip(subjects, parts, strict=True):
            self.samples.add("hub_mib", subject.side, pss_mib(part.hub))
            self.samples.add("proxy_mib", subject.side, pss_mib(part.proxy))
            self.samples.add("server_mib", subject.side, pss_mib(part.servers[0]))
            self.samples.add("service_mib", subject.side, pss_mib(part.service))
        without = {subject.side: set(subject.pids()) for subject in subjects}
        await asyncio.gather(*(subject.client.run_in_kernel(user, LOADED) for subject in subjects))
        await asyncio.gather(*(self._rest(subject) for subject in subjects))
        for subject in subjects:
            kernel = [pid for pid in subject.pids() if pid not in without[subject.side]]
            self.samples.add("kernel_mib", subject.side, pss_mib(kernel))
        await asyncio.gather(*(self._stop(subject, [user]) for subject in subjects))

    async def ten(self, subjects: Sequence[Subject], users: Sequence[str], which: str) -> None:
        """Measure several servers started at once on each hub, and what each of them then takes."""
        for subject in subjects:
            self.say(f"{len(users)} servers at once, {which}: {subject.side}")
            took = await asyncio.gather(*(subject.client.start_server(user) for user in users))
            self.samples.add("spawn10_s", subject.side, max(took))
            await self._rest(subject)
            parts = await read_parts(subject, users)
            self.samples.add("server10_mib", subject.side, fmean(pss_mib(server) for server in parts.servers))
            await self._stop(subject, users)

    async def _rest(self, subject: Subject) -> None:
        await until_at_rest(subject.pids, at_most_s=self.repeats.most_rest_s)

    async def _stop(self, subject: Subject, users: Sequence[str]) -> None:
        if self.repeats.stops_in_order:
            await asyncio.gather(*(subject.client.stop_server(user) for user in users))
            await self._rest(subject)
        else:
            kill([pid for server in (await read_parts(subject, users)).servers for pid in server])


def _cancel_on_signals() -> None:
    """Let SIGTERM and SIGHUP end the run as Ctrl-C does: by way of what stops the hubs."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
