"""Where events come from and where rows go to, as a run of the ETL names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol, Union

import pyarrow as pa

from watchspan import arguments, sources
from watchspan.azure import sdk
from watchspan.azure.addresses import (
    QUERY_ENDPOINT,
    cluster_argument,
    endpoint_argument,
    ingestion_argument,
    is_address,
    is_file,
    parts_of,
    rule_argument,
    stream_argument,
    table_argument,
)
from watchspan.azure.checkpoints import Checkpoint
from watchspan.azure.kusto import Cluster, Events, read_kusto, write_kusto
from watchspan.azure.log_analytics import Workspace, read_log_analytics, write_log_analytics
from watchspan.azure.reading import By, OnProgress, closed_window
from watchspan.azure.records import create_table_commands, log_analytics_columns
from watchspan.azure.uploads import OnSent, Written
from watchspan.errors import OptionError, SourceError
from watchspan.instants import Instant
from watchspan.masking import masked

__all__ = ["DataExplorer", "LogAnalytics", "Place", "Reading", "Sending", "Target", "target_of"]


@dataclass(frozen=True)
class Reading:
    """Which events to read; see `read_log_analytics` for what each means."""

    start: Instant
    end: Instant
    columns: Union[Mapping[str, Union[str, None]], None] = None
    event_names: Union[Iterable[str], None] = None
    by: By = "event"
    lookback: timedelta = timedelta(days=2)
    deduplicate: bool = True

    def options(self) -> dict[str, Any]:
        """What `read_log_analytics` and `read_kusto` take by these names."""
        return {name: value for name, value in vars(self).items() if name not in ("start", "end")}


class Place(Protocol):
    """Where events are."""

    def read(self, reading: Reading, progress: OnProgress | None) -> pa.RecordBatchReader:
        """The events."""

    def count(self, reading: Reading) -> dict[str, Any]:
        """How many rows those are (`rows`), what they stand for (`events`), how many do (`sampled`); span."""

    def table_of(self, query: str) -> pa.Table:
        """The rows of a query."""


@dataclass(frozen=True)
class LogAnalytics:
    """Events in a workspace or an Application Insights component; see `read_log_analytics`."""

    workspace_id: str
    table: str = "AppEvents"
    endpoint: str = QUERY_ENDPOINT
    credential: Any = field(default=None, repr=False)
    client_options: Union[Mapping[str, Any], None] = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        # What is shown of it is an address and no more.
        endpoint_argument(self.endpoint)

    def read(self, reading: Reading, progress: OnProgress | None) -> pa.RecordBatchReader:
        """The events."""
        return read_log_analytics(
            self.workspace_id,
            reading.start,
            reading.end,
            self.credential,
            endpoint=self.endpoint,
            table=self.table,
            progress=progress,
            client_options=self.client_options,
            **reading.options(),
        )

    def count(self, reading: Reading) -> dict[str, Any]:
        """How many rows there are to read, by one query."""
        window = closed_window(reading.start, reading.end)
        return self._workspace().count(window, reading.by, reading.lookback, reading.event_names)

    def table_of(self, query: str) -> pa.Table:
        """The rows of a query."""
        return self._workspace().table(query)

    def _workspace(self) -> Workspace:
        return Workspace(self.workspace_id, self.credential, self.endpoint, self.table, self.client_options)


@dataclass(frozen=True)
class DataExplorer:
    """Events in a table or query of Data Explorer; see `read_kusto`."""

    cluster: str
    database: str
    # A query may name a storage, with its key.
    query_or_table: str = field(repr=False)
    credential: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        cluster_argument(self.cluster)

    def read(self, reading: Reading, progress: OnProgress | None) -> pa.RecordBatchReader:
        """The events."""
        return read_kusto(
            self.cluster,
            self.database,
            self.query_or_table,
            reading.start,
            reading.end,
            self.credential,
            progress=progress,
            **reading.options(),
        )

    def count(self, reading: Reading) -> dict[str, Any]:
        """How many rows there are to read, by one query."""
        cluster = self._cluster()
        names = arguments.column_names(reading.columns)
        events = Events.of(cluster, self.query_or_table, names, reading.event_names, reading.by)
        return cluster.count(events, closed_window(reading.start, reading.end), reading.lookback)

    def table_of(self, query: str) -> pa.Table:
        """The rows of a query."""
        return self._cluster().table(query)

    def _cluster(self) -> Cluster:
        return Cluster(self.cluster, self.database, self.credential)


@dataclass(frozen=True)
class Sending:
    """How rows are to be written; see `write_log_analytics` for what each means."""

    window: tuple[Instant, Instant]
    run_id: Union[str, None] = None
    resume: Union[Checkpoint, str, None] = None
    oversize: str = "refuse"
    mode: str = "overwrite"
    progress: Union[OnSent, None] = None

    def options(self) -> dict[str, Any]:
        """What `write_log_analytics` and `write_kusto` take by these names."""
        return {name: value for name, value in vars(self).items() if name != "mode"}


class Target(Protocol):
    """Where rows go."""

    @property
    def name(self) -> str:
        """What to call it."""

    def with_credential(self) -> Target:
        """The same with the credential of the environment, if one is needed and none was given."""

    def write(self, rows: Any, sending: Sending) -> Written | None:
        """Writes rows: a table, or one that may be larger than memory."""

    def needs(self, schema: pa.Schema) -> Any:
        """What has to be there for rows of this schema: ready for JSON; None: nothing."""


@dataclass(frozen=True)
class _Stream:
    """A stream of a data collection rule."""

    endpoint: str
    rule_id: str
    stream: str
    credential: Any = field(repr=False)
    client_options: Union[Mapping[str, Any], None] = field(repr=False)

    @property
    def name(self) -> str:
        return f"the stream {self.stream} of {self.rule_id}"

    def with_credential(self) -> _Stream:
        return replace(self, credential=self.credential or sdk.default_credential())

    def write(self, rows: Any, sending: Sending) -> Written:
        return write_log_analytics(
            rows,
            self.endpoint,
            self.rule_id,
            self.stream,
            self.credential,
            client_options=self.client_options,
            **sending.options(),
        )

    def needs(self, schema: pa.Schema) -> Any:
        return {"streamDeclarations": {self.stream: {"columns": log_analytics_columns(schema)}}}


@dataclass(frozen=True)
class _Table:
    """A table of Data Explorer."""

    cluster: str
    database: str
    table: str
    credential: Any = field(repr=False)

    @property
    def name(self) -> str:
        return f"the table {self.table} of {self.cluster}/{self.database}"

    def with_credential(self) -> _Table:
        if self.cluster.startswith("http://"):
            return self
        return replace(self, credential=self.credential or sdk.default_credential())

    def write(self, rows: Any, sending: Sending) -> Written:
        return write_kusto(
            rows,
            self.cluster,
            self.database,
            self.table,
            self.credential,
            **sending.options(),
        )

    def needs(self, schema: pa.Schema) -> Any:
        return create_table_commands(self.table, schema)


@dataclass(frozen=True)
class _Delta:
    """A Delta table."""

    path: str = field(repr=False)

    @property
    def name(self) -> str:
        return f"the Delta table {masked(self.path)}"

    def with_credential(self) -> _Delta:
        return self

    def write(self, rows: Any, sending: Sending) -> None:
        from watchspan import delta

        table = rows
        if not isinstance(rows, pa.Table):
            table = pa.Table.from_batches(list(rows.to_batches()), rows.schema.remove_metadata())
        delta.write(table, self.path, mode=sending.mode)  # type: ignore[arg-type]

    def needs(self, schema: pa.Schema) -> Any:
        return None


@dataclass(frozen=True)
class _File:
    """A file."""

    path: str = field(repr=False)

    @property
    def name(self) -> str:
        return masked(self.path)

    def with_credential(self) -> _File:
        sources.check_output(self.path)
        return self

    def write(self, rows: Any, sending: Sending) -> None:
        sources.write(rows, self.path)

    def needs(self, schema: pa.Schema) -> Any:
        return None


def names_file(out: str) -> bool:
    """Whether a text that says where to write names a file."""
    is_service = is_address(out) and out.strip().partition("://")[0].lower() in ("http", "https")
    return not is_service and not out.startswith("delta:")


def target_of(out: str, credential: Any = None, client_options: Mapping[str, Any] | None = None) -> Target:
    """What a text says of where to write.

    Args:
        out: `https://<ingestion endpoint>/dataCollectionRules/<rule>/streams/<stream>` for Log Analytics,
            `https://<cluster>/<database>/<table>` for Data Explorer, `delta:<path>` for a Delta table, else a
            file, whose suffix says its format.
        credential: For the first two.
        client_options: For the first one.

    Raises:
        OptionError: If it is none of these.
    """
    if not isinstance(out, str) or not out:
        raise OptionError(f"out is {out!r}, but the address of a service or the path of a file is needed.")
    if out.startswith("delta:"):
        return _Delta(out[len("delta:") :])
    if names_file(out):
        try:
            sources.format_of(out)
        except SourceError as error:
            advice = masked(f"{error} A Delta table is written as delta:{out}.")
            raise OptionError(advice) from sdk.cause_of(error)
        return _File(out)
    return _of_service(out, sdk.credential_argument(credential), client_options)


def _of_service(out: str, credential: Any, client_options: Mapping[str, Any] | None) -> Target:
    """The target behind an address."""
    needed = (
        "https://<ingestion endpoint>/dataCollectionRules/<rule>/streams/<stream> or "
        "https://<cluster>/<database>/<table>"
    )
    origin, path = parts_of("out", out, needed, plain=True)
    if len(path) == 4 and (path[0].lower(), path[2].lower()) == ("datacollectionrules", "streams"):
        rule, stream = rule_argument(path[1]), stream_argument(path[3])
        options = sdk.options_argument("client_options", client_options)
        return _Stream(ingestion_argument(origin), rule, stream, credential, options)
    if len(path) == 2 and not is_file(path[1]):
        return _Table(origin, path[0], table_argument("out", path[1]), credential)
    raise OptionError(f"out is {masked(repr(out))}, but {needed} is needed.")
