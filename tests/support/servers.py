"""Loopback servers that behave as Azure's services document, over TLS.

`LogAnalytics` answers queries: it executes the KQL that it receives, cuts an answer that has too many rows,
says so beside them, and can be told to fail. `Ingestion` takes rows as the Logs Ingestion API does.
`DataExplorer` answers queries and takes streamed rows.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import random
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Optional
from urllib.parse import unquote

import trustme

from watchspan.azure import sdk

# What runs KQL: (query, tables) -> (columns with their types, rows).
Run = Callable[[str, dict[str, Any]], tuple[list[tuple[str, str]], list[list[Any]]]]
MEGABYTE = 1024 * 1024


@dataclass
class Answer:
    """An answer: its status, its body, which is sent as it is if it is bytes, and its headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


# In place of an answer: the connection breaks.
DROPPED = Answer(0)


@dataclass
class Request:
    """A request: its path with the query, its headers, its body as it was before it was compressed."""

    path: str
    headers: dict[str, str]
    body: bytes
    sent: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A server on loopback with a certificate of the given authority.

    Attributes:
        url: Its address.
        requests: All requests it got.
        script: Answers to give to the next requests; None stands for the usual one.
    """

    def __init__(self, authority: trustme.CA) -> None:
        self.requests: list[Request] = []
        self.script: list[Optional[Answer]] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def running(self) -> Iterator[Any]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            thread.join()
            self._http.server_close()

    def take(self, request: Request) -> Answer:
        """The answer to a request: the script's, else the service's."""
        with self._lock:
            self.requests.append(request)
            scripted = self.script.pop(0) if self.script else None
            return scripted or self.answer(request)

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._reply(server.take(Request(self.path, dict(self.headers), b"", 0)))

        def do_POST(self) -> None:
            sent = self._body()
            body = gzip.decompress(sent) if self.headers.get("Content-Encoding") == "gzip" else sent
            self._reply(server.take(Request(self.path, dict(self.headers), body, len(sent))))

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _reply(self, answer: Answer) -> None:
            if answer is DROPPED:
                self.close_connection = True
                return
            body = b"" if answer.body is None else answer.body
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def error(status: int, code: str, message: str, inner: str = "", **headers: str) -> Answer:
    """An error as Azure Monitor words it: the useful text is nested."""
    body: dict[str, Any] = {"code": code, "message": message}
    if inner:
        body["innererror"] = {
            "code": code,
            "message": "Something is wrong.",
            "innererror": {"message": inner},
        }
    return Answer(status, {"error": body}, {name.replace("_", "-"): value for name, value in headers.items()})


def throttled(seconds: str = "0.01") -> Answer:
    return error(429, "ThrottledError", "Too many requests.", Retry_After=seconds)


class LogAnalytics(Server):
    """The query API of Log Analytics over tables in memory.

    Attributes:
        tables: Table -> its schema and rows.
        row_limit: How many rows an answer has at most.
        partial_share: The share of answers that are cut for no reason of theirs.
        delivered: How many whole answers were given.
        partial: How many were cut.
    """

    def __init__(
        self, authority: trustme.CA, run: Run, tables: dict[str, Any], row_limit: int = 500_000
    ) -> None:
        super().__init__(authority)
        self._run, self.tables, self.row_limit = run, tables, row_limit
        self.partial_share, self._chance = 0.0, random.Random(7)
        self.delivered = self.partial = 0

    def answer(self, request: Request) -> Answer:
        if not re.fullmatch(r"/v1/(workspaces/[^/]+|subscriptions/.+)/query", request.path):
            return error(404, "PathNotFoundError", "The requested path does not exist.")
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return error(401, "AuthorizationRequiredError", "Valid authentication was not provided.")
        asked = request.json
        # A workspace does not know the classic names; a component knows both.
        known = dict(self.tables)
        if request.path.startswith("/v1/workspaces/"):
            known.pop("customEvents", None)
        try:
            columns, rows = self._run(asked["query"], self._within(known, asked.get("timespan")))
        except Exception as refusal:
            inner = f"{type(refusal).__name__}: {refusal}"
            return error(400, "BadArgumentError", "The request had some invalid properties", inner)
        rows = [[_as_delivered(value, kind) for value, (_, kind) in zip(row, columns)] for row in rows]
        cut = len(rows) > self.row_limit or self._chance.random() < self.partial_share
        return self._table(columns, rows, cut)

    def _within(self, tables: dict[str, Any], timespan: Optional[str]) -> dict[str, Any]:
        """The tables as far as the timespan of the request lets a query see them."""
        if not timespan:
            return tables
        first, last = (_moment(end) for end in timespan.split("/"))
        narrowed = {}
        for name, (schema, rows) in tables.items():
            names = [column.split(":")[0].strip(" ()") for column in schema.split(",")]
            place = next(
                (names.index(time) for time in ("TimeGenerated", "timestamp") if time in names), None
            )
            kept = rows if place is None else [row for row in rows if first <= _moment(row[place]) <= last]
            narrowed[name] = (schema, kept)
        return narrowed

    def _table(self, columns: Sequence[tuple[str, str]], rows: list[Any], cut: bool) -> Answer:
        found = [{"name": name, "type": kind} for name, kind in columns]
        if not cut:
            self.delivered += 1
            return Answer(200, {"tables": [{"name": "PrimaryResult", "columns": found, "rows": rows}]})
        self.partial += 1
        some = rows[: min(self.row_limit, len(rows) // 2 if len(rows) <= self.row_limit else len(rows))]
        reason = f"The results of this query exceed the set limit of {self.row_limit} records."
        inner = {"code": "-2133196797", "message": reason, "severity": 2, "severityName": "Error"}
        detail = {"code": "EngineError", "message": "Something went wrong.", "innererror": inner}
        body = {
            "tables": [{"name": "PrimaryResult", "columns": found, "rows": some}],
            "error": {
                "code": "PartialError",
                "message": "There were some errors when processing your query.",
                "details": [detail],
            },
        }
        return Answer(200, body)


def _moment(text: str) -> str:
    """A time as text that can be compared: its digits, as many as the longest has."""
    head, _, fraction = text.replace("+00:00", "").rstrip("Z").partition(".")
    return f"{head}.{fraction.ljust(7, '0')}"


def _as_delivered(value: Any, kind: str) -> Any:
    """A value as the service writes it: dynamic as JSON text, NaN as text, times with seven digits."""
    if value is None:
        return None
    if kind == "dynamic":
        return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if kind == "datetime":
        text = value.strftime("%Y-%m-%dT%H:%M:%S.%f") if isinstance(value, datetime) else str(value)
        return _moment(text) + "Z"
    return value


class Ingestion(Server):
    """The Logs Ingestion API.

    Attributes:
        rows: What was stored, in order.
        failing_share: The share of requests that are refused, for a while, with an error that ends.
        lost_share: The share of requests that are stored although the answer says otherwise.
        columns: Names that the stream knows; others are dropped, as the service does.
        now: When rows arrive: older times than two days before are replaced.
    """

    def __init__(self, authority: trustme.CA, stream: str = "Custom-Engagement") -> None:
        super().__init__(authority)
        self.stream, self.rows = stream, []
        self.failing_share, self.lost_share, self._chance = 0.0, 0.0, random.Random(11)
        self.failed = self.lost = 0

    def answer(self, request: Request) -> Answer:
        path = rf"/dataCollectionRules/dcr-\w+/streams/{self.stream}\?api-version=2023-01-01"
        if not re.fullmatch(path, request.path):
            return error(404, "NotFound", f"The stream of {request.path} was not found.")
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return error(403, "OperationFailed", "The authentication token provided does not have access.")
        if len(request.body) > MEGABYTE or request.sent > MEGABYTE:
            return error(
                413, "ContentLengthLimitExceeded", f"Maximum allowed content length: {MEGABYTE} bytes"
            )
        rows = json.loads(request.body, parse_constant=_no_json)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return error(400, "InvalidPayload", "An array of objects is needed.")
        if self._chance.random() < self.failing_share:
            self.failed += 1
            return error(self._chance.choice([500, 503, 429]), "Failed", "Try again.", Retry_After="0.01")
        self.rows += [_cut_fields(row) for row in rows]
        if self._chance.random() < self.lost_share:
            self.lost += 1
            return error(503, "Failed", "The answer was lost on the way.", Retry_After="0.01")
        return Answer(204)


def _no_json(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _cut_fields(row: dict[str, Any]) -> dict[str, Any]:
    """The row as it is stored: what is longer than 64 KB is cut, silently."""
    return {name: value[:65_536] if isinstance(value, str) else value for name, value in row.items()}


def forget_clouds() -> None:
    """Makes the client ask for the cloud again: it keeps the answer by address, and ports are used again."""
    sdk.module("azure.kusto.data._cloud_settings").CloudSettings._cloud_cache.clear()


class DataExplorer(Server):
    """A cluster of Data Explorer: queries, and rows that stream in as CSV.

    Attributes:
        tables: Table -> its schema and rows.
        row_limit: How many rows an answer has at most: beyond it there is an error in place of the rest.
    """

    def __init__(
        self, authority: trustme.CA, run: Run, tables: dict[str, Any], row_limit: int = 500_000
    ) -> None:
        super().__init__(authority)
        self._run, self.tables, self.row_limit = run, tables, row_limit
        self.failing_share, self._chance, self.failed = 0.0, random.Random(13), 0
        forget_clouds()

    def answer(self, request: Request) -> Answer:
        if request.path == "/v1/rest/auth/metadata":
            return Answer(404)
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return Answer(401, {"error": {"code": "Unauthorized", "message": "no token"}})
        if request.path == "/v2/rest/query":
            return self._query(request.json["csl"])
        names = r"/v1/rest/ingest/([^/?]+)/([^/?]+)\?streamFormat=csv"
        found = re.fullmatch(names, request.path, re.IGNORECASE)
        if not found:
            return Answer(404)
        return self._ingest(unquote(found[2]), request)

    def _query(self, text: str) -> Answer:
        try:
            columns, rows = self._run(text, self.tables)
        except Exception as refusal:
            return Answer(400, {"error": _api_error("BadRequest", f"Semantic error: {refusal}", True)})
        table: dict[str, Any] = {
            "FrameType": "DataTable",
            "TableId": 1,
            "TableKind": "PrimaryResult",
            "TableName": "PrimaryResult",
            "Columns": [{"ColumnName": name, "ColumnType": kind} for name, kind in columns],
            "Rows": [[_in_kusto(v, kind) for v, (_, kind) in zip(row, columns)] for row in rows],
        }
        if len(rows) > self.row_limit:
            said = "Query execution has exceeded the allowed limits (80DA0003): E_QUERY_RESULT_SET_TOO_LARGE"
            table["Rows"] = [
                *table["Rows"][: self.row_limit],
                {"OneApiErrors": [{"error": _api_error("LimitsExceeded", said, True)}]},
            ]
        end = {"FrameType": "DataSetCompletion", "HasErrors": len(rows) > self.row_limit, "Cancelled": False}
        header = {"FrameType": "DataSetHeader", "IsProgressive": False, "Version": "v2.0"}
        return Answer(200, [header, table, end])

    def _ingest(self, name: str, request: Request) -> Answer:
        if name not in self.tables:
            return Answer(400, {"error": _api_error("BadRequest_TableNotExist", f"no table {name}", True)})
        if len(request.body) > 4 * MEGABYTE:
            return Answer(413, {"error": _api_error("TooLarge", "at most 4 MB", True)})
        if self._chance.random() < self.failing_share:
            self.failed += 1
            return Answer(503, {"error": _api_error("Busy", "try again", False)}, {"Retry-After": "0.01"})
        schema, rows = self.tables[name]
        kinds = [column.split(":")[1].strip(" )") for column in schema.split(",")]
        for line in csv.reader(io.StringIO(request.body.decode())):
            assert len(line) == len(kinds), f"{len(line)} values for {len(kinds)} columns"
            rows.append([_from_csv(text, kind) for text, kind in zip(line, kinds)])
        return Answer(
            200,
            {
                "Tables": [
                    {
                        "TableName": "Table_0",
                        "Columns": [{"ColumnName": "ConsumedRecordsCount", "DataType": "Int64"}],
                        "Rows": [[0]],
                    }
                ]
            },
        )


def _api_error(code: str, message: str, permanent: bool) -> dict[str, Any]:
    return {"code": code, "message": message, "@message": message, "@type": code, "@permanent": permanent}


def _in_kusto(value: Any, kind: str) -> Any:
    """A value as Data Explorer writes it: dynamic as what it is."""
    return value if kind == "dynamic" else _as_delivered(value, kind)


def _from_csv(text: str, kind: str) -> Any:
    if kind == "string":
        return text
    if text == "":
        return None
    if kind == "dynamic":
        return json.loads(text)
    if kind == "bool":
        return {"true": True, "false": False}[text]
    return int(text) if kind in ("long", "int") else float(text) if kind == "real" else text
