"""What a model is not fitted to, and what it says then; the command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import watchspan as ws
from support.commands import RUNNER
from support.insight_rows import hostile_columns, with_column
from support.returning import LATER, THEN, as_of, keen_ones
from watchspan import sources
from watchspan.cli.app import app
from watchspan.errors import DataError, MissingColumnError, OptionError, WatchspanError, WatchspanWarning

pytest.importorskip("sklearn", reason="scikit-learn is not here")

from watchspan.predict import CompletionModel, features

# Headings of tables are cut where there is no room.
WIDE = {"COLUMNS": "200"}


@pytest.fixture(scope="module")
def then() -> pa.Table:
    return as_of(keen_ones(150), THEN)


@pytest.fixture(scope="module")
def later() -> pa.Table:
    return as_of(keen_ones(150), LATER)


@pytest.fixture(scope="module")
def model(then: pa.Table, later: pa.Table) -> CompletionModel:
    return CompletionModel().fit(then, later)


def test_rows_that_are_not_later(then: pa.Table, later: pa.Table) -> None:
    for rows in ((later, then), (then, then)):
        with pytest.raises(
            DataError, match=r"rows_later are known until .*Z, but rows_then until .*Z: rows of"
        ):
            CompletionModel().fit(*rows)
    older = with_column(
        later, "lastWatchDate", pc.add(later["lastWatchDate"], pa.scalar(-(10**13), pa.duration("us")))
    )
    with pytest.raises(DataError, match=r"of .* pairs is older in rows_later than in rows_then"):
        CompletionModel().fit(then, older, until=LATER)


def test_rows_that_know_the_future(then: pa.Table, later: pa.Table) -> None:
    with pytest.raises(DataError, match=r"of the .* rows_then have events after as_of, 2026-01-31T00:00:00"):
        CompletionModel().fit(later, later, as_of=THEN, until=LATER)
    with pytest.raises(DataError, match="rows_later have events after until"):
        CompletionModel().fit(then, later, until="2026-02-01")
    with pytest.raises(DataError, match="rows have events after as_of"):
        features(later, as_of=THEN)


def test_too_little_to_learn_from(then: pa.Table, later: pa.Table) -> None:
    few = then.slice(0, 8)
    for rows in (few, then.slice(0, 0), then.filter(then["isCompletedAtLeastOnce"])):
        with pytest.raises(DataError, match=r"Of \d+ pairs of \d+ users that were open.*at least 10 of each"):
            CompletionModel().fit(rows, later)
    for value in (True, False):
        same = with_column(later, "isCompletedAtLeastOnce", [value] * later.num_rows, pa.bool_())
        with pytest.raises(DataError, match=r"at least 10 of each"):
            CompletionModel().fit(then, same)


def test_outcomes_of_one_part_of_the_users(then: pa.Table, later: pa.Table) -> None:
    """Who completes is one user, so that nobody else can tell."""
    user = "one"
    count = 30
    completed = [
        {**row, "userId": user, "videoId": f"x{n}"} for n, row in enumerate(then.to_pylist()[:count])
    ]
    for row in completed:
        row["isCompletedAtLeastOnce"] = False
    more = pa.Table.from_pylist(completed, then.schema)
    done = with_column(more, "isCompletedAtLeastOnce", [True] * count, pa.bool_())
    nobody = with_column(later, "isCompletedAtLeastOnce", [False] * later.num_rows, pa.bool_())
    with pytest.raises(DataError, match="are of too few users"):
        CompletionModel().fit(pa.concat_tables([then, more]), pa.concat_tables([nobody, done]))


def test_pairs_that_are_gone(then: pa.Table, later: pa.Table) -> None:
    gone = later.filter(pc.not_equal(later["userId"], later["userId"][0]))
    with pytest.warns(
        WatchspanWarning, match=r"of the .* pairs that are open in rows_then are not in"
    ) as told:
        model = CompletionModel().fit(then, gone)
    assert told[0].filename == __file__
    assert model.score().pairs < CompletionModel().fit(then, later).score().pairs
    other = with_column(later, "userId", [f"x{user}" for user in later["userId"].to_pylist()], pa.string())
    with pytest.raises(DataError, match="None of the pairs that are open in rows_then is in rows_later"):
        CompletionModel().fit(then, other)


def test_a_pair_twice(then: pa.Table, later: pa.Table, model: CompletionModel) -> None:
    twice = pa.concat_tables([then, then.slice(3, 1)])
    with pytest.raises(DataError, match=r"^rows_then has several rows of 1 pairs, among them user 'u\d+'"):
        CompletionModel().fit(twice, later)
    with pytest.raises(DataError, match=r"^rows has several rows"):
        model.predict(twice)


def test_other_tables_and_options(then: pa.Table, later: pa.Table, model: CompletionModel) -> None:
    events, videos = keen_ones(150)
    with pytest.raises(MissingColumnError, match="engagement rows is needed"):
        CompletionModel().fit(ws.sessions(events), later)
    with pytest.raises(DataError, match=r"'watchedIntervals' is null in .*unique_seconds=True"):
        model.predict(ws.aggregate(events, videos=videos, unique_seconds=False))
    with pytest.raises(OptionError, match="learned nothing yet"):
        CompletionModel().predict(then)
    with pytest.raises(OptionError, match="learned nothing yet"):
        CompletionModel().score()
    with pytest.raises(OptionError, match="neither of them"):
        model.score(then)
    for option in ("as_of", "until"):
        with pytest.raises(OptionError, match=f"^{option} is 'soon'"):
            CompletionModel().fit(then, later, **{option: "soon"})
    with pytest.raises(DataError, match="nothing to judge"):
        model.score(then.slice(0, 0), later)


def test_whatever_is_in_a_column_is_taken_or_refused(then: pa.Table, model: CompletionModel) -> None:
    few, told, taken = then.slice(0, 5), [], 0
    for name in few.column_names:
        for column in hostile_columns(5):
            try:
                said = model.predict(with_column(few, name, column))
            except WatchspanError as error:
                told.append(str(error))
            else:
                taken += 1
                assert all(0 <= value <= 1 for value in said["probability"].to_pylist())
    assert len(told) > 40
    assert taken > 40


def test_without_scikit_learn_one_is_told_what_to_install() -> None:
    code = """
import sys
sys.modules["sklearn"] = None
import watchspan
try:
    import watchspan.predict
except watchspan.errors.MissingDependencyError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == (
        'Predictions need the package scikit-learn: pip install "watchspan[predict]".'
    ), done.stderr


# The command.


@pytest.fixture(scope="module")
def folder(then: pa.Table, later: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("predictions")
    sources.write(then, made / "then.parquet")
    sources.write(later, made / "later.parquet")
    return made


def run(*arguments: Any, code: int = 0) -> Any:
    result = RUNNER.invoke(app, ["predict", *map(str, arguments)], prog_name="watchspan", env=WIDE)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_rows_of_which_none_has_a_duration(then: pa.Table, later: pa.Table) -> None:
    tables = [
        with_column(rows, "videoDuration", pa.nulls(rows.num_rows, pa.float64())) for rows in (then, later)
    ]
    made = CompletionModel().fit(*tables).predict(tables[1])
    assert made.num_rows > 100
    assert 0 <= pc.min(made["probability"]).as_py() <= pc.max(made["probability"]).as_py() <= 1
    # What was known of no pair when it was fitted says nothing of one that it is known of.
    fitted = CompletionModel().fit(*tables)
    assert fitted.predict(later).num_rows == made.num_rows


def test_predictions_end_within_the_year_9999(later: pa.Table, model: CompletionModel) -> None:
    with pytest.raises(
        OptionError, match=r"^as_of is 9999-12-31.*but there is no time after the year 9999\.$"
    ):
        model.predict(later, as_of="9999-12-31")


def test_the_command_writes_what_the_model_says(
    folder: Path, later: pa.Table, model: CompletionModel
) -> None:
    files, out = (folder / "then.parquet", folder / "later.parquet"), folder / "out.parquet"
    told = run(*files, "-o", out)
    assert pq.read_table(out).equals(model.predict(later))
    for line in str(model.score()).splitlines():
        assert line.strip() in told.stderr
    assert "rows by the model" in told.stderr
    run(*files, folder / "then.parquet", "-o", out, "--quiet")
    assert pq.read_table(out).equals(model.predict(folder / "then.parquet"))
    assert run(*files, "-o", "-", "--quiet").stdout.count("\n") == model.predict(later).num_rows
    shown = run(*files)
    assert "probability" in shown.stdout
    dated = run(*files, "--as-of", THEN.isoformat(), "--until", LATER.isoformat(), "-o", "-", "-q")
    assert f'"until": "{(LATER + (LATER - THEN)).strftime("%Y-%m-%d")}' in dated.stdout


def test_the_command_refuses_in_one_line(folder: Path) -> None:
    files = (folder / "then.parquet", folder / "later.parquet")
    swapped = run(*files[::-1], code=1)
    assert swapped.stderr.startswith("Error: rows_later are known until")
    assert pq.read_table(files[0]).num_rows
    run(*files, "-o", files[0], code=2)
    assert pq.read_table(files[0]).num_rows, "an input is no place to write to"
    assert run(*files, "--as-of", "soon", code=2).stderr.count("\n") == 1
