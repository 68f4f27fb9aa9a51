"""Events from Azure, and rows to it: Log Analytics, Application Insights and Azure Data Explorer.

Needs the extra `azure` (the SDKs of Azure Monitor, Azure Data Explorer and azure-identity). `etl` does the
whole way: read, aggregate, write.
"""

from __future__ import annotations

from watchspan.azure.checkpoints import Checkpoint
from watchspan.azure.etl import Summary, etl
from watchspan.azure.failures import ServiceError, SliceError, UnfinishedUploadError
from watchspan.azure.kusto import read_kusto, write_kusto
from watchspan.azure.log_analytics import read_log_analytics, write_log_analytics
from watchspan.azure.places import DataExplorer, LogAnalytics
from watchspan.azure.reading import ReadCounts
from watchspan.azure.records import create_table_commands, log_analytics_columns
from watchspan.azure.uploads import Written

__all__ = [
    "Checkpoint",
    "DataExplorer",
    "LogAnalytics",
    "ReadCounts",
    "ServiceError",
    "SliceError",
    "Summary",
    "UnfinishedUploadError",
    "Written",
    "create_table_commands",
    "etl",
    "log_analytics_columns",
    "read_kusto",
    "read_log_analytics",
    "write_kusto",
    "write_log_analytics",
]
