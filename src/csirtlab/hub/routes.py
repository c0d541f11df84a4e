"""JupyterHub's list of routes, of which no process needs to be told: nginx knows each server's socket by its name."""

from typing import Any

from jupyterhub.proxy import Proxy


class GateRoutes(Proxy):
    """The proxy that JupyterHub believes to have; nginx is started and watched by ``csirtlab up``.

    Source: JupyterHub 6.1, proxy.py, ``Proxy``: what a proxy has to do.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.should_start = False
        self._routes: dict[str, dict[str, Any]] = {}

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        """Keep a route."""
        spec = self.validate_routespec(routespec)
        self._routes[spec] = {"routespec": spec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        """Forget a route."""
        self._routes.pop(self.validate_routespec(routespec), None)

    async def get_all_routes(self) -> Any:  # the base class returns nothing at all
        """Return the routes that are kept."""
        return dict(self._routes)
