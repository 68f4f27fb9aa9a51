"""Events from Azure Data Explorer (Kusto), rows to it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa

from watchspan import arguments, sources
from watchspan.azure import queries, sdk
from watchspan.azure.addresses import cluster_argument, name_argument, segment, table_argument
from watchspan.azure.checkpoints import Checkpoint
from watchspan.azure.failures import ServiceError
from watchspan.azure.reading import By, OnProgress, Rows, closed_window, stream, timedelta_argument, wider
from watchspan.azure.records import STAMPED, Stamp, create_table_commands
from watchspan.azure.repairs import as_table, figures, whole_rows
from watchspan.azure.slices import Slice, TooMuchError
from watchspan.azure.uploads import OnSent, Receiver, Written, upload
from watchspan.columns import EVENTS
from watchspan.errors import DataError, MissingColumnError, OptionError
from watchspan.instants import Instant
from watchspan.masking import masked

__all__ = ["Cluster", "read_kusto", "write_kusto"]

# Words of an answer that is not whole, or that was given up for its size.
_TOO_MUCH = (
    "E_QUERY_RESULT_SET_TOO_LARGE", "80DA0003", "E_RUNAWAY_QUERY", "80DA0001", "E_LOW_MEMORY_CONDITION",
    "80DA0007", "LimitsExceeded", "exceeded the internal data size limit",
    "exceeded the internal record count limit",
)  # fmt: skip
# Streaming ingestion takes four megabytes, and a column of type string or dynamic one.
_BODY_BYTES, _FIELD_BYTES = 3_500_000, 1_000_000
_THROTTLED, _GATEWAY_TIMEOUT = 429, 504
# What is no name is a query, as is a call of a function.
_TABLE = re.compile(r"[\w .-]+")
_SERVER_ERROR = 500


def read_kusto(
    cluster: str,
    database: str,
    query_or_table: str,
    start: Instant,
    end: Instant,
    credential: Any = None,
    *,
    columns: Mapping[str, str | None] | None = None,
    event_names: Iterable[str] | None = None,
    by: By = "event",
    lookback: timedelta = timedelta(days=2),
    deduplicate: bool = True,
    progress: OnProgress | None = None,
) -> pa.RecordBatchReader:
    """Reads player events of a window from Data Explorer, as `read_log_analytics` does from Log Analytics.

    Args:
        cluster: The cluster, `https://<name>.<region>.kusto.windows.net`. By plain `http://`, as for an
            emulator, no credential is used.
        database: The database.
        query_or_table: A table, or a query whose last statement gives the events. `AppEvents` and
            `customEvents` are read as `read_log_analytics` does it.
        start: As for `read_log_analytics`.
        end: As for `read_log_analytics`.
        credential: As for `read_log_analytics`.
        columns: The engine's column -> the column of the table or query; for `AppEvents` and `customEvents`
            as for `read_log_analytics`. None as a name: do not use that column.
        event_names: Names of the events to read; None: all.
        by: As for `read_log_analytics`; `arrival` needs a table.
        lookback: As for `read_log_analytics`.
        deduplicate: As for `read_log_analytics`.
        progress: As for `read_log_analytics`.

    Returns:
        A reader as from `read_log_analytics`, of those columns that there are.

    Raises:
        MissingColumnError: If a needed column is not there.
        OptionError: If an argument has a value that is not accepted.
        MissingDependencyError: If the extra `azure` is not installed.
        ServiceError: If the service refuses to say which columns there are.
    """
    names, window = arguments.column_names(columns), closed_window(start, end)
    place, margin = Cluster(cluster, database, credential), timedelta_argument("lookback", lookback)
    events = Events.of(place, query_or_table, names, event_names, by)

    def fetch(part: Slice) -> Rows:
        _, rows = place.ask("\n".join([*events.head(part, margin), events.project]))
        return rows

    return stream(
        events.columns,
        window,
        fetch,
        deduplicate=arguments.switch_argument("deduplicate", deduplicate),
        on_progress=progress,
    )


class Events:
    """Which rows of a table or query are events, and what the engine's columns are in it.

    Attributes:
        columns: The engine's columns that there are.
        project: The line that gives them.
        time: The column of the event's time, as KQL writes it.
        count: The column of how many events a row stands for, likewise, if there is one.
    """

    def __init__(self, source: str, found: Mapping[str, str], filters: list[str], by: By) -> None:
        """Takes `found`, the engine's column -> what it is in the source."""
        self._source, self._filters, self._by = source, filters, by
        self.columns = list(found)
        self.project = "| project " + ", ".join(f"{column} = {own}" for column, own in found.items())
        self.time = "timestamp"
        self.count: str | None = None

    @classmethod
    def of(
        cls,
        cluster: Cluster,
        source: str,
        columns: dict[str, str | None] | None,
        event_names: Iterable[str] | None,
        by: By,
    ) -> Events:
        """Binds the columns.

        Raises:
            MissingColumnError: If a needed column is missing.
            OptionError: If something else is wanted than there can be.
        """
        source = name_argument("query_or_table", source, "a table or a query")
        if by not in ("event", "arrival"):
            raise OptionError(f"by is {by!r}, but 'event' or 'arrival' is needed.")
        source = source.strip().rstrip(";")
        is_table = bool(_TABLE.fullmatch(source))
        if by == "arrival" and not is_table:
            raise OptionError("by is 'arrival', but only a table knows when its rows arrived: name a table.")
        queries.mapped(columns, [*EVENTS, queries.EVENT_ID, queries.ITEM_COUNT])
        names = queries.names_argument(event_names)
        layout = queries.LAYOUTS.get(source)
        if layout is not None:
            made = cls(source, queries.sources(layout, columns), queries.event_names(layout.name, names), by)
            made.time, made.count = layout.time, layout.count
            return made
        if is_table:
            source = queries.name_of(source)
        there = cluster.columns_of(source)
        found = _bound(there, columns)
        made = cls(
            source,
            {default: queries.name_of(own) for default, own in found.items()},
            queries.event_names(queries.name_of(found["eventName"]), names),
            by,
        )
        made.time, count = queries.name_of(found["timestamp"]), found.get(queries.ITEM_COUNT)
        made.count = None if count is None else queries.name_of(count)
        return made

    def head(self, part: Slice, lookback: timedelta) -> list[str]:
        """The lines that give the rows of a slice."""
        if self._by == "event":
            return [self._source, queries.time_filter(self.time, part.first, part.after), *self._filters]
        arrived = queries.arrival_filter(part.first, part.after)
        happened = queries.time_filter(self.time, *wider(part, lookback))
        return [self._source, arrived, happened, *self._filters]


def _bound(there: list[str], columns: dict[str, str | None] | None) -> dict[str, str]:
    """The engine's column -> its name in the source, of those that are there."""
    engine = {name: own for name, own in (columns or {}).items() if name in EVENTS}
    want = sources.wanted("events", engine)
    extras = {name: (columns or {}).get(name, name) for name in (queries.EVENT_ID, queries.ITEM_COUNT)}
    given = [own for name, own in extras.items() if own not in (None, name)]
    found, lacking = want.own(there), [own for own in given if own not in there]
    if lacking:
        raise MissingColumnError(
            f"The events have no column {lacking[0]!r}; there are {', '.join(there)}. Map it with "
            "columns={...}, or pass a query that gives it."
        )
    return {**found, **{name: own for name, own in extras.items() if own in there}}


class Cluster:
    """A database of a cluster."""

    def __init__(self, cluster: str, database: str, credential: Any) -> None:
        """Checks the arguments.

        Raises:
            OptionError: If one cannot be used.
            MissingDependencyError: If the client is not installed.
        """
        self.name = cluster_argument(cluster)
        self.database = name_argument("database", database, "the name of a database")
        self._credential = sdk.credential_argument(credential)
        self._client: Any = None
        sdk.module("azure.kusto.data")

    def connection(self) -> Any:
        """How clients connect."""
        builder = sdk.module("azure.kusto.data").KustoConnectionStringBuilder
        if self.name.startswith("http://"):
            return builder.with_no_authentication(self.name)
        return builder.with_azure_token_credential(self.name, self._credential or sdk.default_credential())

    def columns_of(self, source: str) -> list[str]:
        """The names of a source's columns."""
        try:
            columns, _ = self.ask(f"{source}\n| take 0")
        except TooMuchError as error:
            # Not which source: a query may name a storage, with its key.
            raise ServiceError(
                f"{self.name} did not say which columns the events have: {error.words}"
            ) from error
        return columns

    def count(self, events: Events, part: Slice, lookback: timedelta) -> dict[str, Any]:
        """How many rows a window holds, what they stand for, and the span of their times."""
        head = "\n".join(events.head(part, lookback))
        columns, rows = self.ask(queries.count_query(head, events.time, events.count))
        return figures(self.name, columns, rows)

    def table(self, text: str) -> pa.Table:
        """The rows of any query as a table."""
        return as_table(*self._answer(text))

    def ask(self, text: str) -> tuple[list[str], Rows]:
        """The names of the columns and the rows of an answer that is whole; raises as `_answer` does."""
        columns, rows = self._answer(text)
        return [name for name, _ in columns], rows

    def _answer(self, text: str) -> tuple[list[tuple[str, str]], Rows]:
        """The columns with their types, and the rows, of an answer that is whole.

        Raises:
            TooMuchError: If it is not whole.
            ServiceError: If the service refuses.
        """
        with sdk.asking(self.name):
            return self._asked(text)

    def _asked(self, text: str) -> tuple[list[tuple[str, str]], Rows]:
        data = sdk.module("azure.kusto.data")
        failures = sdk.module("azure.kusto.data.exceptions")
        if self._client is None:
            self._client = data.KustoClient(self.connection())
        try:
            found = sdk.patiently(lambda: self._client.execute_query(self.database, text), pause_after)
        except failures.KustoError as error:
            said = sdk.words_of(error)
            signs = f"{said} {getattr(error, 'errors', '')}"
            if status_of(error) == _GATEWAY_TIMEOUT or any(sign in signs for sign in _TOO_MUCH):
                raise TooMuchError(said) from sdk.cause_of(error)
            raise ServiceError(f"{self.name} refused the query: {said}") from sdk.cause_of(error)
        if found.errors_count:
            raise TooMuchError(sdk.shortened(masked(" ".join(map(str, found.get_exceptions())))))
        if len(found.primary_results) != 1:
            raise ServiceError(
                f"{self.name} answered with {len(found.primary_results)} tables, but one is needed: let the "
                "query be one statement beside those that begin with 'let'."
            )
        table = found.primary_results[0]
        # As they came: the client's own rows cut times to six digits, but build an object for each value.
        columns = [(column.column_name, column.column_type) for column in table.columns]
        return columns, whole_rows(self.name, [name for name, _ in columns], table.raw_rows)


def status_of(error: Exception) -> int:
    """The status of the answer that an error is about; 0 if there was none."""
    return int(getattr(_answer_of(error), "status_code", 0) or 0)


def _answer_of(error: Exception) -> Any:
    """The answer that an error is about. Some errors keep it as an attribute, that of throttling does not."""
    answer = getattr(error, "http_response", None)
    # Not by its truth: an answer that is an error counts as false.
    return answer if answer is not None else next((a for a in error.args if hasattr(a, "headers")), None)


def pause_after(error: Exception) -> float | None:
    """Whether a request is worth another attempt, and when: the client itself makes none."""
    failures = sdk.module("azure.kusto.data.exceptions")
    if isinstance(error, failures.KustoNetworkError):
        return 0.0
    status = status_of(error)
    is_permanent = getattr(getattr(error, "error", None), "permanent", None)
    if status != _THROTTLED and (status < _SERVER_ERROR or status == _GATEWAY_TIMEOUT or is_permanent):
        return None
    headers = getattr(_answer_of(error), "headers", None) or {}
    try:
        return float(headers.get("Retry-After") or 0)
    except ValueError:
        return 0.0


def write_kusto(
    table: Any,
    cluster: str,
    database: str,
    target: str,
    credential: Any = None,
    *,
    window: tuple[Instant, Instant] = (None, None),
    run_id: str | None = None,
    oversize: str = "refuse",
    resume: Checkpoint | str | None = None,
    progress: OnSent | None = None,
) -> Written:
    """Writes rows to a table of Data Explorer by streaming ingestion.

    The table has to be there, with the columns of `create_table_commands`, and streaming ingestion has to be
    on for it. Values go out by position as the table has its columns, so its order of columns is free. As for
    Log Analytics, a row may be stored twice; readers take the newest of each `rowKey`.

    Args:
        table: A table from `watchspan.aggregate` or `watchspan.sessions`, or the path of files with one.
        cluster: As for `read_kusto`.
        database: The database.
        target: The table to write to.
        credential: As for `read_log_analytics`.
        window: As for `write_log_analytics`.
        run_id: As for `write_log_analytics`.
        oversize: As for `write_log_analytics`; a value may have a megabyte here.
        resume: As for `write_log_analytics`.
        progress: As for `write_log_analytics`.

    Returns:
        What was written.

    Raises:
        DataError: If a row or a value is larger than the service takes, or the table lacks a column.
        UnfinishedUploadError: If the service refused a request or did not answer.
        OptionError: If an argument has a value that is not accepted.
        MissingDependencyError: If the extra `azure` is not installed.
        ServiceError: If the service refuses to say which columns the table has.
    """
    stamp, name = Stamp.of(run_id, window, resume), table_argument("target", target)
    ingest, place = sdk.module("azure.kusto.ingest"), Cluster(cluster, database, credential)
    # The client puts both into a URL as they are.
    in_url = {"database": segment("database", database), "table": segment("target", name)}
    rows = sources.read_table(table) if not hasattr(table, "to_batches") else table
    order = _order(place, target, rows.schema)
    client: Any = None

    def send(records: list[dict[str, Any]], encoded: list[bytes]) -> None:
        nonlocal client
        if client is None:
            client = ingest.KustoStreamingIngestClient(place.connection())
        form = sdk.module("azure.kusto.data.data_format").DataFormat.CSV

        def once() -> Any:
            # A stream is read once, so each attempt gets its own.
            properties = ingest.IngestionProperties(**in_url, data_format=form)
            return client.ingest_from_stream(io.BytesIO(b"".join(encoded)), properties)

        sdk.patiently(once, pause_after)

    where = Receiver(
        name=f"the table {target!r} at {place.name}",
        body_bytes=_BODY_BYTES,
        field_bytes=_FIELD_BYTES,
        encode=lambda record: _csv_line([record.get(name) for name in order]),
        around=0,
        between=0,
        send=send,
        advice={},
    )
    return upload(rows, stamp, where, oversize, resume, progress)


def _order(place: Cluster, target: str, schema: pa.Schema) -> list[str]:
    """The columns of the table, which have to be there for all columns of the rows."""
    there = place.columns_of(queries.name_of(target))
    create, _ = create_table_commands(target, schema)
    lacking = [name for name in [*STAMPED, *schema.names] if name not in there]
    if lacking:
        raise DataError(f"The table {target!r} has no column {lacking[0]!r}. This command adds it: {create}")
    return there


def _csv_line(values: list[Any]) -> bytes:
    """A line of CSV; lists are JSON text there, and what is null is nothing."""
    line = io.StringIO()
    # With its own end of lines the writer quotes both characters of it, wherever they stand in a value.
    csv.writer(line, lineterminator="\r\n").writerow([_csv_value(value) for value in values])
    return line.getvalue().encode()


def _csv_value(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value
