"""Events from Log Analytics and Application Insights, rows to Log Analytics."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from watchspan import arguments, sources
from watchspan.azure import queries, sdk
from watchspan.azure.addresses import (
    QUERY_ENDPOINT,
    endpoint_argument,
    ingestion_argument,
    name_argument,
    resource_argument,
    rule_argument,
    segment,
    stream_argument,
)
from watchspan.azure.checkpoints import Checkpoint
from watchspan.azure.failures import ServiceError
from watchspan.azure.reading import By, OnProgress, Rows, closed_window, stream, timedelta_argument, wider
from watchspan.azure.records import Stamp, log_analytics_columns
from watchspan.azure.repairs import as_table, figures, whole_rows
from watchspan.azure.slices import Slice, TooMuchError
from watchspan.azure.uploads import OnSent, Receiver, Written, upload
from watchspan.columns import EVENTS
from watchspan.errors import OptionError
from watchspan.instants import Instant
from watchspan.masking import masked

__all__ = ["Workspace", "read_log_analytics", "write_log_analytics"]

# The longest that the service lets a query run: ten minutes.
_SERVER_TIMEOUT_SECONDS = 600
# The service takes a megabyte; what is left is for its own way of counting.
_BODY_BYTES = 900_000
# A field of 64 KB or more is cut by the service, without a word.
_FIELD_BYTES = 64_000
_GATEWAY_TIMEOUT, _TOO_LARGE = 504, 413
# The clients give up after three refusals; a busy workspace refuses more often.
_PATIENCE: dict[str, Any] = {"retry_status": 8}
# A client stops listening after five minutes, unless it is told how long the service may take. That long it
# listens again only once.
_LISTENING: dict[str, Any] = {"read_timeout": _SERVER_TIMEOUT_SECONDS + 30, "retry_read": 1}
# The client takes a POST for a change, which it does not repeat after each failure. A query changes nothing.
_REPEATABLE: dict[str, Any] = {"retry_on_methods": ["POST"]}


def read_log_analytics(
    workspace_id: str,
    start: Instant,
    end: Instant,
    credential: Any = None,
    *,
    endpoint: str = QUERY_ENDPOINT,
    table: str = "AppEvents",
    columns: Mapping[str, str | None] | None = None,
    event_names: Iterable[str] | None = None,
    by: By = "event",
    lookback: timedelta = timedelta(days=2),
    deduplicate: bool = True,
    progress: OnProgress | None = None,
    client_options: Mapping[str, Any] | None = None,
) -> pa.RecordBatchReader:
    """Reads player events of a window, slice by slice, as the columns that `watchspan.aggregate` takes.

    A slice that the service does not answer whole is cut in two and asked for again, so nothing is missing
    and nothing comes twice. Nothing is asked for before the reader is pulled.

    Args:
        workspace_id: The workspace's id (a GUID), or the resource id of an Application Insights component
            (`/subscriptions/...`).
        start: The first instant of the window: a date or time, naive ones in UTC.
        end: The first instant after the window.
        credential: A credential of azure-identity, or any object like it. None: the one that the variable
            AZURE_TOKEN_CREDENTIALS names.
        endpoint: Where the query service is; other than this in sovereign clouds.
        table: `AppEvents`, or `customEvents`, which only a component's resource id offers.
        columns: The engine's column -> one of the table's columns, or else the name of a property of the
            event, for numbers also of a measurement. None as a name: do not use that column. Beside those of
            `watchspan.aggregate` there is `eventId`, the id that the player gave the event.
        event_names: Names of the events to read; None: all of the table.
        by: Whether the window is one of the events' own times (`event`) or of when they could be queried
            (`arrival`).
        lookback: With `by="arrival"`: how long before the window an event may have happened.
        deduplicate: Whether to leave out events whose `eventId` came before in the user's session. It takes
            about 100 bytes of memory for each.
        progress: Called with the running `ReadCounts` after each slice.
        client_options: What `azure.monitor.query.LogsQueryClient` is to be made with beside, such as
            `connection_verify` or `retry_total`.

    Returns:
        A reader of batches with `timestamp`, `userId` (of who is signed in, else the browser's), `videoId`,
        `sessionId`, `eventName`, `currentTime`, `playbackRate`, `seekFrom`, `sequence`, `videoDuration`,
        `eventId` and `itemCount` (above 1: sampled, the row stands for so many). Pulling it raises
        `ServiceError` if the service refuses, and `SliceError` if a microsecond holds more than it can
        answer.

    Raises:
        OptionError: If an argument has a value that is not accepted.
        MissingDependencyError: If the extra `azure` is not installed.
    """
    names = arguments.column_names(columns)
    workspace = Workspace(workspace_id, credential, endpoint, table, client_options)
    layout, window = workspace.layout, closed_window(start, end)
    chosen = queries.sources(layout, names)
    queries.mapped(names, [*EVENTS, queries.EVENT_ID])
    head = _Head(
        layout, by, timedelta_argument("lookback", lookback), queries.event_names(layout.name, event_names)
    )
    project = queries.select(layout, names)

    def fetch(part: Slice) -> Rows:
        span, lines = head.of(part)
        return workspace.rows("\n".join([*lines, project]), span, list(chosen))

    return stream(
        list(chosen),
        window,
        fetch,
        deduplicate=arguments.switch_argument("deduplicate", deduplicate),
        on_progress=progress,
    )


class _Head:
    """The first lines of a query: which rows of a table are wanted."""

    def __init__(self, layout: queries.Layout, by: By, lookback: timedelta, names: list[str]) -> None:
        if by not in ("event", "arrival"):
            raise OptionError(f"by is {by!r}, but 'event' or 'arrival' is needed.")
        self._layout, self._by, self._lookback, self._names = layout, by, lookback, names

    def of(self, part: Slice) -> tuple[tuple[datetime, datetime], list[str]]:
        """The span of event times, and the lines."""
        table, time = self._layout.table, self._layout.time
        if self._by == "event":
            span = (part.first, part.after)
            return span, [table, queries.time_filter(time, *span), *self._names]
        # Right at the table, which is what has an ingestion time; the wider span keeps the scan small.
        span = wider(part, self._lookback)
        arrived = queries.arrival_filter(part.first, part.after)
        return span, [table, arrived, queries.time_filter(time, *span), *self._names]


class Workspace:
    """What queries go to: a Log Analytics workspace, or an Application Insights component.

    Attributes:
        layout: The columns of its table.
    """

    def __init__(
        self,
        workspace_id: str,
        credential: Any,
        endpoint: str,
        table: str,
        client_options: Mapping[str, Any] | None,
    ) -> None:
        """Checks the arguments.

        Raises:
            OptionError: If one cannot be used, or the table is none that the workspace has.
        """
        if table not in queries.LAYOUTS:
            raise OptionError(
                f"table is {masked(repr(table))}, but one of {', '.join(queries.LAYOUTS)} is needed."
            )
        name = name_argument("workspace_id", workspace_id, "the id of a workspace")
        self._is_resource = name.startswith("/")
        # The client encodes the one, but not the other.
        self._id = resource_argument("workspace_id", name) if self._is_resource else name
        segment("workspace_id", name)
        if table == "customEvents" and not self._is_resource:
            raise OptionError(
                "A workspace has no table 'customEvents': there the same events are in 'AppEvents'. The old "
                "name is known only to the Application Insights resource itself: pass its resource id "
                "(/subscriptions/...) in place of the workspace's."
            )
        self.layout = queries.LAYOUTS[table]
        self._credential, self._endpoint = sdk.credential_argument(credential), endpoint_argument(endpoint)
        self._options = sdk.options_argument("client_options", client_options)
        self._client: Any = None
        sdk.module("azure.monitor.query")

    def count(self, part: Slice, by: By, lookback: timedelta, names: Iterable[str] | None) -> dict[str, Any]:
        """How many rows a window holds, what they stand for, and the span of their times."""
        span, lines = _Head(self.layout, by, lookback, queries.event_names(self.layout.name, names)).of(part)
        text = queries.count_query("\n".join(lines), self.layout.time, self.layout.count)
        columns, _, rows = self._ask(text, span)
        return figures(self._endpoint, columns, rows)

    def rows(self, text: str, span: tuple[datetime, datetime], columns: list[str]) -> Rows:
        """The rows of a query, of whose columns the names are known."""
        found, _, rows = self._ask(text, span)
        if found != columns:
            raise ServiceError(
                f"{self._endpoint} answered with the columns {sdk.shortened(str(found))}, not {columns}."
            )
        return rows

    def table(self, text: str) -> pa.Table:
        """The rows of any query, over all times, as a table."""
        columns, types, rows = self._ask(text, None)
        return as_table(zip(columns, types), rows)

    def _ask(self, text: str, span: tuple[datetime, datetime] | None) -> tuple[list[str], list[str], Rows]:
        """The columns, their types and the rows of an answer that is whole.

        Raises:
            TooMuchError: If it is not whole.
            ServiceError: If the service refuses, or nobody can read its answer.
        """
        with sdk.asking(self._endpoint):
            table = self._asked(text, span)
            rows = whole_rows(self._endpoint, table.columns, [list(row) for row in table.rows])
            return list(table.columns), list(table.columns_types), rows

    def _asked(self, text: str, span: tuple[datetime, datetime] | None) -> Any:
        client = self._connected()
        ask = client.query_resource if self._is_resource else client.query_workspace
        core = sdk.module("azure.core.exceptions")
        try:
            found = ask(self._id, text, timespan=span, server_timeout=_SERVER_TIMEOUT_SECONDS, **_REPEATABLE)
        except core.HttpResponseError as error:
            if error.status_code in (_GATEWAY_TIMEOUT, _TOO_LARGE):
                raise TooMuchError(sdk.words_of(error)) from sdk.cause_of(error)
            raise ServiceError(self._refusal(error)) from sdk.cause_of(error)
        except core.AzureError as error:
            raise ServiceError(f"No answer from {self._endpoint}: {sdk.words_of(error)}") from sdk.cause_of(
                error
            )
        if found.status != sdk.module("azure.monitor.query").LogsQueryStatus.SUCCESS:
            # Its rows are some of those asked for, and nothing says which are missing.
            raise TooMuchError(sdk.shortened(masked(_reason(found.partial_error))))
        if len(found.tables) != 1:
            raise ServiceError(
                f"{self._endpoint} answered with {len(found.tables)} tables, but one is needed."
            )
        return found.tables[0]

    def _connected(self) -> Any:
        if self._client is None:
            query = sdk.module("azure.monitor.query")
            credential = self._credential or sdk.default_credential()
            options = {**_PATIENCE, **_LISTENING, **self._options}
            options.setdefault("retry_policy", sdk.retry_policy(after_timeout=False, **options))
            self._client = query.LogsQueryClient(credential, endpoint=self._endpoint, **options)
        return self._client

    def _refusal(self, error: Any) -> str:
        advice = {
            401: " The credential was not accepted.",
            403: " The role 'Log Analytics Reader' on the workspace is what reading needs.",
            404: " Is it the workspace's id, not its name?",
            429: " Too many queries are running: try later, or run fewer at a time.",
        }.get(error.status_code, "")
        return f"{self._endpoint} refused the query ({error.status_code}): {sdk.words_of(error)}{advice}"


def _reason(error: Any) -> str:
    """Why an answer is partial: the message on top is the same for everything, the reason lies deeper."""
    for detail in getattr(error, "details", None) or []:
        inner = detail.get("innererror") if isinstance(detail, Mapping) else None
        if inner and inner.get("message"):
            return str(inner["message"])
    return str(getattr(error, "message", None) or error)


def write_log_analytics(
    table: Any,
    dce_endpoint: str,
    rule_id: str,
    stream: str,
    credential: Any = None,
    *,
    window: tuple[Instant, Instant] = (None, None),
    run_id: str | None = None,
    oversize: str = "refuse",
    resume: Checkpoint | str | None = None,
    progress: OnSent | None = None,
    client_options: Mapping[str, Any] | None = None,
) -> Written:
    """Writes rows to a custom table through the Logs Ingestion API.

    What goes out is at least what should: a request whose answer is lost may have been stored. Rows therefore
    carry `runId` and `rowKey`, and readers take `summarize arg_max(TimeGenerated, *) by rowKey`.

    Args:
        table: A table from `watchspan.aggregate` or `watchspan.sessions`, or the path of files with one.
        dce_endpoint: The logs ingestion endpoint of the data collection endpoint or rule, `https://...`.
        rule_id: The immutable id of the data collection rule, `dcr-...`.
        stream: The stream of the rule, `Custom-...`.
        credential: As for `read_log_analytics`.
        window: The window that the rows are about, as start and end: `windowStart` and `windowEnd`.
            `TimeGenerated` cannot hold it, since the service replaces times that are older than two days; it
            is when the rows were computed.
        run_id: What to call this run; None: a random one.
        oversize: What becomes of a value of 64 KB or more, which the service would cut: `refuse` ends the
            call before anything is sent, `null` leaves the value out and counts it.
        resume: The checkpoint of an `UnfinishedUploadError`, or its text: goes on where that upload stopped.
        progress: Called with the running `Written` after each request.
        client_options: What `azure.monitor.ingestion.LogsIngestionClient` is to be made with beside.

    Returns:
        What was written.

    Raises:
        DataError: If a row or a value is larger than the service takes; nothing has been sent then.
        UnfinishedUploadError: If the service refused a request or did not answer.
        OptionError: If an argument has a value that is not accepted.
        MissingDependencyError: If the extra `azure` is not installed.
    """
    stream, rule_id = stream_argument(stream), rule_argument(rule_id)
    endpoint, credential = ingestion_argument(dce_endpoint), sdk.credential_argument(credential)
    options = {**_PATIENCE, **sdk.options_argument("client_options", client_options)}
    stamp = Stamp.of(run_id, window, resume)
    rows = sources.read_table(table) if not hasattr(table, "to_batches") else table
    log_analytics_columns(rows.schema)
    client: Any = None

    def send(records: list[dict[str, Any]], encoded: list[bytes]) -> None:
        nonlocal client
        if client is None:
            ingestion = sdk.module("azure.monitor.ingestion")
            options.setdefault("retry_policy", sdk.retry_policy(after_timeout=True, **options))
            client = ingestion.LogsIngestionClient(
                endpoint, credential or sdk.default_credential(), **options
            )
        client.upload(rule_id=rule_id, stream_name=stream, logs=records)

    sdk.module("azure.monitor.ingestion")
    target = Receiver(
        name=f"{stream} at {endpoint}",
        body_bytes=_BODY_BYTES,
        field_bytes=_FIELD_BYTES,
        # As the client does it, which takes records: it makes the same body of them, and compresses it.
        encode=lambda record: json.dumps(record).encode(),
        around=len("[]"),
        between=len(", "),
        send=send,
        advice={403: " The role 'Monitoring Metrics Publisher' on the rule is what writing needs."},
    )
    return upload(rows, stamp, target, oversize, resume, progress)
