"""JupyterHub, with an eye on what rosters no longer allow."""

from typing import Any

from jupyterhub.app import JupyterHub

from csirtlab.hub.authenticator import RosterAuthenticator
from csirtlab.hub.endings import Endings
from csirtlab.hub.spawner import BoxSpawner


class RosterHub(JupyterHub):
    """The hub; with csirtlab's configuration, it ends the sessions of those who may no longer have them."""

    async def start(self) -> Any:
        """Start everything; who was signed out while no hub ran is so before anybody is answered."""
        store = getattr(RosterAuthenticator, "store", None)  # another configuration has none
        endings = Endings(self, store, BoxSpawner.home) if store is not None and self.subapp is None else None
        if endings:
            await endings.before_start()
        await super().start()
        if endings:
            endings.watch()
