"""Becomes JupyterHub: what ``csirtlab up`` starts."""

import sys

from csirtlab.slow_modules import leave_out_slow_modules


def main() -> None:
    """Be ``jupyterhub`` with the arguments of this process."""
    leave_out_slow_modules()
    from jupyterhub.app import main as serve

    sys.argv[0] = "jupyterhub"
    serve()


if __name__ == "__main__":
    main()
