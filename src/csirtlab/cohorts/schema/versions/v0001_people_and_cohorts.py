"""People, cohorts, and who is in which: the tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "accounts",
        sa.Column("username", sa.String(), primary_key=True),
        sa.Column("uid", sa.Integer(), nullable=False, unique=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("passphrase_hash", sa.String(), nullable=True),
    )
    op.create_table(
        "cohorts",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("course", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
    )
    op.create_table(
        "memberships",
        sa.Column("cohort_name", sa.String(), sa.ForeignKey("cohorts.name"), primary_key=True),
        sa.Column("username", sa.String(), sa.ForeignKey("accounts.username"), primary_key=True),
        sa.Column("role", sa.String(), nullable=False),
    )
