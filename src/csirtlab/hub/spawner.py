"""Starts each single-user server inside its own walls, under a uid of its own."""

import asyncio
import os
import signal
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Enum, List, Unicode

from csirtlab.cohorts.create import cohort_of_account
from csirtlab.cohorts.folders import Home, ensure_owned
from csirtlab.cohorts.store import Account, Store
from csirtlab.errors import CohortError
from csirtlab.hub.walls import (
    HOME_INSIDE,
    SOCKET_INSIDE,
    Walls,
    become,
    handed_files,
    programs_and_pages,
    wall_command,
)
from csirtlab.languages import LOCALES, Language
from csirtlab.sockets import Sockets, listen, unix_url

SECONDS_TO_END = 3


def safe_python(content: Path) -> dict[str, str]:
    """Return what keeps every Python in a cohort's server from importing what lies beside a submission.

    No folder that a program is started in, or stands in, is on its import path; and programs that would read their
    settings there are not started in what was handed in (``hub_config/cohort/python/sitecustomize.py``).
    """
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": str(content / "hub_config" / "cohort" / "python")}


class BoxSpawner(LocalProcessSpawner):
    """A LocalProcessSpawner whose servers stand behind bubblewrap.

    ``store``, ``home`` and ``content`` are set on the class by the hub's configuration, which has
    them open already.
    """

    store: Store
    home: Home
    content: Path
    sockets: Sockets
    is_unsafe = False
    _listening = -1
    _innermost = -1  # a descriptor of the first process inside the walls

    network: Any = Enum(
        ("own", "host"),
        "own",
        config=True,
        help="""Which network servers are in.

        "own": each has a loopback of its own, on which the hub's words about itself and the exchange can be
        reached, and nothing else. "host": the machine's, with every port of its loopback, the neighbours'
        listeners, your own network and the internet.
        """,
    )
    cohort_folders: Any = List(
        Unicode(),
        config=True,
        help="""Folders that cohorts' servers see beside their own, as they are on the machine.

        For a gradebook in PostgreSQL, which is reached by its socket: ["/run/postgresql"].
        """,
    )

    def _account(self) -> Account:
        account = self.store.account(self.user.name)
        if account is None:
            raise CohortError(f'"{self.user.name}" is in no cohort. Add them: csirtlab cohort add')
        return account

    @property
    def _uid(self) -> int | None:
        return self._account().uid if os.geteuid() == 0 else None

    def make_preexec_fn(self, name: str) -> Any:  # noqa: ARG002  # JupyterHub's signature
        """Return what the child does first: limits, then its own uid."""
        return become(self._uid)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Return the environment of the server: nothing of the hub's own goes in."""
        account = self._account()
        language = Language(account.language)
        cohort = cohort_of_account(account.username)
        home = self._folder() if self.is_unsafe else HOME_INSIDE
        env |= {
            "HOME": str(home),
            "USER": account.username,
            "SHELL": "/bin/bash",
            "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "JUPYTER_CONFIG_DIR": f"{home}/.jupyter",
            "JUPYTER_CONFIG_PATH": str(self.content / "hub_config" / ("cohort" if cohort else "trainee")),
            "JUPYTER_PATH": str(self.content / "hub_config" / "jupyter"),
            "CSIRTLAB_CONTENT": str(self.content),
            "CSIRTLAB_INNER": str(self.sockets.inner if self.is_unsafe else SOCKET_INSIDE / self.sockets.inner.name),
            "CSIRTLAB_LOCALE": LOCALES[language],
            "CSIRTLAB_LANGUAGE": language.value,
            "CSIRTLAB_NAME": account.name,
        }
        env["CSIRTLAB_LISTENING"] = str(self._listening)
        if cohort:
            env["CSIRTLAB_COHORT"] = cohort
            env |= safe_python(self.content)
        if self.is_unsafe:
            env["CSIRTLAB_UNSAFE_NO_BOX"] = "1"
        return env

    def _folder(self) -> Path:
        cohort = cohort_of_account(self.user.name)
        return self.home.cohort(cohort) if cohort else self.home.person(self.user.name)

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over a server that outlived the hub before."""
        super().load_state(state)
        self._trust_own_server()

    def _trust_own_server(self) -> None:
        # Instructors come to a cohort's server, which is ours: no page asks them whether they trust it.
        if cohort_of_account(self.user.name):
            self.user.settings.setdefault("oauth_no_confirm_list", set()).add(self.oauth_client_id)

    async def start(self) -> Any:  # an address; the base class gives host and port
        """Start the server; returns where it answers.

        The socket is opened here: whoever asks before the server is ready waits for it. It is handed over as
        an open file, for at no place that a trainee can write may stand where the gate goes.
        """
        account = self._account()
        self._trust_own_server()
        if cohort_of_account(account.username) is None:
            ensure_owned(self._folder(), account.uid)
        path = self.sockets.server(account.username)
        walls = None if self.is_unsafe else self._walls()
        with (
            listen(path) as listening,
            open_log(self.home, account.username) as log,
            handed_files(walls) if walls else nullcontext() as handed,
        ):
            command = [sys.executable, "-I", "-m", "csirtlab.hub.start_server"]
            self.cmd = wall_command(walls, handed, command) if walls and handed else command
            self._listening = listening.fileno()
            self.popen_kwargs = {
                "cwd": str(self._folder()),
                "stdin": asyncio.subprocess.DEVNULL,
                "stdout": log,
                "stderr": log,
                "pass_fds": [self._listening, *(handed.descriptors if handed else ())],
            }
            await super().start()
        return unix_url(path)

    def _walls(self) -> Walls:
        is_cohort = cohort_of_account(self.user.name) is not None
        readable, hidden = programs_and_pages(self.content)
        if is_cohort:
            more = [self.content, *map(Path, self.cohort_folders)]
            readable = [*readable, *(folder for folder in more if folder not in readable)]
        return Walls(
            home=self._folder(),
            inner=self.sockets.inner_folder,
            etc=self.content / "hub_config" / "etc",
            readable=readable,
            hidden=[] if is_cohort else hidden,
            may_nest=is_cohort,
            has_network=self.network == "host",
        )

    async def poll(self) -> int | None:
        """Return the exit code of a server that has ended, and end whatever it left in its walls."""
        status: int | None = await super().poll()
        if status is None:
            self._hold_innermost()
        elif self._innermost >= 0:
            # What detached itself, and is deaf to other signals, ends with the first process of its namespace.
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._innermost, signal.SIGKILL)
            os.close(self._innermost)
            self._innermost = -1
        return status

    def _hold_innermost(self) -> None:
        """Open bubblewrap's child, which goes on after bubblewrap while anything in the walls does."""
        if self._innermost < 0 and not self.is_unsafe:
            with suppress(OSError):
                for child in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
                    self._innermost = os.pidfd_open(int(child))

    async def _signal(self, sig: int) -> bool:
        # The group: bubblewrap hands no signal on to what it runs.
        try:
            if sig == 0:
                os.kill(self.pid, 0)
            else:
                os.killpg(self.pid, sig)
        except ProcessLookupError:
            return False
        return True

    async def stop(self, now: bool = False) -> None:
        """End the server and all in its walls: SIGTERM, and after three seconds SIGKILL."""
        self.sockets.server(self.user.name).unlink(missing_ok=True)
        if await self.poll() is not None:
            return
        if not now:
            await self._signal(signal.SIGTERM)
            await self.wait_for_death(SECONDS_TO_END)
        if await self.poll() is None:
            await self._signal(signal.SIGKILL)
            await self.wait_for_death(SECONDS_TO_END)


def open_log(home: Home, username: str) -> BinaryIO:
    """Open a new log for an account's server, and keep the one before beside it.

    One for each: who holds a log open can cut it, write over it, and, where its mode allows, read it.
    """
    folder = home.log / "servers"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{username}.log"
    if path.exists():
        path.replace(path.with_suffix(".log.before"))
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600), "ab")
