"""Options: what they accept, and how they refuse the rest."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import sys
import types
from typing import Any, Callable

import pyarrow as pa
import pytest

import watchspan as ws
from watchspan import _core
from watchspan.errors import (
    OptionError,
    VocabularyError,
)
from watchspan.options import Options

CALLS: dict[str, Callable[[pa.Table], Any]] = {
    "threads=0": lambda e: ws.aggregate(e, threads=0),
    "threads=True": lambda e: ws.sessions(e, threads=True),
    "threads='2'": lambda e: ws.validate(e, threads="2"),
    "threads=1.0": lambda e: ws.explain(e, "u", "v", threads=1.0),
    "rules={}": lambda e: ws.aggregate(e, rules={}),
    "scoring=Rules": lambda e: ws.aggregate(e, scoring=ws.Rules()),
    "unique_seconds=1": lambda e: ws.aggregate(e, unique_seconds=1),
    "columns=[]": lambda e: ws.aggregate(e, columns=["userId"]),
    "columns={1}": lambda e: ws.aggregate(e, columns={"userId": 1}),
    "columns={nosuch}": lambda e: ws.aggregate(e, columns={"nosuch": "x"}),
    "columns={userId: None}": lambda e: ws.aggregate(e, columns={"userId": None}),
    "examples=-1": lambda e: ws.validate(e, examples=-1),
    "examples=True": lambda e: ws.validate(e, examples=True),
    "buckets=0": lambda e: ws.retention(ws.aggregate(e), buckets=0),
    "buckets=None": lambda e: ws.retention(ws.aggregate(e), buckets=None),
    "bucket_seconds=0": lambda e: ws.retention(ws.aggregate(e), bucket_seconds=0),
    "bucket_seconds=inf": lambda e: ws.retention(ws.aggregate(e), bucket_seconds=float("inf")),
    "bucket_seconds='3'": lambda e: ws.retention(ws.aggregate(e), bucket_seconds="3"),
    "user=None": lambda e: ws.explain(e, None, "v"),
    "video=1.5": lambda e: ws.explain(e, "u", 1.5),
    "top=-1": lambda e: ws.summarize(ws.aggregate(e), top=-1),
    "vocabulary=3": lambda e: ws.aggregate(e, vocabulary=3),
    "vocabulary=nosuch": lambda e: ws.aggregate(e, vocabulary="nosuch"),
    "vocabulary={}": lambda e: ws.aggregate(e, vocabulary={}),
    "vocabulary={x: y}": lambda e: ws.aggregate(e, vocabulary={"x": "y"}),
    "vocabulary={x: 1}": lambda e: ws.aggregate(e, vocabulary={"x": 1}),
    "vocabulary('nosuch')": lambda e: ws.vocabulary("nosuch"),
}


@pytest.mark.parametrize("call", CALLS)
def test_bad_options_are_named(call: str, events: pa.Table) -> None:
    option = call.partition("=")[0].partition("(")[0]
    with pytest.raises(OptionError, match=option) as caught:
        CALLS[call](events)
    assert isinstance(caught.value, VocabularyError) == (option == "vocabulary")


def test_numbers_of_numpy_are_options(events: pa.Table) -> None:
    numpy = pytest.importorskip("numpy")
    rules = ws.Rules(tolerance_seconds=numpy.float32(4), max_segment_seconds=numpy.int64(100))
    assert rules == ws.Rules(tolerance_seconds=4, max_segment_seconds=100)
    assert type(rules.max_segment_seconds) is float
    assert ws.aggregate(events, threads=numpy.int64(1), rules=rules).num_rows == 3


@pytest.mark.parametrize("kind", [ws.Rules, ws.Scoring])
def test_options_are_frozen_and_keyword_only(kind: Any) -> None:
    options = kind()
    specs = _core.rule_specs() if kind is ws.Rules else _core.scoring_specs()
    assert {spec["name"]: spec["default"] for spec in specs} == dataclasses.asdict(options)
    name = specs[0]["name"]
    with pytest.raises(TypeError):
        kind(1.0)
    with pytest.raises(TypeError):
        kind(nosuch=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(options, name, 1.0)
    changed = dataclasses.replace(options, **{name: 1})
    assert getattr(changed, name) == 1.0
    assert changed != options
    assert pickle.loads(pickle.dumps(changed)) == changed
    assert hash(pickle.loads(pickle.dumps(options))) == hash(kind())
    assert f"{name}=1.0" in repr(changed)
    assert all(f"\n        {spec['name']}: " in kind.__doc__ for spec in specs)


@pytest.mark.parametrize("kind", [ws.Rules, ws.Scoring])
def test_every_option_refuses_what_it_does_not_accept(kind: Any) -> None:
    specs = _core.rule_specs() if kind is ws.Rules else _core.scoring_specs()
    assert specs
    for spec in specs:
        bad = [float("nan"), float("inf"), "1", [1], object()]
        bad += [2] if spec["type"] == "bool" else [True]
        bad += [] if spec["type"].startswith("Optional") else [None]
        for value in bad:
            with pytest.raises(OptionError, match=rf"{kind.__name__}\.{spec['name']} is "):
                kind(**{spec["name"]: value})


def test_additive_is_the_documented_preset() -> None:
    assert dataclasses.asdict(ws.Scoring.additive()) == _core.additive_scoring()


def test_one_thread_inside_a_spark_task(events: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    original = _core.aggregate

    def spy(*arguments: Any) -> Any:
        seen.append(arguments[7])
        return original(*arguments)

    monkeypatch.setattr(_core, "aggregate", spy)
    for context in (None, object()):
        pyspark = types.SimpleNamespace(
            TaskContext=types.SimpleNamespace(get=lambda context=context: context)
        )
        monkeypatch.setitem(sys.modules, "pyspark", pyspark)
        ws.aggregate(events)
        ws.aggregate(events, threads=3)
    assert seen == [None, 3, 1, 3]


class Sizes(Options, check=lambda sizes: CHECKED.append(dataclasses.asdict(sizes))):
    """Options of a test."""

    width: float = 1.0
    height: float | None = None
    filled: bool = True


CHECKED: list[dict[str, Any]] = []


def test_a_class_of_options_is_its_fields() -> None:
    CHECKED.clear()
    sizes = Sizes(width=3, filled=False)
    assert CHECKED == [{"width": 3, "height": None, "filled": False}]
    assert [type(value) for value in CHECKED[0].values()] == [
        int,
        type(None),
        bool,
    ]  # checked as they were given
    assert repr(sizes) == "Sizes(width=3.0, height=None, filled=False)"
    assert str(inspect.signature(Sizes)).startswith("(*, width: 'float' = 1.0, height: ")
    with pytest.raises(TypeError, match="unexpected keyword argument 'depth'"):
        Sizes(depth=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="too many positional arguments"):
        Sizes(1)  # type: ignore[misc]


def test_what_the_check_refuses_is_not_made() -> None:
    def refuse(_: Any) -> None:
        raise OptionError("no")

    class Refused(Options, check=refuse):
        """Never made."""

        width: float = 1.0

    with pytest.raises(OptionError, match=r"^no$"):
        Refused()
