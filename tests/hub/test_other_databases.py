"""JupyterHub's own tables and nbgrader's gradebook in PostgreSQL, at the addresses that we hand on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.databases import Postgres

pytestmark = pytest.mark.slow

HUB = """
from pathlib import Path
from jupyterhub import orm
from csirtlab.cohorts.databases import hub_database_url
session = orm.new_session_factory(hub_database_url(Path()))()
session.add(orm.User(name="ana"))
session.commit()
print([user.name for user in session.query(orm.User)])
"""
GRADEBOOK = """
from pathlib import Path
from nbgrader.api import Gradebook
from csirtlab.cohorts.databases import hub_database_url
for _ in range(2):
    with Gradebook(hub_database_url(Path()), "quito") as gradebook:
        gradebook.update_or_create_student("ana")
        print([student.id for student in gradebook.students])
"""


@pytest.mark.parametrize(("program", "told"), [(HUB, ["['ana']"]), (GRADEBOOK, ["['ana']", "['ana']"])])
def test_both_work_with_the_address_that_is_in_the_home(
    postgres: Postgres, tmp_path: Path, program: str, told: list[str]
) -> None:
    """In a process of their own: neither closes all its connections."""
    (tmp_path / "hub-database-url").write_text(postgres.database())
    (tmp_path / "hub-database-url").chmod(0o600)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CSIRTLAB_")}

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == told
