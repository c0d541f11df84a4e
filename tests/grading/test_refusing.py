"""A refusal is told in the language of whoever reads it, and nothing hostile comes along."""

import ast
import json
import os
import pickle
import re
from pathlib import Path

import nbformat
import polib
import pytest
from tests.grading.conftest import CohortInTest

import csirtlab
from csirtlab.errors import BoxError
from csirtlab.exchange.receipts import Receipt
from csirtlab.grading.conducting import Refused, conduct
from csirtlab.grading.intake import check_submission
from csirtlab.grading.refusals import NOTHING_TO_DO, Refusal, forget_refusal, keep_refusal, read_refusals, refusal_page
from csirtlab.grading.refusing import Reason, RefusalError, WayOut, reason_of, shown
from csirtlab.languages import CATALOGUES, Language

GRADING = Path(csirtlab.__file__).parent / "grading"
CELL = "\u202egnp.exe\n<script>alert(1)</script>{lab}"
TOLD = ("RefusalError", "Reason")
"""The calls whose first argument a reader is told."""
UNREADABLE = RefusalError("The notebook cannot be read ({kind}: {detail}).", WayOut.SAVE_AGAIN, kind="E", detail="x")


def sentences() -> set[str]:
    """Return every sentence that a reader is told: problems where they are raised, ways out, the page's own."""
    found = {NOTHING_TO_DO, *(way.value for way in WayOut)}
    for path in sorted(GRADING.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_told = isinstance(node, ast.Call) and getattr(node.func, "id", "") in TOLD
            if isinstance(node, ast.Call) and is_told and node.args:
                found |= {
                    arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant) and type(arg.value) is str
                }
    page = (GRADING / "pages" / "not_graded.html").read_text(encoding="utf-8")
    return (found | set(re.findall(r'_\("([^"]+)"\)', page))) - {""}


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_every_sentence_of_a_refusal_is_translated_with_the_same_gaps(language: str) -> None:
    catalogue = polib.pofile(str(CATALOGUES / f"refusals.{language}.po"))

    assert {entry.msgid for entry in catalogue if entry.translated()} == sentences()
    for entry in catalogue:
        assert sorted(re.findall(r"{\w+}", entry.msgstr)) == sorted(re.findall(r"{\w+}", entry.msgid))


def test_the_error_itself_is_the_english_sentence_with_its_way_out() -> None:
    error = RefusalError("There is no {lab}.ipynb in the submission.", WayOut.OWN_NAME, lab="tiny")

    assert str(error) == "There is no tiny.ipynb in the submission. Hand in the lab's notebook under its own name."
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (Language.ES, "La entrega contiene un enlace simbólico: x. Entregue solo archivos normales."),
        (Language.PT, "A entrega contém um link simbólico: x. Entregue somente arquivos comuns."),
        (Language.FR, "La remise contient un lien symbolique\u00a0: x. Ne remettez que des fichiers ordinaires."),
    ],
)
def test_it_is_told_in_each_language(language: Language, told: str) -> None:
    error = RefusalError("The submission holds a link, {name}.", WayOut.PLAIN_FILES, name="x")

    assert error.reason.told(language) == told


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("a\nb", "a\\nb"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("caf\udce9", "caf\\udce9"),
        ("\x1b[31m", "\\x1b[31m"),
        ("{lab.__class__}", "{lab.__class__}"),
        ("señal ñ 例", "señal ñ 例"),
        ("x" * 500, "x" * 200 + "…"),
    ],
)
def test_a_value_is_one_short_line_that_can_be_written_and_read(hostile: str, harmless: str) -> None:
    error = RefusalError("The submission holds a link, {name}.", WayOut.PLAIN_FILES, name=hostile)

    assert shown(hostile) == harmless
    assert harmless in str(error)
    assert str(error).encode("utf-8")


def test_a_file_name_that_is_no_utf8_is_told_all_the_same(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).symlink_to("/dev/zero")

    with pytest.raises(RefusalError, match=r"holds a link, caf\\udce9\."):
        check_submission(tmp_path, "tiny")


def test_a_fault_that_is_not_the_submissions_is_told_to_the_instructor_in_full_and_asks_nothing_of_the_trainee() -> (
    None
):
    reason = reason_of(BoxError("/opt/secret/box broke. Mend it."))

    page = refusal_page(Refusal("ana", reason, None), "Tiny", Language.ES)

    assert reason.told(Language.EN) == "/opt/secret/box broke. Mend it."
    assert "/opt/secret/box broke" in reason.told(Language.ES)
    assert "/opt/secret" not in page and "No tiene que hacer nada" in page


def test_an_unforeseen_error_says_that_no_score_was_written() -> None:
    assert (
        reason_of(ValueError("{x}"))
        .told(Language.EN)
        .startswith("Grading ended early (ValueError: {x}), and no score was written. Open the notebook")
    )


def test_nothing_hostile_acts_in_the_page() -> None:
    reason = Reason("The submission holds a link, {name}.", WayOut.PLAIN_FILES, {"name": shown(CELL)})

    page = refusal_page(Refusal("ana", reason, None), "<b>Tiny</b>", Language.EN)

    assert "<script" not in page and "&lt;script&gt;" in page and "\u202e" not in page
    assert "<b>Tiny" not in page
    assert not re.search(r"(?:src|href)=", page), "it is one file that asks nobody for anything"


def keep(cohort: CohortInTest, trainee: str = "ana") -> Path:
    keep_refusal(cohort.folder, "tiny", trainee, UNREADABLE.reason)
    return cohort.folder / "refused" / "tiny"


def receipt(trainee: str = "ana", lab: str = "tiny") -> str:
    fields = {"cohort": "demo", "lab": lab, "trainee": trainee, "time": "2026-03-02T09:00:00.000000Z", "position": 12}
    digests = {"content": "0" * 64, "entry": "0" * 64, "key": "0" * 16, "signature": "x", "format": 1}
    return Receipt.from_plain(fields | digests).to_json()


def test_the_page_is_in_the_trainees_language_and_names_the_submission(cohort: CohortInTest) -> None:
    place = cohort.folder / "submitted" / "ana" / "tiny"
    place.mkdir(parents=True)
    (place / "receipt.json").write_text(receipt())

    folder = keep(cohort)

    page = (folder / "ana.html").read_text()
    assert '<html lang="es">' in page
    assert "Su entrega n.º 12, del 2 mar 2026, 09:00:00 UTC, no se pudo calificar" in page
    assert "No se puede leer el cuaderno (E: x)." in page
    assert (folder / "ana.txt").read_text() == f"{UNREADABLE}\n"
    kept = json.loads((folder / "ana.json").read_text())
    assert kept["submission"] == 12 and kept["told"].startswith("No se puede leer")


@pytest.mark.parametrize("beside", ["nothing", "link", "pipe", "another's", "another lab's", "deep", "no receipt"])
def test_without_a_receipt_of_its_own_the_page_names_no_number(cohort: CohortInTest, beside: str) -> None:
    place = cohort.folder / "submitted" / "ana" / "tiny"
    place.mkdir(parents=True)
    path = place / "receipt.json"
    (cohort.folder / "own.json").write_text(receipt())
    match beside:
        case "link":
            path.symlink_to(cohort.folder / "own.json")
        case "pipe":
            os.mkfifo(path)
        case "another's":
            path.write_text(receipt(trainee="ben"))
        case "another lab's":
            path.write_text(receipt(lab="other"))
        case "deep":
            path.write_text("[" * 15_000)
        case "no receipt":
            path.write_text('{"position": true, "time": 7}')

    folder = keep(cohort)

    assert "Su entrega no se pudo calificar" in (folder / "ana.html").read_text()
    assert json.loads((folder / "ana.json").read_text())["submission"] is None


def test_what_is_kept_is_read_again_and_told_in_another_language(cohort: CohortInTest) -> None:
    folder = keep(cohort)
    keep(cohort, "ben")
    (folder / "cid.txt").write_text("Of an earlier version {x}.\n")
    (folder / "dia.txt").write_text("Damaged.\n")
    (folder / "dia.json").write_text('{"problem": "{gone}", "way_out": "", "values": {}, "detail": "", "time": null}')

    found = {each.trainee: each.reason.told(Language.FR) for each in read_refusals(cohort.folder, "tiny")}

    assert found["ana"] == found["ben"] and found["ana"].startswith("Le notebook est illisible (E\u00a0: x). Ouvrez-le")
    assert found["cid"] == "Of an earlier version {x}." and found["dia"] == "Damaged."


def test_nothing_is_left_after_the_submission_was_graded(cohort: CohortInTest) -> None:
    folder = keep(cohort)
    keep(cohort, "ana.html")

    forget_refusal(cohort.folder, "tiny", "ana")

    assert {path.name for path in folder.iterdir()} == {f"ana.html.{ending}" for ending in ("txt", "json", "html")}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_both_ways_of_grading_keep_the_page_and_take_it_away(cohort: CohortInTest) -> None:
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    page = cohort.folder / "refused" / "tiny" / "ana.html"
    cohort.hand_in("ana", other)

    cohort.grade("ana")

    assert "Ninguna celda del cuaderno pertenece al laboratorio «tiny»." in page.read_text()
    page.unlink()
    (cohort.folder / "nbgrader_config.py").write_text(
        "from pathlib import Path\nfrom csirtlab.grading.nbgrader_setup import configure\n"
        f"configure(get_config(), Path({str(cohort.folder)!r}))\n"
    )
    assert isinstance(conduct(cohort.folder, "tiny", "ana"), Refused)
    assert "¿Se entregó otro cuaderno?" in page.read_text()
    cohort.hand_in("ana", cohort.fill(cohort.right_answers("ana")))
    assert cohort.grade("ana")["success"]
    assert list(page.parent.iterdir()) == []
