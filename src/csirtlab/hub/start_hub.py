"""Becomes JupyterHub: what ``csirtlab up`` starts."""

import sys

from csirtlab.slow_modules import leave_out_slow_modules


def main() -> None:
    """Be ``jupyterhub`` with the arguments of this process."""
    leave_out_slow_modules()
    from csirtlab.hub.roster_hub import RosterHub

    sys.argv[0] = "jupyterhub"
    RosterHub.launch_instance()


if __name__ == "__main__":
    main()
