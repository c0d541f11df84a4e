"""What the JupyterHub configuration calls: spawner, authenticator, services."""
