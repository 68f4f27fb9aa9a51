"""The tables of Application Insights, and what their columns are called."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LAYOUTS", "Layout"]


@dataclass(frozen=True)
class Layout:
    """What the columns of a table of Application Insights are called.

    Attributes:
        table: The table.
        time: When the event happened, by the client's clock.
        name: The event's name.
        session: The browser session.
        signed_in: The id of a user who is signed in.
        anonymous: The id of a browser.
        count: How many events the row stands for.
        properties: The event's own values, all text.
        measurements: The event's own numbers.
        others: Further columns that may be mapped to.
    """

    table: str
    time: str
    name: str
    session: str
    signed_in: str
    anonymous: str
    count: str
    properties: str
    measurements: str
    others: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that may be mapped to."""
        own = (self.time, self.name, self.session, self.signed_in, self.anonymous)
        return (*own, *self.others)


LAYOUTS = {
    "AppEvents": Layout(
        table="AppEvents",
        time="TimeGenerated",
        name="Name",
        session="SessionId",
        signed_in="UserAuthenticatedId",
        anonymous="UserId",
        count="ItemCount",
        properties="Properties",
        measurements="Measurements",
        others=("OperationId", "OperationName", "ParentId", "UserAccountId", "AppRoleName", "AppVersion"),
    ),
    "customEvents": Layout(
        table="customEvents",
        time="timestamp",
        name="name",
        session="session_Id",
        signed_in="user_AuthenticatedId",
        anonymous="user_Id",
        count="itemCount",
        properties="customDimensions",
        measurements="customMeasurements",
        others=(
            "itemId", "operation_Id", "operation_Name", "operation_ParentId", "user_AccountId",
            "cloud_RoleName", "application_Version",
        ),
    ),
}  # fmt: skip
