"""The Rust core.

Everything here is wrapped by the public functions of ``watchspan``; use those. ``events``, ``sessions``,
``rows`` and ``videos`` are objects with ``__arrow_c_stream__`` or ``__arrow_c_array__``, or iterators of
pyarrow record batches. A result is the record batches of one table, all of one schema, and that schema.
Errors are the classes of ``watchspan.errors``.
"""

from collections.abc import Iterator
from typing import Any, Callable, Literal, Optional, TypedDict, Union, final, type_check_only

import pyarrow as pa

from watchspan.columns import Columns
from watchspan.rules import Rules, Scoring

__all__ = [
    "ParquetFiles",
    "ParquetSink",
    "additive_scoring",
    "aggregate",
    "aggregate_schema",
    "batches",
    "check_rules",
    "check_scoring",
    "check_threads",
    "check_videos",
    "check_videos_schema",
    "check_vocabulary",
    "column_specs",
    "debug_build",
    "default_session_timeout",
    "drop_reasons",
    "duration_sources",
    "engagement",
    "engagement_schema",
    "explain",
    "flag_specs",
    "flat",
    "from_spark_layout",
    "furthest",
    "input_column_specs",
    "json_lines",
    "meanings",
    "moments",
    "output_schema",
    "path_steps",
    "preset_specs",
    "read_preset",
    "read_text",
    "retention",
    "rule_specs",
    "scopes",
    "scoring_specs",
    "sessions",
    "sessions_of_intervals",
    "sessions_schema",
    "to_spark_layout",
    "units",
    "unreadable",
    "used_columns",
    "validate",
    "version",
    "within",
]

@type_check_only
class OptionSpec(TypedDict):
    name: str
    type: str  # a Python annotation: "float", "bool" or "Optional[float]"
    default: Union[float, bool, None]
    accepted: str  # what is accepted, as the end of a sentence
    doc: str
    shapes_walk: bool  # whether changing it needs the events again

@type_check_only
class ColumnSpec(TypedDict):
    name: str
    type: str  # as documentation prints it: "int64", "list<struct<start: double, end: double>>"
    nullable: bool
    unit: str
    doc: str

@type_check_only
class InputColumnSpec(TypedDict):
    name: str
    table: Literal["events", "videos"]
    required: bool
    family: Literal["instant", "key", "seconds", "number", "integer", "text"]
    is_number: bool  # whether the values of that family are numbers
    type: pa.DataType  # of the types that are read, the one to choose where there is a choice
    accepted: str  # which types are read, as the end of a sentence
    doc: str

@type_check_only
class PresetSpec(TypedDict):
    name: str
    title: str
    source: str
    notes: str
    names: list[tuple[str, str]]  # event name and meaning, in the order to show them
    columns: dict[str, Any]  # input column -> where raw records have it, as `columns` of other functions
    rules: dict[str, float]  # rules that its conventions ask for
    unnest: Optional[str]  # the list of which each item is a record
    fill: list[str]  # columns that one record of a session says for all of them

@type_check_only
class Report(TypedDict):
    read: int
    kept: int
    dropped: dict[str, int]  # every reason, in the order of the clean step, zeros included

@type_check_only
class Example(TypedDict):
    reason: str
    row: int  # 0-based number of the row in the order read

_Result = tuple[list[pa.RecordBatch], pa.Schema]
_Sink = Union[Callable[[pa.RecordBatch], object], ParquetSink]

version: str
debug_build: bool
default_session_timeout: float  # seconds of inactivity that cut sessions where there is no session column
units: dict[str, float]  # what numbers of instants and positions may count -> how many make a second
unreadable: str  # the column that says of which rows of a file nothing could be read
duration_sources: list[str]  # names in `durationSource`, the best source first

def rule_specs() -> list[OptionSpec]: ...
def scoring_specs() -> list[OptionSpec]: ...
def additive_scoring() -> dict[str, Union[float, None]]: ...
def column_specs(
    table: Literal["sessions", "engagement", "retention", "explanation"],
) -> list[ColumnSpec]: ...
def input_column_specs() -> list[InputColumnSpec]: ...
def flag_specs() -> list[tuple[str, str]]: ...
def drop_reasons() -> list[tuple[str, str]]: ...
def meanings() -> list[str]: ...
def preset_specs() -> list[PresetSpec]: ...
def check_rules(rules: Rules) -> None: ...
def check_scoring(scoring: Scoring) -> None: ...
def check_vocabulary(vocabulary: Union[str, dict[str, str], None]) -> None: ...
def check_threads(threads: Optional[int]) -> None: ...
def aggregate(
    events: Any,
    videos: Any,
    columns: Optional[Columns],
    vocabulary: Union[str, dict[str, str], None],
    rules: Rules,
    scoring: Scoring,
    unique_seconds: bool,
    threads: Optional[int],
    memory_limit: Optional[int] = None,  # bytes; None: no limit
    sink: Optional[_Sink] = None,  # takes the batches, and the result has none
) -> tuple[list[pa.RecordBatch], pa.Schema, Report]: ...
def sessions(
    events: Any,
    columns: Optional[Columns],
    vocabulary: Union[str, dict[str, str], None],
    rules: Rules,
    threads: Optional[int],
    memory_limit: Optional[int] = None,
    sink: Optional[_Sink] = None,
) -> tuple[list[pa.RecordBatch], pa.Schema, Report]: ...
def engagement(
    sessions: Any,
    videos: Any,
    columns: Optional[Columns],
    rules: Rules,
    scoring: Scoring,
    unique_seconds: bool,
    threads: Optional[int],
) -> _Result: ...
def retention(
    rows: Any,
    videos: Any,
    columns: Optional[Columns],
    buckets: Optional[int],
    bucket_seconds: Optional[float],
    threads: Optional[int],
) -> tuple[_Result, list[tuple[str, float]]]: ...  # with the videos left out, and their durations
def moments(
    rows: Any,
    videos: Any,
    columns: Optional[Columns],
    buckets: Optional[int],
    bucket_seconds: Optional[float],
    settings: tuple[float, int, float, int],  # confidence, min_viewers, min_share, max_each
    threads: Optional[int],
) -> tuple[_Result, list[tuple[str, float]]]: ...  # with the videos left out, and their durations
def validate(
    events: Any,
    columns: Optional[Columns],
    vocabulary: Union[str, dict[str, str], None],
    examples: int,
    threads: Optional[int],
) -> tuple[list[Example], Report]: ...
def explain(
    events: Any,
    columns: Optional[Columns],
    vocabulary: Union[str, dict[str, str], None],
    rules: Rules,
    user: Union[str, int],
    video: Union[str, int],
    threads: Optional[int],
) -> _Result: ...

# What calls would give, and whether what they take is all right. Only `check_videos` reads rows; errors are
# those of the calls.

# The schemas of `aggregate` and `sessions` of such events. None: of events whose schema is not known, whose
# keys count as text; of `columns` only the default names are then checked.
def aggregate_schema(events: Optional[pa.Schema], columns: Optional[Columns]) -> pa.Schema: ...
def sessions_schema(events: Optional[pa.Schema], columns: Optional[Columns], rules: Rules) -> pa.Schema: ...

# The schema of `engagement` of such session rows.
def engagement_schema(sessions: pa.Schema) -> pa.Schema: ...

# The schema of a table whose keys are of the types that they have in session rows, of which no other column
# matters.
def output_schema(table: Literal["sessions", "engagement"], sessions: pa.Schema) -> pa.Schema: ...

# Whether a videos table can be used: its columns and its rows.
def check_videos(videos: Any, columns: Optional[Columns]) -> None: ...

# Whether a videos table of the schema `videos` can be used, as far as its columns tell, for events whose
# `videoId` is of the type `key`: text is never equal to an integer.
def check_videos_schema(videos: pa.Schema, columns: Optional[Columns], key: pa.DataType) -> None: ...

# The computation in pieces, for engines that hold the tables elsewhere (Spark, Delta) and call it on parts of
# them.

# Any table, after the checks that pyarrow's own import of other libraries' tables does not do.
def batches(table: Any) -> _Result: ...

# Local Parquet files, of which what a table of `columns` uses is read: by the core, which takes these as
# events and videos, or as record batches. Columns of text that stand in dictionaries are dictionaries.
@final
class ParquetFiles:
    @staticmethod
    def open(paths: list[str]) -> ParquetFiles: ...
    @property
    def names(self) -> list[list[str]]: ...
    @property
    def rows(self) -> int: ...
    @property
    def rows_read(self) -> int: ...
    def only(self, table: str, columns: Optional[Columns]) -> ParquetFiles: ...
    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

# A Parquet file in the making, whose bytes go to `stream`: a sink of `aggregate` and `sessions`, or of tables
# by `add`. `finish` ends it with the columns and metadata of `table`.
@final
class ParquetSink:
    def __new__(cls, stream: Any, threads: Optional[int] = ...) -> ParquetSink: ...
    @property
    def rows(self) -> int: ...
    def add(self, table: Any) -> None: ...
    def finish(self, table: Any) -> None: ...

# A batch in Spark's layout, in which tables come from Spark, and go to Spark 3.3: of a column X that is a
# list<struct<start, end>> two list<double>, X_start and X_end (X_seconds for a list<struct<start, seconds>>),
# which share its nulls; integer keys become int64. from_spark_layout joins the lists again.
def to_spark_layout(batch: pa.RecordBatch) -> pa.RecordBatch: ...
def from_spark_layout(batch: pa.RecordBatch) -> pa.RecordBatch: ...

# The events between their row's own `_first` and `_last` (int64 microseconds since 1970 UTC, both inclusive),
# without these two columns; a timestamp that cannot be read and a bound that is null lie in no span.
def within(batch: pa.RecordBatch, columns: Optional[Columns]) -> pa.RecordBatch: ...

# userId, sessionId (if the events have it), firstTime, lastTime (int64 microseconds since 1970 UTC): of each
# user and session id, the first and last accepted event of a window.
def scopes(
    events: Any,
    columns: Optional[Columns],
    vocabulary: Union[str, dict[str, str], None],
    start: Optional[int],  # microseconds since 1970 UTC, inclusive
    end: Optional[int],  # exclusive
    threads: Optional[int],
) -> _Result: ...

# videoId, watchedEnd (0 if nothing was watched), maxPosition: the estimated duration is the first of the two
# that is above 0.
def furthest(
    events: Any,
    columns: Optional[Columns],
    vocabulary: Union[str, dict[str, str], None],
    rules: Rules,
    threads: Optional[int],
) -> _Result: ...

# Session rows of watched intervals: `seekFrom` and `currentTime` are where they begin and end.
def sessions_of_intervals(
    intervals: Any, columns: Optional[Columns], rules: Rules, threads: Optional[int]
) -> tuple[list[pa.RecordBatch], pa.Schema, Report]: ...

# Of the columns `names` of a table of `events` or `videos` those that are used: the input column, the name of
# the table's own, and the path into it. Raises if a needed or mapped one is missing.
def used_columns(table: str, columns: Optional[Columns], names: list[str]) -> list[tuple[str, str, str]]: ...

# The columns in use of a batch of `events` or `videos`, under their default names and without units.
def flat(batch: Any, table: str, columns: Optional[Columns]) -> pa.RecordBatch: ...

# What `text` is as a `number`, `seconds`, a `speed` or an `instant` (in seconds from 1970), and whether it
# says its unit itself.
def read_text(text: str, kind: str) -> Optional[tuple[float, bool]]: ...

# The steps of `path`: their kind (`field`, `item` or `where`), what they name, and what that must be.
def path_steps(path: str) -> list[tuple[str, str, Optional[str]]]: ...

# The rows of whole lines of JSON: the values at `paths` as utf8 columns of these names, and `_unreadable`
# (bool).
def json_lines(
    block: bytes, paths: list[str], names: list[str] = ..., unnest: Optional[str] = ...
) -> pa.RecordBatch: ...

# The preset `name` that `text` describes, in TOML.
def read_preset(name: str, text: str) -> PresetSpec: ...
