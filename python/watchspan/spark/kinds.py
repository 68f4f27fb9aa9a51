"""What events mean as numbers: names are much of what a shuffle would move, and are looked up once."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from watchspan import _core, api

_KIND = "_kind"
_MEANINGS = _core.meanings()
# The vocabulary of events from `named`.
VOCABULARY = {meaning: meaning for meaning in _MEANINGS}


def numbered(events: DataFrame, vocabulary: str | dict[str, str] | None) -> DataFrame:
    """The events with a number in place of `eventName` that says what it means, null if that is not known."""
    known = vocabulary if isinstance(vocabulary, dict) else api.vocabulary(vocabulary or "default")
    # Of text with a collation, names that differ would be equal.
    name, kind = F.col("eventName").cast(T.StringType()), F.lit(None).cast("tinyint")
    for number, meaning in enumerate(_MEANINGS):
        names = [own for own, means in known.items() if means == meaning]
        if names:
            kind = F.when(name.isin(names), F.lit(number).cast("tinyint")).otherwise(kind)
    return events.withColumn(_KIND, kind).drop("eventName")


def named(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch of such events with the names of their meanings as `eventName`."""
    columns = dict(zip(batch.schema.names, batch.columns))
    columns["eventName"] = pa.DictionaryArray.from_arrays(columns.pop(_KIND), pa.array(_MEANINGS))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
