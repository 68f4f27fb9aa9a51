"""What `Rules` and `Scoring` have in common. Which options they have is in `watchspan.rules`."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any, Callable, ClassVar, TypeVar

from watchspan import _core

if TYPE_CHECKING:  # only checkers of types know it everywhere; Python itself has it since 3.11
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: Any) -> Callable[[type], type]:
        """Nothing at run time."""
        return lambda kind: kind


Some = TypeVar("Some", bound="Options")


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Options:
    """A frozen, keyword-only dataclass of options, which `check` has accepted.

    A subclass names its check and has its options as fields with defaults: `class Rules(Options, check=...)`.
    Numbers, also those of other libraries, become floats; where the default is True or False, booleans.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
    _check: ClassVar[Callable[[Any], None]]

    def __init_subclass__(cls, check: Callable[[Any], None] | None = None) -> None:
        """Makes a subclass with a `check` a dataclass."""
        if check is None:
            return
        # dataclass(kw_only=True) needs Python 3.10, so __init__ is the one below.
        dataclasses.dataclass(frozen=True, init=False)(cls)
        cls._check = staticmethod(check)
        cls.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type
                )
                for f in dataclasses.fields(cls)
            ]
        )

    def __init__(self, *positional: Any, **given: Any) -> None:
        options = inspect.signature(type(self)).bind(*positional, **given)
        options.apply_defaults()
        for name, value in options.arguments.items():
            object.__setattr__(self, name, value)
        type(self)._check(self)
        for name, value in options.arguments.items():
            kind = bool if isinstance(getattr(type(self), name), bool) else float
            object.__setattr__(self, name, None if value is None else kind(value))


class ScoringPresets(Options):
    """The presets of `watchspan.Scoring`."""

    @classmethod
    def additive(cls: type[Some]) -> Some:
        """The preset that adds up what happened, without a duration.

        It counts minutes watched, completions and sessions, less skips; the score has no bounds.

        >>> from watchspan import Scoring
        >>> Scoring.additive().completions
        50.0
        """
        return cls(**_core.additive_scoring())
