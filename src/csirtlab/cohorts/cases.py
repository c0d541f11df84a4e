"""A trainee's lab folder: the notebook in their language beside the evidence of their own case."""

import tempfile
import zipfile
from pathlib import Path

from csirtlab.cohorts.store import Store
from csirtlab.content.labs import read_lab
from csirtlab.content.scenarios import read_scenario
from csirtlab.errors import CohortError
from csirtlab.evidence.cases import case_digest, evidence_digest, facts_of, write_evidence
from csirtlab.evidence.plan import make_plan
from csirtlab.evidence.seeds import case_seed
from csirtlab.exchange.app import LabFolder
from csirtlab.exchange.archives import pack
from csirtlab.labs.case_sheet import write_case_sheet
from csirtlab.labs.kept_scenario import SCENARIO, unpack_scenario
from csirtlab.labs.source import variant_name
from csirtlab.labs.texts import lab_texts
from csirtlab.languages import Language


class CaseFolders:
    """Makes lab folders on demand; what the exchange hands to a trainee."""

    def __init__(self, store: Store, content: Path) -> None:
        self._store = store
        self._content = content

    def title(self, cohort: str, lab: str, trainee: str) -> str:  # noqa: ARG002  # the exchange's protocol
        """Return a lab's title in a person's language."""
        account = self._store.account(trainee)
        language = Language(account.language) if account else Language.EN
        return lab_texts(read_lab(self._content, lab), language).title

    def hints(self, lab: str, question: str, trainee: str) -> tuple[str, ...]:
        """Return the hints to a question in a person's language, English where the lab has no other."""
        account = self._store.account(trainee)
        language = Language(account.language) if account else Language.EN
        return lab_texts(read_lab(self._content, lab), language).questions[question].hints

    def lab_folder(self, cohort: str, lab: str, trainee: str, release: Path) -> LabFolder:
        """Return the folder: ``LAB.ipynb`` and ``evidence/``.

        ``release`` is the zip that the instructor released; the notebook is taken from it in the
        trainee's language, English where it has no other, and the evidence is made from the scenario in it.

        Raises:
            CohortError: There is no such cohort, or the release lacks the lab's notebook.
        """
        found = self._store.cohort(cohort)
        account = self._store.account(trainee)
        if found is None or account is None:
            raise CohortError(f'there is no cohort "{cohort}" with "{trainee}" in it. Ask the operator.')
        language = Language(account.language)
        notebook = _released_notebook(release, lab, language)
        source = read_lab(self._content, lab)
        with tempfile.TemporaryDirectory(prefix="csirtlab-case-") as aside:
            scenario = read_scenario(self._scenarios(release, Path(aside) / "scenarios"), source.scenario)
            evidence = Path(aside) / "evidence"
            secret = bytes.fromhex(found.secret)
            plan = make_plan(scenario, case_seed(secret, lab, trainee))
            write_evidence(plan, evidence)
            digest = case_digest(secret, evidence_digest(evidence), facts_of(scenario, plan))
            write_case_sheet(source, evidence, cohort=cohort, trainee=trainee, language=language)
            files = [
                (f"evidence/{path.relative_to(evidence).as_posix()}", path.read_bytes())
                for path in evidence.rglob("*")
                if path.is_file()
            ]
            return LabFolder(pack([(f"{lab}.ipynb", notebook), *files]), digest)

    def _scenarios(self, release: Path, aside: Path) -> Path:
        """Return the content with the scenario as it was released; what is installed, for a release without one."""
        with zipfile.ZipFile(release) as archive:
            if SCENARIO not in archive.namelist():
                return self._content
            return unpack_scenario(archive.read(SCENARIO), aside)


def _released_notebook(release: Path, lab: str, language: Language) -> bytes:
    with zipfile.ZipFile(release) as archive:
        names = set(archive.namelist())
        name = variant_name(lab, language, names)
        if name in names:
            return archive.read(name)
    raise CohortError(f'the release of "{lab}" has no {lab}.ipynb. Generate and release it again in the formgrader.')
