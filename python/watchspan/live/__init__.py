"""The live page: what kept Delta tables come to, in a browser, as they are updated.

Needs the extra `live`, Python 3.11 or newer: `pip install "watchspan[live]"`.
"""

from __future__ import annotations

from watchspan.errors import MissingDependencyError

try:
    import altair as _altair
    import deltalake as _deltalake
    import duckdb as _duckdb
    import streamlit as _streamlit
    import vl_convert as _vl_convert
except ImportError as error:
    raise MissingDependencyError(
        "The live page needs the packages streamlit, deltalake, duckdb, altair and vl-convert-python: "
        'pip install "watchspan[live]" (Python 3.11 or newer).'
    ) from error

from watchspan.live.serving import serve

__all__ = ["serve"]

del _altair, _deltalake, _duckdb, _streamlit, _vl_convert
