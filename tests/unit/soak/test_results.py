"""What was done is not repeated; what was half written is not trusted."""

from datetime import UTC, datetime
from pathlib import Path

from soak import report
from soak.results import Repetition, Result, ResultFile, plan

AT = datetime(2026, 3, 1, tzinfo=UTC)


def result(test: str, number: int, outcome: str = "passed", seconds: float = 2.0) -> Result:
    return Result(test, number, outcome, seconds, AT.isoformat(), None if outcome == "passed" else f"evidence/{number}")


def test_the_plan_is_each_test_so_often_in_an_order_that_the_seed_decides() -> None:
    tests = ["b", "a"]
    whole = plan(tests, 50, 1, [])
    assert sorted((one.test, one.number) for one in whole) == [(test, n) for test in "ab" for n in range(1, 51)]
    assert whole == plan(reversed(tests), 50, 1, [])
    assert whole != plan(tests, 50, 2, [])
    assert whole != sorted(whole, key=lambda one: (one.test, one.number))


def test_what_is_done_is_not_repeated_and_the_rest_keeps_its_order() -> None:
    whole = plan(["a", "b"], 5, 1, [])
    done = [result(one.test, one.number, "failed") for one in whole[:3]]
    assert plan(["a", "b"], 5, 1, done) == whole[3:]


def test_results_are_there_again_after_a_kill_and_half_a_line_is_not(tmp_path: Path) -> None:
    file = ResultFile(tmp_path, "abc", AT)
    for number in (1, 2):
        file.add(result("a", number))
    path = tmp_path / "results.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"test": "a", "numb')
    again = ResultFile(tmp_path, "abc", AT)
    assert [one.repetition for one in again.results] == [Repetition("a", 1), Repetition("a", 2)]
    again.add(result("a", 3, "failed"))
    assert [one.outcome for one in ResultFile(tmp_path, "abc", AT).results] == ["passed", "passed", "failed"]


def test_a_kill_before_the_first_line_is_whole(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_text('{"com')
    ResultFile(tmp_path, "abc", AT).add(result("a", 1))
    assert len(ResultFile(tmp_path, "abc", AT).results) == 1


def test_results_of_another_commit_are_set_aside(tmp_path: Path) -> None:
    ResultFile(tmp_path, "abc", AT).add(result("a", 1))
    other = ResultFile(tmp_path, "def", AT)
    assert other.results == []
    assert other.set_aside is not None
    assert '"abc"' in other.set_aside.read_text()


def test_the_report_tells_each_fault_and_where_the_evidence_is(tmp_path: Path) -> None:
    results = [result("t/test_x.py::test_y", 1), result("t/test_x.py::test_y", 2, "failed", 4.0), result("t/z", 1)]
    text = report.write(tmp_path, results, conditions="A machine.", left=7).read_text()
    assert "| test_x.py::test_y | 2 | 1 | 3.0 | 4.0 | evidence/2 |" in text
    assert "| z | 1 | 0 | 2.0 | 2.0 | – |" in text
    assert "3 repetitions, 1 failed, 7 not run." in text
    assert '"left": 7' in (tmp_path / "report.json").read_text()
