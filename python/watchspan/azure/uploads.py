"""Sending rows in pieces that a service takes, and going on after a failure in the middle."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable, Union

from watchspan.azure import sdk
from watchspan.azure.checkpoints import Checkpoint
from watchspan.azure.failures import UnfinishedUploadError
from watchspan.azure.records import Stamp, records, size_of
from watchspan.errors import DataError, OptionError, WatchspanError

__all__ = ["OnSent", "Receiver", "Written", "upload"]


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        run_id: The run, as each row says in `runId`.
        rows: How many rows there are.
        sent: How many of them this call has sent so far.
        requests: How many requests that took, without those that were tried again.
        nulled: How many values were too large and were left out.
    """

    run_id: str
    rows: int
    sent: int = 0
    requests: int = 0
    nulled: int = 0


OnSent = Callable[[Written], object]


@dataclass(frozen=True)
class Receiver:
    """What a service takes, and who sends it there.

    Attributes:
        name: What messages call it.
        body_bytes: How large a request may be.
        field_bytes: How large a value may be.
        encode: A record as it stands in a request.
        around: How many bytes a request has around its records.
        between: How many bytes stand between two records.
        send: Sends records; what they are encoded as is passed along.
        advice: What to do, by status.
    """

    name: str
    body_bytes: int
    field_bytes: int
    encode: Callable[[Mapping[str, Any]], bytes]
    around: int
    between: int
    send: Callable[[list[dict[str, Any]], list[bytes]], object]
    advice: Mapping[int, str]


@dataclass
class _Piece:
    """The records of one request."""

    records: list[dict[str, Any]]
    encoded: list[bytes]
    size: int


def upload(
    table: Any,
    stamp: Stamp,
    receiver: Receiver,
    oversize: str,
    resume: Union[Checkpoint, str, None],
    progress: OnSent | None,
) -> Written:
    """Sends the rows of a table, first to last.

    Args:
        table: The rows; they are gone through twice, and must come in the same order.
        stamp: What is stamped on each.
        receiver: Where they go.
        oversize: `refuse` or `null`, what becomes of values that are too large.
        resume: Where to go on; None: at the first row.
        progress: Called after each request.

    Raises:
        DataError: If a row is too large, or what was sent before are other rows.
        UnfinishedUploadError: If the service refused a request or did not answer.
    """
    if oversize not in ("refuse", "null"):
        raise OptionError(f"oversize is {oversize!r}, but 'refuse' or 'null' is needed.")
    before = Checkpoint.of(resume)
    done = _check(table, stamp, receiver, oversize, before)
    digest, sent_before = hashlib.sha256(), before.rows if before else 0
    rows = _sendable(table, stamp, receiver, oversize)
    for _ in range(sent_before):
        digest.update(next(rows)[1])
    for piece in _pieces(rows, receiver):
        try:
            receiver.send(piece.records, piece.encoded)
        except WatchspanError:
            raise
        except Exception as error:
            # Whatever a client raises: what it has sent stays sent.
            place = Checkpoint(stamp.run_id, stamp.computed_at, sent_before + done.sent, digest.hexdigest())
            message = _stopped(receiver, error, place, done.rows)
            raise UnfinishedUploadError(message, place) from sdk.cause_of(error)
        for encoded in piece.encoded:
            digest.update(encoded)
        done = replace(done, sent=done.sent + len(piece.records), requests=done.requests + 1)
        if progress:
            progress(done)
    return done


def _check(table: Any, stamp: Stamp, receiver: Receiver, oversize: str, before: Checkpoint | None) -> Written:
    """Looks at all rows before any is sent."""
    digest, rows, nulled = hashlib.sha256(), 0, 0
    for record, encoded, left_out in _encoded(table, stamp, receiver, oversize):
        if len(encoded) + receiver.around > receiver.body_bytes:
            raise DataError(
                f"The row of {_named(record)} is {len(encoded):,} bytes, and {receiver.name} takes "
                f"{receiver.body_bytes:,} in a request. Nothing was sent. Leave its largest column out, "
                f"which is {max(record, key=lambda name: size_of(record[name]))!r}."
            )
        if before and rows < before.rows:
            digest.update(encoded)
        rows, nulled = rows + 1, nulled + left_out
    if before:
        before.check(rows, digest.hexdigest())
    return Written(stamp.run_id, rows, nulled=nulled)


def _sendable(
    table: Any, stamp: Stamp, receiver: Receiver, oversize: str
) -> Iterator[tuple[dict[str, Any], bytes]]:
    for record, encoded, _ in _encoded(table, stamp, receiver, oversize):
        yield record, encoded


def _encoded(
    table: Any, stamp: Stamp, receiver: Receiver, oversize: str
) -> Iterator[tuple[dict[str, Any], bytes, int]]:
    """Each record, how it stands in a request, and how many values were left out of it."""
    for row in records(table, stamp):
        record = row
        # A short record has no long field.
        encoded = receiver.encode(record)
        large = []
        if len(encoded) > receiver.field_bytes:
            large = [name for name, value in record.items() if size_of(value) > receiver.field_bytes]
        if large and oversize == "refuse":
            raise DataError(
                f"{large[0]} of {_named(record)} is {size_of(record[large[0]]):,} bytes, and {receiver.name} "
                f"takes {receiver.field_bytes:,} in a field, of which it would cut the rest off. Nothing was "
                "sent. oversize='null' leaves such values out, or leave the column out."
            )
        if large:
            record = {**record, **dict.fromkeys(large)}
            encoded = receiver.encode(record)
        yield record, encoded, len(large)


def _named(record: Mapping[str, Any]) -> str:
    return f"userId {record['userId']!r}, videoId {record['videoId']!r}"


def _pieces(rows: Iterator[tuple[dict[str, Any], bytes]], receiver: Receiver) -> Iterator[_Piece]:
    piece = _Piece([], [], receiver.around)
    for record, encoded in rows:
        size = len(encoded) + receiver.between
        if piece.records and piece.size + size > receiver.body_bytes:
            yield piece
            piece = _Piece([], [], receiver.around)
        piece.records.append(record)
        piece.encoded.append(encoded)
        piece.size += size
    if piece.records:
        yield piece


def _stopped(receiver: Receiver, error: Exception, place: Checkpoint, rows: int) -> str:
    advice = receiver.advice.get(getattr(error, "status_code", 0) or 0, "")
    return (
        f"{receiver.name} refused a request or did not answer: {sdk.words_of(error)}{advice} "
        f"{place.rows:,} of {rows:,} rows of the run {place.run_id!r} are stored; of the next ones some may "
        f"be. To send the rest, call again with the same rows and resume={str(place)!r}."
    )
