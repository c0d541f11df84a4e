"""The exchange, killed at random moments while trainees hand in; then what it had acknowledged is looked for."""

import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from csirtlab.bench.stand_in_hub import StandInHub, token_of
from csirtlab.cohorts.create import cohort_account
from csirtlab.cohorts.folders import Home
from csirtlab.cohorts.roster import Role
from csirtlab.cohorts.store import GATE_UID, Cohort, Membership, add_account, open_store
from csirtlab.errors import CsirtlabError, SetupError
from csirtlab.exchange.archives import pack
from csirtlab.exchange.client import ExchangeClient, Unreachable
from csirtlab.exchange.entries import Entry, Kind
from csirtlab.exchange.limits import RELEASE_LIMIT, SUBMISSIONS_LIMIT
from csirtlab.exchange.log import read_log
from csirtlab.exchange.objects import Objects
from csirtlab.exchange.receipts import Receipt, read_public_key, verify_receipt
from csirtlab.exchange.store import ExchangeStore, exchange_root, verify_store
from csirtlab.hub.configure import SERVICE_PREFIX
from csirtlab.hub.forwarder import forward
from csirtlab.languages import Language
from csirtlab.settings import content_root
from csirtlab.sockets import Sockets

COHORT, LAB = "bench", "kept"
TRAINEES = 400
CLIENTS = 4
_START_S = 60.0
_MOST_LIFE_S = 1.0  # after the first sign of life
_IN_STARTING = 0.15  # of the kills
_TWICE = 0.1  # of the submissions: a double click
_FILLER = 120_000  # bytes at most that do not compress, beside the notebook

Stopped = Callable[[], bool]


@dataclass(frozen=True)
class Acknowledged:
    """A submission that a client was told is kept."""

    trainee: str
    content: str  # SHA-256 of what was sent
    receipt: Receipt


@dataclass
class ExchangeFigures:
    """What was found. ``problems`` names each loss."""

    kills: int = 0
    kills_while_starting: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    answers_lost: int = 0  # kept, but the client was never told: it sent again and must get the same receipt
    torn_lines: int = 0
    starts_failed: int = 0
    entries: int = 0
    problems: list[str] = field(default_factory=list)


class Load:
    """Clients that hand in one submission after the other and remember every receipt."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._seed = seed
        self._guard = threading.Lock()
        self._turns = itertools.count()
        self._is_over = threading.Event()
        self.known: list[Acknowledged] = []
        self.in_flight: dict[int, tuple[str, str]] = {}  # client -> trainee and content without an answer
        self.problems: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the clients hand in; at the end they stop, with what has no answer left as it is."""
        threads = [threading.Thread(target=self._client, args=(number,), daemon=True) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _client(self, number: int) -> None:
        rng = random.Random(f"{self._seed}/{number}")  # noqa: S311  # load, not secrets
        while not self._is_over.is_set():
            with self._guard:
                turn = next(self._turns)
            if turn >= TRAINEES * SUBMISSIONS_LIMIT:
                return
            try:
                self._hand_in(rng, number, trainee_name(turn % TRAINEES), turn)
            except CsirtlabError as error:
                self.problems.append(f"submission {turn} was refused: {error}")

    def _hand_in(self, rng: random.Random, number: int, trainee: str, turn: int) -> None:
        content = _work(rng, turn)
        digest = hashlib.sha256(content).hexdigest()
        self.in_flight[number] = (trainee, digest)
        with ExchangeClient(self._url, token_of(trainee), pauses_s=()) as client:
            receipt = self._until_kept(client, content)
            if receipt is not None and rng.random() < _TWICE:
                again = self._until_kept(client, content)
                if again not in (receipt, None):
                    self.problems.append(f"{trainee} sent the same twice and got two receipts")
        if receipt is not None:
            self.known.append(Acknowledged(trainee, digest, receipt))
        self.in_flight.pop(number)

    def _until_kept(self, client: ExchangeClient, content: bytes) -> Receipt | None:
        while not self._is_over.is_set():
            try:
                return client.send(COHORT, LAB, content)
            except Unreachable:
                self._is_over.wait(0.05)
        return None


def trainee_name(number: int) -> str:
    """Return the user name of one of the trainees."""
    return f"trainee{number:03}"


def _work(rng: random.Random, turn: int) -> bytes:
    cell: dict[str, object] = {
        "cell_type": "code",
        "id": "c1",
        "metadata": {},
        "source": f"turn = {turn}",
        "outputs": [],
        "execution_count": None,
    }
    notebook = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
    return pack([(f"{LAB}.ipynb", notebook), ("notes.bin", rng.randbytes(rng.randrange(_FILLER)))])


def measure_exchange(
    root: Path, kills: int, seed: int, *, is_over: Stopped, step: Callable[[str], None]
) -> ExchangeFigures:
    """Kill the service ``kills`` times, or until ``is_over``, and return what was found.

    Raises:
        SetupError: The service does not start at all.
    """
    home = Home(root / "home")
    _prepare(home)
    found = ExchangeFigures()
    rng = random.Random(seed)  # noqa: S311  # moments, not secrets
    with StandInHub() as hub:
        sockets = Sockets(home.root / "run")
        sockets.ensure(GATE_UID)
        port = forward(sockets.workshop)
        load = Load(f"http://127.0.0.1:{port}{SERVICE_PREFIX}exchange", seed)
        service = _Service(home, sockets, hub.api_url, port)
        checker = Checker(exchange_root(home.root), found)
        try:
            with load.running():
                while found.kills < kills and not is_over():
                    _one_life(service, rng, found)
                    checker.after_a_kill(load)
                    step(f"exchange: {found.kills} kills, {len(load.known)} acknowledged, {found.lost} lost")
            service.start()
            service.wait_until_ready()
            checker.at_the_end(load, load._url)
        finally:
            service.kill()
    return found


def _one_life(service: "_Service", rng: random.Random, found: ExchangeFigures) -> None:
    service.start()
    if rng.random() < _IN_STARTING:
        time.sleep(rng.uniform(0, service.seconds_to_start))
        found.kills_while_starting += 1
    else:
        service.wait_until_ready()
        time.sleep(rng.uniform(0, _MOST_LIFE_S))
    if service.has_ended:
        found.starts_failed += 1
        found.problems.append(f"the service ended by itself: {service.last_words()}")
    service.kill()
    found.kills += 1


class _Service:
    """The workshop's service, started as the hub starts it."""

    def __init__(self, home: Home, sockets: Sockets, api_url: str, port: int) -> None:
        self._home = home
        self._log = home.log / "service.log"
        self._url = f"http://127.0.0.1:{port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("CSIRTLAB_", "JUPYTERHUB_"))},
            "CSIRTLAB_HOME": str(home.root),
            "CSIRTLAB_CONTENT": str(content_root()),
            "CSIRTLAB_SOCKETS": str(sockets.root),
            "CSIRTLAB_SERVICE_UID": "-1",
            "CSIRTLAB_GATE_UID": "-1",
            "JUPYTERHUB_SERVICE_NAME": "workshop",
            "JUPYTERHUB_SERVICE_PREFIX": SERVICE_PREFIX,
            "JUPYTERHUB_API_URL": api_url,
            "JUPYTERHUB_API_TOKEN": token_of("workshop"),
            "JUPYTERHUB_CLIENT_ID": "service-workshop",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self.seconds_to_start = 2.0  # until it is measured

    def start(self) -> None:
        self._started = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "csirtlab.web.service"],
                env=self._environment, cwd=self._home.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,  # Ctrl-C is for the benchmark
            )  # fmt: skip

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not self.has_ended:
                try:
                    if client.get(f"{self._url}{SERVICE_PREFIX}exchange/key").status_code == 200:
                        self.seconds_to_start = time.monotonic() - self._started
                        return
                except httpx.TransportError:
                    time.sleep(0.02)
                if time.monotonic() > deadline:
                    raise SetupError(f"the service was not ready after {_START_S:.0f} s: {self.last_words()}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Checker:
    """Compares what clients were told with what is on the disk."""

    def __init__(self, root: Path, found: ExchangeFigures) -> None:
        self._root = root
        self._found = found
        self._objects = Objects(root)
        self._key: Ed25519PublicKey | None = None
        self._checked = 0
        self._lost: set[int] = set()  # positions

    def after_a_kill(self, load: Load) -> None:
        """Nobody writes now: look for every acknowledgement in the log, for new ones in the files too."""
        reading = read_log(self._root / "log.jsonl")
        if reading.damage:
            self._found.problems.append(reading.damage)
        self._found.torn_lines += bool(reading.torn)
        known = load.known[:]
        for number, told in enumerate(known):
            self._check(told, reading.entries, is_new=number >= self._checked)
        self._checked = len(known)
        kept = {(entry.trainee, entry.content) for entry in reading.entries}
        answered = {(told.trainee, told.content) for told in known}
        waiting = set(load.in_flight.copy().values()) - answered
        self._found.answers_lost += len(waiting & kept)
        self._found.acknowledged, self._found.lost = len(known), len(self._lost)

    def at_the_end(self, load: Load, url: str) -> None:
        """Everything once more: files, signatures, the whole store, and what the service tells and gives."""
        self._found.problems += load.problems
        self._found.problems += verify_store(self._root).faults
        entries = read_log(self._root / "log.jsonl").entries
        for told in load.known:
            self._check(told, entries, is_new=True)
        with ExchangeClient(url, token_of(cohort_account(COHORT))) as instructor:
            listed = {each.id: each for each in instructor.submissions(COHORT, LAB)}
            for told in load.known:
                there = listed.get(told.receipt.position)
                if there is None or there.receipt != told.receipt:
                    self._lose(told, "the service does not list it with its receipt")
            for told in load.known[:: max(1, len(load.known) // 200)]:  # the client compares content and receipt
                instructor.submission(COHORT, listed[told.receipt.position])
        submitted = Counter((entry.trainee, entry.content) for entry in entries if entry.kind is Kind.SUBMISSION)
        self._found.doubled = sum(times - 1 for times in submitted.values())
        self._found.entries = len(entries)
        self._found.acknowledged, self._found.lost = len(load.known), len(self._lost)

    def _check(self, told: Acknowledged, entries: Sequence[Entry], *, is_new: bool) -> None:
        position = told.receipt.position
        entry = entries[position] if position < len(entries) else None
        if entry is None or (entry.hash, entry.trainee, entry.content) != (
            told.receipt.entry, told.trainee, told.content,
        ):  # fmt: skip
            self._lose(told, "the log does not have it in its place")
        elif is_new:
            if fault := self._objects.fault(told.content):
                self._lose(told, fault)
            self._key = self._key or read_public_key((self._root / "key.pub.pem").read_bytes())
            try:
                verify_receipt(told.receipt, self._key)
            except CsirtlabError as error:
                self._lose(told, str(error))

    def _lose(self, told: Acknowledged, why: str) -> None:
        if told.receipt.position not in self._lost:
            self._found.problems.append(f"entry {told.receipt.position}, {told.trainee}: {why}")
        self._lost.add(told.receipt.position)


def _prepare(home: Home) -> None:
    """Make a cohort with its people and one released lab, as the service finds them."""
    home.ensure()
    store = open_store(home.root)
    with store.session() as session:
        add_account(session, cohort_account(COHORT), COHORT, Language.EN, None)
        session.add(Cohort(name=COHORT, course=COHORT, title=COHORT, language=Language.EN.value, secret="00" * 32))
        session.flush()
        for number in range(TRAINEES):
            add_account(session, trainee_name(number), "Somebody", Language.EN, None)
            session.add(Membership(cohort_name=COHORT, username=trainee_name(number), role=Role.TRAINEE.value))
    store.close()
    with (
        ExchangeStore(exchange_root(home.root)) as exchange,
        exchange.receive(limit=RELEASE_LIMIT, too_large="the benchmark's lab is too large") as content,
    ):
        content.write(_work(random.Random(0), 0))  # noqa: S311
        exchange.release(COHORT, LAB, cohort_account(COHORT), content)
