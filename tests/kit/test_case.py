"""A case in a trainee's hands: evidence read three ways, answers checked for their form."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from csirtlab.kit import Case, open_case
from csirtlab.kit.show import KitError

HOST = "10.1.2.3"
START = 1772619072.0


def test_importing_the_kit_loads_nothing_heavy() -> None:
    code = (
        "import sys, csirtlab.kit; print(sorted({'scapy', 'pyshark', 'pandas', 'numpy', 'IPython'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_case_is_found_from_inside_its_lab_folder(lab_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (lab_folder / "notes").mkdir(exist_ok=True)
    monkeypatch.chdir(lab_folder / "notes")

    assert open_case().trainee == "ana"


@pytest.mark.parametrize("place", [".", "evidence", "evidence/case.json"])
def test_a_case_opens_by_its_folder_its_evidence_or_its_sheet(lab_folder: Path, place: str) -> None:
    assert open_case(lab_folder / place).title == "A sample"


def test_where_no_evidence_is_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(KitError, match=r'open_case\("path/to/lab"\)'):
        open_case()


def test_a_damaged_sheet_is_told_apart_from_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text("{}", encoding="utf-8")

    with pytest.raises(KitError, match="Fetch the lab again"):
        open_case(tmp_path)


def test_a_wrong_name_of_evidence_lists_what_there_is(case: Case) -> None:
    with pytest.raises(KitError, match=r"It has: assets\.csv, capture\.pcap"):
        case.path("captrue.pcap")


def test_a_path_cannot_leave_the_evidence(case: Case) -> None:
    with pytest.raises(KitError):
        case.path("../evidence/assets.csv")


def test_scapy_packets_come_one_by_one_with_exact_times(case: Case) -> None:
    packets = case.packets()

    assert next(packets)["DNS"].qd[0].qname == b"c2.example."
    assert float(next(packets).time) == START


def test_pyshark_packets_come_outside_a_notebook(case: Case) -> None:
    names = [packet.dns.qry_name for packet in case.capture("dns")]

    assert names == ["c2.example"]


async def test_pyshark_packets_come_inside_a_running_event_loop(case: Case) -> None:
    with case.capture("tcp.flags.syn == 1") as capture:
        packet = next(iter(capture))

    assert (packet.ip.src, packet.tcp.dstport, int(packet.number)) == (HOST, "443", 2)


def test_a_capture_is_counted_indexed_and_iterated_again(case: Case) -> None:
    capture = case.capture("tcp")

    assert len(capture) == 8
    assert capture[1].number == "3"
    assert capture[-1].number == "9"
    assert len(list(capture)) == len(list(capture)) == 8


def test_a_table_has_a_column_a_field_with_the_type_of_the_field(case: Case) -> None:
    table = case.table(["frame.number", "ip.src", "tcp.dstport", "tcp.flags", "tcp.flags.syn", "frame.time_relative"])

    assert table.dtypes.astype(str).to_dict() == {
        "frame.number": "int64",
        "ip.src": str(table["ip.src"].dtype),
        "tcp.dstport": "Int64",
        "tcp.flags": "Int64",
        "tcp.flags.syn": "boolean",
        "frame.time_relative": "float64",
    }
    assert table["tcp.dstport"].isna().tolist() == [True, *[False] * 8]
    assert table["tcp.flags"].iloc[1] == 2
    assert table["ip.src"].iloc[0] == HOST


def test_epochs_are_seconds_and_other_times_are_aware(case: Case) -> None:
    table = case.table(["frame.time_epoch", "frame.time"], "tcp")

    assert table["frame.time_epoch"].diff().dropna().unique().tolist() == [60.0]
    assert table["frame.time"].iloc[0] == pd.Timestamp(START, unit="s", tz="UTC")


def test_a_rare_field_gets_its_type_from_tshark(case: Case) -> None:
    assert str(case.table(["tcp.window_size_value"], "tcp").dtypes.iloc[0]) == "int64"


def test_an_empty_table_keeps_its_columns(case: Case) -> None:
    assert list(case.table(["ip.src", "frame.len"], "http").columns) == ["ip.src", "frame.len"]


def test_every_value_of_a_field_can_be_had(case: Case) -> None:
    assert case.table(["ip.addr"], "dns", every=True)["ip.addr"].iloc[0] == (HOST, "10.1.2.1")


def test_a_wrong_display_filter_is_told_in_one_sentence(case: Case) -> None:
    with pytest.raises(KitError, match=r"does not understand the display filter 'tcp\.prot == 443'"):
        case.table(["ip.src"], "tcp.prot == 443")
    with pytest.raises(KitError, match="display filter"):
        list(case.capture("tcp.port = = 443"))


def test_a_wrong_field_is_told_by_its_name(case: Case) -> None:
    with pytest.raises(KitError, match=r"ip\.sorce"):
        case.table(["ip.sorce"])


def test_an_answer_is_recorded_in_its_canonical_form(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.answer("began", START)

    assert case.answers() == {"began": "2026-03-04T10:11:12.000000Z"}
    assert capsys.readouterr().out == "✓ Recorded: began = 2026-03-04T10:11:12.000000Z\n"


def test_an_answer_of_a_wrong_form_is_told_and_not_recorded(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.answer("host", "ten")

    assert case.answers() == {}
    assert "192.0.2.10" in capsys.readouterr().out


def test_the_gap_of_a_new_lab_is_no_answer(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    for question in ("host", "began", "verdict", "names"):
        case.answer(question, None)
        case.answer(question, ...)

    assert case.answers() == {}
    assert capsys.readouterr().out.count("There is no value yet") == 8


def test_the_last_answer_counts(case: Case) -> None:
    case.answer("host", "10.0.0.1")
    case.answer("host", HOST)

    assert case.answers() == {"host": HOST}


def test_an_unknown_question_lists_the_known_ones(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.answer("hots", HOST)

    assert "It has: host, began" in capsys.readouterr().out


def test_a_method_answered_as_a_finding_is_told_the_right_call(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.answer("finder", HOST)

    assert "case.method(...)" in capsys.readouterr().out


def test_a_method_is_recorded_by_the_name_of_its_function(case: Case) -> None:
    def find_it(case: Case) -> object:
        return case.table(["ip.src"], "tcp")["ip.src"].iloc[0]

    case.method("finder", find_it)

    assert case.answers() == {"finder": "find_it"}
    assert "find_it returns 10.1.2.3" in repr(case.verdict("finder"))


def test_a_method_that_was_called_or_takes_no_case_is_refused(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    case.method("finder", HOST)  # type: ignore[arg-type]  # the mistake is the point
    case.method("finder", lambda case: case)
    case.method("finder", globals)  # type: ignore[arg-type]  # takes no argument

    assert case.answers() == {}
    assert "pass the function itself" in capsys.readouterr().out


def test_a_method_that_fails_here_is_told_without_a_traceback(case: Case) -> None:
    def find_it(case: Case) -> object:
        raise KeyError(case.trainee)

    case.method("finder", find_it)

    assert "KeyError: 'ana'" in repr(case.verdict("finder"))


def test_a_verdict_says_whether_an_answer_is_recorded_and_no_number(case: Case) -> None:
    before = repr(case.verdict("host"))
    case.answer("host", HOST)

    assert "No answer to host" in before
    assert "recorded and well formed" in repr(case.verdict("host"))


def test_the_kit_speaks_the_trainees_language(
    make_case: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    case = open_case(make_case("es"))

    case.answer("verdict", "una baliza")

    assert case.answers() == {"verdict": "beacon"}
    assert "Registrado" in capsys.readouterr().out


def test_evidence_may_be_read_only(make_case: Callable[[str], Path]) -> None:
    folder = make_case("en")
    (folder / "evidence").chmod(0o500)

    case = open_case(folder)

    assert len(case.table(["frame.number"])) == len(list(case.packets())) == len(list(case.capture())) == 9
