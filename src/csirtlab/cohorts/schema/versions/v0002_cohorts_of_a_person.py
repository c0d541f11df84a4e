"""An index from people to their cohorts: every page asks for it, and the table's key begins with the cohort."""

from alembic import op

revision = "v0002"
down_revision = "v0001"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_memberships_username", "memberships", ["username"])
