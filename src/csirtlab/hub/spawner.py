"""Starts each single-user server inside its own walls, under a uid of its own."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner

from csirtlab.cohorts.create import cohort_of_account
from csirtlab.cohorts.folders import Home, ensure_owned
from csirtlab.cohorts.store import Account, Store
from csirtlab.errors import CohortError
from csirtlab.hub.walls import HOME_INSIDE, Walls, become, programs_and_pages, wall_command
from csirtlab.languages import LOCALES, Language

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
    exchange_url: str
    is_unsafe = False

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
            "CSIRTLAB_EXCHANGE_URL": self.exchange_url,
            "CSIRTLAB_LOCALE": LOCALES[language],
            "CSIRTLAB_LANGUAGE": language.value,
            "CSIRTLAB_NAME": account.name,
        }
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

    async def start(self) -> tuple[str, int]:
        """Start the server; returns where it listens."""
        account = self._account()
        folder = self._folder()
        is_cohort = cohort_of_account(account.username) is not None
        self._trust_own_server()
        if not is_cohort:
            ensure_owned(folder, account.uid)
        command = [sys.executable, "-I", "-m", "csirtlab.hub.start_server"]
        if not self.is_unsafe:
            readable, hidden = programs_and_pages(self.content)
            walls = Walls(
                home=folder,
                etc=self.content / "hub_config" / "etc",
                readable=[*readable, self.content] if is_cohort and self.content not in readable else readable,
                hidden=[] if is_cohort else hidden,
                may_nest=is_cohort,
            )
            command = wall_command(walls, command)
        self.cmd = command
        self.popen_kwargs = {"cwd": str(folder), "stdin": asyncio.subprocess.DEVNULL}
        started: tuple[str, int] = await super().start()
        return started

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
        if await self.poll() is not None:
            return
        if not now:
            await self._signal(signal.SIGTERM)
            await self.wait_for_death(SECONDS_TO_END)
        if await self.poll() is None:
            await self._signal(signal.SIGKILL)
            await self.wait_for_death(SECONDS_TO_END)
