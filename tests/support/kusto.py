"""KQL for tests: Microsoft's own parser and binder, and an evaluator on their syntax tree.

The work is done by the programs in ``tests/kql/kusto``, which run in one process of node. Install what they
need with ``npm install --prefix tests/kql/kusto``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Type

HERE = Path(__file__).resolve().parents[1] / "kql" / "kusto"
INSTALL = "npm install --prefix tests/kql/kusto"

Column = Tuple[str, str]
Table = Tuple[str, Sequence[Sequence[Any]]]


class KustoError(Exception):
    """The query is wrong, the data does not fit, or the evaluator lacks something; the message says which."""


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong with a query.

    Attributes:
        text: A sentence with the place, the reason and the code.
        severity: ``error`` or ``warning``.
        code: Microsoft's code (``KS142``) or, for what the parser does not see, one in words (``REFUSED``).
        line: Counted from 1.
        column: Counted from 1.
    """

    text: str
    severity: str
    code: str
    line: int
    column: int

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Checked:
    """What is known of a query without any data.

    Attributes:
        diagnostics: What is wrong with it; empty if it is clean.
        columns: Name and type of each output column; None if the query has no result.
    """

    diagnostics: List[Diagnostic]
    columns: Optional[List[Column]]

    @property
    def errors(self) -> List[Diagnostic]:
        """The diagnostics without mere warnings."""
        return [each for each in self.diagnostics if each.severity == "error"]


@dataclass(frozen=True)
class Result:
    """Rows of a query.

    Attributes:
        columns: Name and type of each column.
        rows: Values as JSON has them: datetime and timespan as Kusto's text, dynamic as the JSON value, a
            real that
            is no number as ``"NaN"``, ``"Infinity"`` or ``"-Infinity"``.
    """

    columns: List[Column]
    rows: List[List[Any]]

    @property
    def records(self) -> List[Dict[str, Any]]:
        """The rows as dictionaries by column name."""
        names = [name for name, _ in self.columns]
        return [dict(zip(names, row)) for row in self.rows]


class Kusto:
    """One process of node that checks and runs queries; a context manager.

    ``AppEvents``, ``AppPageViews``, ``customEvents`` and ``pageViews`` are always declared, and empty
    unless rows are
    given for them.
    """

    def __init__(self) -> None:
        self._process: Optional[subprocess.Popen[str]] = None

    def __enter__(self) -> Kusto:
        node = shutil.which("node")
        if node is None:
            raise KustoError("The tests of KQL need node (version 18 or later) on the path.")
        if not (HERE / "node_modules").is_dir():
            raise KustoError(f"The official KQL parser is not installed. Install it with: {INSTALL}")
        self._process = subprocess.Popen(
            [node, str(HERE / "server.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self,
        exception_type: Optional[Type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def check(
        self, query: str, tables: Optional[Mapping[str, str]] = None, azure_monitor: bool = True
    ) -> Checked:
        """Says what is wrong with a query and which columns it gives.

        Args:
            query: The text of the query.
            tables: Schemas of further tables by name, such as ``{"T": "(a:long, b:string)"}``.
            azure_monitor: Whether to report what Azure Monitor refuses although Azure Data Explorer accepts
                it.

        Raises:
            KustoError: The process of node has ended.
        """
        request = {
            "task": "check",
            "query": query,
            "tables": dict(tables or {}),
            "azureMonitor": azure_monitor,
        }
        answer = self._ask(request)
        columns = answer["columns"]
        return Checked(
            diagnostics=[Diagnostic(**each) for each in answer["diagnostics"]],
            columns=None if columns is None else [(name, type_) for name, type_ in columns],
        )

    def run(
        self, query: str, tables: Optional[Mapping[str, Table]] = None, now: Optional[str] = None
    ) -> Result:
        """Runs a query on rows.

        Args:
            query: The text of the query.
            tables: By name, the schema and the rows of each table. A last column
                ``$ingestion_time:datetime`` in a
                schema is what ``ingestion_time()`` gives; queries do not see it otherwise.
            now: What ``now()`` gives, such as ``"2026-01-31T12:00:00Z"``; the actual time if not given.

        Raises:
            KustoError: The query is wrong, the rows do not fit the schema, or the evaluator does not know
                something.
        """
        given = {
            name: [schema, [list(row) for row in rows]] for name, (schema, rows) in (tables or {}).items()
        }
        answer = self._ask({"task": "run", "query": query, "tables": given, "now": now})
        return Result(columns=[(name, type_) for name, type_ in answer["columns"]], rows=answer["rows"])

    def _ask(self, request: Dict[str, Any]) -> Any:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise KustoError("Kusto is a context manager: write `with Kusto() as kusto:`.")
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise KustoError("The process of node has ended; its own message is above.")
        answer = json.loads(line)
        if "error" in answer:
            raise KustoError(answer["error"])
        return answer["result"]
