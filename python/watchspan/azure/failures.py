"""What can go wrong between us and a service of Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchspan.errors import SourceError

if TYPE_CHECKING:
    from watchspan.azure.checkpoints import Checkpoint

__all__ = ["ServiceError", "SliceError", "UnfinishedUploadError"]


class ServiceError(SourceError):
    """A service refused a request or did not answer; the message holds its words."""


class SliceError(ServiceError):
    """A part of the window cannot be read whole, and is too short to be cut in two."""


class UnfinishedUploadError(ServiceError):
    """An upload stopped on the way. What was sent stays there.

    Attributes:
        checkpoint: Where to go on: pass it as `resume`, with the same rows.
    """

    def __init__(self, message: str, checkpoint: Checkpoint) -> None:
        super().__init__(message)
        self.checkpoint = checkpoint

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.checkpoint)
