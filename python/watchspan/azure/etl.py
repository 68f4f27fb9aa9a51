"""The whole way: events from Azure, aggregated, and rows to where they are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Union

import pyarrow as pa

from watchspan import arguments, sources
from watchspan.api import aggregate_into
from watchspan.azure.checkpoints import Checkpoint
from watchspan.azure.places import Place, Reading, Sending, names_file, target_of
from watchspan.azure.queries import ITEM_COUNT, names_argument
from watchspan.azure.reading import By, OnProgress, ReadCounts
from watchspan.azure.uploads import OnSent, Written
from watchspan.columns import EVENTS, VIDEOS
from watchspan.errors import OptionError
from watchspan.instants import Instant
from watchspan.planning import aggregate_schema
from watchspan.report import report
from watchspan.rules import Rules, Scoring
from watchspan.sources import Overflow

__all__ = ["SAMPLED", "Summary", "etl"]

# Says of a row that some of its events stand for others that were not kept.
SAMPLED = "isSampled"


@dataclass(frozen=True)
class Summary:
    """What a run did, or would do.

    Attributes:
        target: Where the rows went.
        rows: How many rows there are; None for a dry run.
        sampled_rows: How many of them rest on sampled events.
        read: What was read.
        report: What the engine read, kept and dropped, as from `watchspan.report`.
        written: What was sent; None for files and Delta tables, and for a dry run.
        plan: For a dry run: what there is to read, and what the target needs.
    """

    target: str
    rows: Union[int, None] = None
    sampled_rows: int = 0
    read: Union[ReadCounts, None] = None
    report: Union[dict[str, Any], None] = None
    written: Union[Written, None] = None
    plan: Union[dict[str, Any], None] = None


def etl(
    events: Place,
    out: str,
    start: Instant,
    end: Instant,
    *,
    credential: Any = None,
    videos: Any = None,
    videos_query: str | None = None,
    columns: Mapping[str, str | None] | None = None,
    event_names: Iterable[str] | None = None,
    by: By = "event",
    lookback: timedelta = timedelta(days=2),
    deduplicate: bool = True,
    vocabulary: str | Mapping[str, str] | None = None,
    rules: Rules | None = None,
    scoring: Scoring | None = None,
    unique_seconds: bool = True,
    threads: int | None = None,
    memory_limit: int | str | None = None,
    run_id: str | None = None,
    resume: Checkpoint | str | None = None,
    oversize: str = "refuse",
    mode: Literal["overwrite", "append", "merge"] = "overwrite",
    dry_run: bool = False,
    on_read: OnProgress | None = None,
    on_sent: OnSent | None = None,
    client_options: Mapping[str, Any] | None = None,
) -> Summary:
    """Reads the events of a window, aggregates them as they come, and writes the rows.

    The rows are those of `watchspan.aggregate` on the same events, with one more column: `isSampled`. A
    session that the window cuts is cut.

    Args:
        events: Where the events are: `LogAnalytics` or `DataExplorer`.
        out: Where the rows go: `https://<ingestion endpoint>/dataCollectionRules/<rule>/streams/<stream>`
            for Log Analytics, `https://<cluster>/<database>/<table>` for Data Explorer, `delta:<path>`, or a
            file.
        start: The first instant of the window.
        end: The first instant after it.
        credential: For writing; as for `read_log_analytics`.
        videos: Durations and titles, as for `watchspan.aggregate`.
        videos_query: A KQL query for them instead, of `videoId`, `duration` and optionally `title`; it is
            asked where the events are.
        columns: As for `read_log_analytics`; also the names of the videos' columns, `videoId` apart.
        event_names: As for `read_log_analytics`.
        by: As for `read_log_analytics`.
        lookback: As for `read_log_analytics`.
        deduplicate: As for `read_log_analytics`.
        vocabulary: As for `watchspan.aggregate`.
        rules: As for `watchspan.aggregate`.
        scoring: As for `watchspan.aggregate`.
        unique_seconds: As for `watchspan.aggregate`.
        threads: As for `watchspan.aggregate`.
        memory_limit: As for `watchspan.aggregate`.
        run_id: As for `write_log_analytics`.
        resume: As for `write_log_analytics`. The events are read again, and have to give the same rows.
        oversize: As for `write_log_analytics`.
        mode: What becomes of a Delta table that is there, as for `watchspan.delta.write`.
        dry_run: Only ask how much there is to read, and say what the target needs.
        on_read: Called with the running `ReadCounts`.
        on_sent: Called with the running `Written`.
        client_options: As for `write_log_analytics`, for writing.

    Returns:
        What was done.

    Raises:
        ServiceError: If a service refuses or does not answer; `UnfinishedUploadError` while writing.
        WatchspanError: As `watchspan.aggregate` does.
    """
    if videos is not None and videos_query is not None:
        raise OptionError("videos and videos_query exclude each other.")
    target = target_of(out, credential, client_options)
    if names_file(out):
        sources.refuse_overwriting(out, videos)
    names = arguments.column_names(columns)
    of_videos = {name: own for name, own in (names or {}).items() if name in VIDEOS and name not in EVENTS}
    of_events = {name: own for name, own in (names or {}).items() if name not in of_videos}
    names_of_events = names_argument(event_names)
    reading = Reading(start, end, of_events or None, names_of_events, by, lookback, deduplicate)
    settings: dict[str, Any] = {
        "vocabulary": vocabulary,
        "rules": rules,
        "scoring": scoring,
        "unique_seconds": unique_seconds,
        "threads": threads,
        "memory_limit": memory_limit,
        # The events come under the engine's names; the videos may have their own.
        "columns": of_videos or None,
    }
    if dry_run:
        return Summary(target.name, plan=_plan(events, reading, target, settings))
    # That nobody may write is not to be found out after all has been read.
    target = target.with_credential()
    if videos_query is not None:
        videos = events.table_of(videos_query)
    with Overflow.of(memory_limit) as rows:
        taken = _Taken(events, reading, on_read)
        made = aggregate_into(taken.sink(rows), taken.batches(), videos=videos, **settings)
        rows.schema = _with_mark(made.schema)
        sending = Sending((start, end), run_id, resume, oversize, mode, on_sent)
        written = target.write(rows, sending)
        return Summary(target.name, rows.num_rows, taken.sampled_rows, taken.counts, report(made), written)


class _Taken:
    """The events on their way to the engine, and what is known of them when its rows come out."""

    def __init__(self, events: Place, reading: Reading, on_read: OnProgress | None) -> None:
        self.counts = ReadCounts()
        self.sampled_rows = 0
        self._on_read = on_read
        self._reader = events.read(reading, self._note)
        self._sampled: set[tuple[str, str]] = set()

    def _note(self, counts: ReadCounts) -> None:
        self.counts = counts
        if self._on_read:
            self._on_read(counts)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The events; which user's rows rest on sampled ones is noted."""
        seen = False
        for batch in self._reader:
            seen = True
            self._note_sampled(batch)
            yield batch
        if not seen:
            yield sources.empty_batch(self._reader.schema)

    def _note_sampled(self, batch: pa.RecordBatch) -> None:
        names = batch.schema.names
        if ITEM_COUNT not in names:
            return
        columns = (batch.column(names.index(name)).to_pylist() for name in (ITEM_COUNT, "userId", "videoId"))
        self._sampled |= {(user, video) for count, user, video in zip(*columns) if count and count > 1}

    def sink(self, rows: Overflow) -> Any:
        """What takes the engine's batches: adds the mark to each."""

        def take(batch: pa.RecordBatch) -> None:
            names = batch.schema.names
            keys = zip(*(batch.column(names.index(name)).to_pylist() for name in ("userId", "videoId")))
            marks = [key in self._sampled for key in keys]
            self.sampled_rows += sum(marks)
            arrays = [*batch.columns, pa.array(marks, pa.bool_())]
            rows.add(pa.RecordBatch.from_arrays(arrays, schema=_with_mark(batch.schema)))

        return take


def _with_mark(schema: pa.Schema) -> pa.Schema:
    return schema.append(pa.field(SAMPLED, pa.bool_(), nullable=False))


def _plan(events: Place, reading: Reading, target: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    found = events.count(reading)
    schema = _with_mark(aggregate_schema(events.read(reading, None).schema, **settings))
    return {"events": found, "needs": target.needs(schema)}
