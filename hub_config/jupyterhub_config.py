"""JupyterHub's configuration: csirtlab's settings first, an operator's own after them."""

from csirtlab.hub.configure import configure

c = get_config()  # noqa: F821  # JupyterHub gives it
configure(c)

# Signing in by another service, or a learning platform: see docs/how-to/sign-in-elsewhere.md
