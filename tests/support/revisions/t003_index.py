"""A test's own: an index on a table in use.

Revision ID: t003
"""

from callcenter.core.online_schema import create_index_online, drop_index_online

revision = "t003"
down_revision = "t002"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    create_index_online("ix_agents_mood", "agents", ["mood"])


def downgrade() -> None:
    drop_index_online("ix_agents_mood")
