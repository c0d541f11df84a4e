"""Plays attacks on a hub, one that it starts by itself or one that runs, and returns what came of them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from csirtlab.bench.attacks.siege.attacks import HubAttack
from csirtlab.bench.attacks.siege.ground import Siege
from csirtlab.bench.subjects import NOT_OURS, free_port
from csirtlab.errors import SetupError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECONDS_TO_START, SECONDS_TO_STOP = 120, 60
IS_UP = "The hub is at"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Played:
    """What came of one attack: every harm that there is evidence of, none when the hub withstood it."""

    attack: HubAttack
    harms: tuple[str, ...]
    seconds: float


def play(attacks: Sequence[HubAttack], siege: Siege, *, say: Say) -> list[Played]:
    """Play attacks one after the other; one that cannot be played counts as one that succeeded."""
    return [_play(attack, siege, say) for attack in attacks]


def _play(attack: HubAttack, siege: Siege, say: Say) -> Played:
    from playwright.sync_api import Error

    say(f"{attack.name}: the hub")
    began = time.monotonic()
    try:
        harms = tuple(dict.fromkeys(harm[:200] for harm in attack.play(siege)))
    except (Error, OSError, SetupError, ValueError) as error:
        harms = (f"could not be played: {error}"[:500],)
    return Played(attack, harms, time.monotonic() - began)


def play_on_a_new_hub(attacks: Sequence[HubAttack], *, say: Say) -> list[Played]:
    """Start a hub with the demo cohort and a browser, and play attacks on them.

    Raises:
        SetupError: There is no browser, or the hub does not start.
    """
    if not attacks:
        return []
    say("starting a hub to attack")
    with running_browser() as browser, running_hub() as (home, url), Siege(home, url, browser) as siege:
        return play(attacks, siege, say=say)


@contextmanager
def running_browser() -> "Iterator[Browser]":
    """Give a Chromium without a window."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SetupError(
            "attacks on the hub need Playwright, which a checkout installs: ./csirtlab bench ..."
        ) from None
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise SetupError("attacks on the hub need a browser. Install it: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(BROWSER_OPTIONS))
        yield started
        started.close()


@contextmanager
def running_hub() -> Iterator[tuple[Path, str]]:
    """Give home and address of a hub that runs as an operator runs it, with a temporary home."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-siege-") as folder:
        Path(folder).chmod(0o711)  # each server runs under a uid of its own and must get as far as its home
        home, port = Path(folder) / "state", free_port()
        command = [str(Path(sys.executable).with_name("csirtlab")), "up", "--home", str(home), "--port", str(port)]
        environment = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        told = Path(folder) / "told"
        with told.open("w") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment)
        try:
            deadline = time.monotonic() + SECONDS_TO_START
            while IS_UP not in told.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SetupError(f"the hub that was to be attacked does not start:\n{told.read_text()[-2000:]}")
                time.sleep(0.1)
            yield home, f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(SECONDS_TO_STOP)
