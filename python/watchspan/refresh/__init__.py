"""Keeping the sessions and engagement tables up to date, exactly: one algorithm for every engine."""

from watchspan.refresh.algorithm import Refreshed, ShrunkScope, delete_user, refresh, rescore
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
)
from watchspan.refresh.settings import PROPERTY, Given, Settings

__all__ = [
    "KEYS",
    "PROCESSED_AT",
    "PROCESSED_AT_MEANS",
    "PROPERTY",
    "SUFFIXES",
    "ConflictError",
    "Dialect",
    "Engine",
    "Given",
    "Refreshed",
    "Settings",
    "ShrunkScope",
    "TableName",
    "Window",
    "delete_user",
    "refresh",
    "rescore",
]
