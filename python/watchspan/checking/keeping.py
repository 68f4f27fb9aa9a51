"""The rows of some users out of a stream of batches; users are let go of as it gets too many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

# Rows are let go of beyond so many times what is asked for.
_SLACK = 3
# A user with such a share of what is asked for is no example of anything.
_LARGE = 0.25
_FEWEST = 5


class Keeper:
    """The rows of those users that fit."""

    def __init__(self, users: Sequence[str], size: int, schema: pa.Schema) -> None:
        """Takes the `users`, the last of whom are let go of first, of `size` rows of `schema` about."""
        self.users = list(users)
        self._size, self._most = size, size * _SLACK
        self._large = max(1, int(size * _LARGE))
        self._kept: list[tuple[pa.RecordBatch, pa.Array]] = []
        self._schema = schema
        self._rows = 0

    def add(self, batch: pa.RecordBatch, texts: pa.Array) -> None:
        """Keeps the rows whose user, in `texts`, is one of the users."""
        self._keep(batch, texts)
        while self._rows > self._most:
            fewer = self._fewer()
            if len(fewer) == len(self.users):
                break
            self._keep_only(fewer)

    def table(self) -> pa.Table:
        """The rows of as many of the users as make up the size, but of a few in any case: all of theirs."""
        counts, left = self._counts(), self._size
        chosen: list[str] = []
        for user in self.users:
            if left <= 0 and len(chosen) >= _FEWEST:
                break
            if counts[user]:
                chosen.append(user)
                left -= counts[user]
        self._keep_only(chosen)
        return pa.Table.from_batches([batch for batch, _ in self._kept], self._schema)

    def _keep_only(self, users: list[str]) -> None:
        self.users, kept, self._kept, self._rows = users, self._kept, [], 0
        for part in kept:
            self._keep(*part)

    def _keep(self, batch: pa.RecordBatch, texts: pa.Array) -> None:
        mask = pc.fill_null(pc.is_in(texts, value_set=pa.array(self.users, pa.string())), False)
        rows = pc.sum(mask.cast(pa.int64())).as_py() or 0
        if rows:
            self._kept.append((batch.filter(mask), texts.filter(mask)))
            self._rows += rows

    def _fewer(self) -> list[str]:
        """The users without those who have very many rows, or else the first half of them."""
        counts = self._counts()
        fewer = [user for user in self.users if counts[user] <= self._large]
        if len(fewer) == len(self.users) or len(fewer) < _FEWEST:
            fewer = self.users[: max(1, len(self.users) // 2)]
        return fewer

    def _counts(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for _, texts in self._kept:
            found = pc.value_counts(texts)
            counts.update(dict(zip(found.field(0).to_pylist(), found.field(1).to_pylist())))
        return counts
