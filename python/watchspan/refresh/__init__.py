"""Keeping the sessions and engagement tables up to date, exactly: one algorithm for every engine."""

from watchspan.refresh.algorithm import delete_user, refresh, rescore
from watchspan.refresh.curves import BUCKETS, NEEDED
from watchspan.refresh.failures import TORN, shortened, told_of
from watchspan.refresh.protocol import (
    KEYS,
    PROCESSED_AT,
    PROCESSED_AT_MEANS,
    SUFFIXES,
    ConflictError,
    Dialect,
    Engine,
    TableName,
    Window,
    check_keys,
)
from watchspan.refresh.results import Refreshed, ShrunkScope
from watchspan.refresh.settings import PROPERTY, Given, Settings
from watchspan.refresh.statements import user_key

__all__ = [
    "BUCKETS",
    "KEYS",
    "NEEDED",
    "PROCESSED_AT",
    "PROCESSED_AT_MEANS",
    "PROPERTY",
    "SUFFIXES",
    "TORN",
    "ConflictError",
    "Dialect",
    "Engine",
    "Given",
    "Refreshed",
    "Settings",
    "ShrunkScope",
    "TableName",
    "Window",
    "check_keys",
    "delete_user",
    "refresh",
    "rescore",
    "shortened",
    "told_of",
    "user_key",
]
