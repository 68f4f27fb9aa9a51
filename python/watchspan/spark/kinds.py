"""What events mean as numbers: names are much of what a shuffle would move, and are looked up once."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from watchspan import _core, api
from watchspan.spark.layout import quoted, text

_KIND = "_kind"
_MEANINGS = _core.meanings()
# The vocabulary of events from `named`.
VOCABULARY = {meaning: meaning for meaning in _MEANINGS}


def numbered(events: DataFrame, vocabulary: str | dict[str, str] | None) -> DataFrame:
    """The events with a number in place of `eventName` that says what it means, null if that is not known."""
    known = vocabulary if isinstance(vocabulary, dict) else api.vocabulary(vocabulary or "default")
    cases = []
    for number, meaning in enumerate(_MEANINGS):
        names = [text(own) for own, means in known.items() if means == meaning]
        if names:
            # Of text with a collation, names that differ would be equal.
            cases.append(f"WHEN CAST(eventName AS STRING) IN ({', '.join(names)}) THEN {number}Y")
    kind = f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS TINYINT)"
    others = (quoted(name) for name in events.columns if name != "eventName")
    return events.select(*others, F.expr(kind).alias(_KIND))


def named(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch of such events with the names of their meanings as `eventName`."""
    columns = dict(zip(batch.schema.names, batch.columns))
    columns["eventName"] = pa.DictionaryArray.from_arrays(columns.pop(_KIND), pa.array(_MEANINGS))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
