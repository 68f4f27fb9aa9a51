"""The class for jobs and notebooks: tables in, a table out, kept current day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pyspark.sql import DataFrame, SparkSession

from watchspan import arguments
from watchspan.columns import Place
from watchspan.errors import OptionError
from watchspan.instants import Instant
from watchspan.presets import Preset
from watchspan.refresh import PROCESSED_AT, Refreshed
from watchspan.refresh.partitions import partition_columns
from watchspan.refresh.windows import window
from watchspan.rules import Rules, Scoring
from watchspan.spark import changes, streaming
from watchspan.spark.functions import aggregate_events, partition_count
from watchspan.spark.kept import KeptTables, told_by
from watchspan.spark.names import read_table
from watchspan.spark.old_calls import OldCalls, renamed
from watchspan.spark.options import CallOptions, unique_seconds
from watchspan.spark.saving import save
from watchspan.spark.schemas import data_frame
from watchspan.spark.summary import summarize
from watchspan.table_names import table_name

_MODES = ("overwrite", "append", "merge")


class VideoEngagementAggregator(OldCalls):
    """Reads raw player events from a table, and writes one row per user and video into another.

    `update` is for daily work: it keeps the output table equal to a full run over all events, whatever
    arrives late, twice or across midnight. Beside the output table it keeps `<output>_sessions`, from which
    everything else follows, and `<output>_pending`, which is empty unless a run was stopped; on serverless
    compute there are working tables too, `<output>_work_...`, which are empty between runs.
    `run_aggregation` and `save_results` compute and write whole results.

    Example:
        >>> aggregator = VideoEngagementAggregator(  # doctest: +SKIP
        ...     input_table="raw", output_table="engagement", video_metadata_table="videos"
        ... )
        >>> aggregator.update("2026-01-15", "2026-01-16")  # doctest: +SKIP
    """

    def __init__(
        self,
        spark: SparkSession | None = None,
        input_table: str | DataFrame | None = None,
        output_table: str | None = None,
        video_metadata_table: str | DataFrame | None = None,
        *,
        preset: Preset = None,
        columns: Mapping[str, Place] | None = None,
        vocabulary: str | Mapping[str, str] | None = None,
        rules: Rules | None = None,
        scoring: Scoring | None = None,
        partitions: int | None = None,
        cluster: bool = False,
    ) -> None:
        """An aggregator; nothing is read before it is asked to work.

        Args:
            spark: The session; None: the active one, or a new one.
            input_table: The raw events: the name of a table or view, the path of a Delta table, or a
                DataFrame.
            output_table: The engagement table: a name, or the path of a Delta table.
            video_metadata_table: Durations and titles, in the forms of `input_table`. None: no duration is
                known, so it is estimated.
            preset: As for `watchspan.aggregate`: the events are raw records of that source.
            columns: Default column name -> its name in your tables, or where it is in them, as for
                `aggregate_events`; for every call that is given no other.
            vocabulary: The name of a preset, or a mapping event name -> kind; for every call, likewise.
            rules: The thresholds; for every call, likewise.
            scoring: The weights of the score; for every call, likewise.
            partitions: Into how many partitions to shuffle events. None: Spark decides.
            cluster: Whether `update` makes new tables clustered by user and video (liquid clustering, from
                Delta 3.1 on). It makes large tables cheaper to update, and only newer readers can write them.

        Raises:
            OptionError: If an argument has a value that is not accepted.
        """
        self.spark = spark or SparkSession.getActiveSession() or SparkSession.builder.getOrCreate()
        self.input_table = input_table
        self.output_table = output_table
        self.video_metadata_table = video_metadata_table
        self._own = CallOptions.of(columns, vocabulary, rules, scoring, preset)
        self._partitions = partition_count(partitions)
        self._cluster = arguments.switch_argument("cluster", cluster)
        if output_table is not None:
            self._kept().output()
        for option, value in (("input_table", input_table), ("video_metadata_table", video_metadata_table)):
            if isinstance(value, str):
                table_name(option, value)

    @renamed("use_efficient_method", None, "leave it out, there is one method")
    @told_by
    def run_aggregation(
        self,
        start_date: Instant = None,
        end_date: Instant = None,
        calculate_unique_seconds: bool = True,
        *,
        rules: Rules | None = None,
        scoring: Scoring | None = None,
        columns: Mapping[str, Place] | None = None,
        vocabulary: str | Mapping[str, str] | None = None,
    ) -> DataFrame:
        """Computes one row per user and video from the events of a window alone. Lazy.

        Args:
            start_date: The first instant: a date or datetime, or ISO 8601 text of one; UTC unless it has an
                offset. None: from the first event on.
            end_date: The first instant after the window, so a day ends with the next one. None: to the last.
            calculate_unique_seconds: Whether to compute what was watched at least once.
            rules: The thresholds; None: those of the aggregator.
            scoring: The weights of the score; None: those of the aggregator.
            columns: Names in the tables; None: those of the aggregator.
            vocabulary: Meanings of event names; None: those of the aggregator.

        Returns:
            The engagement table, as `aggregate_events` returns it. A window cuts the sessions that cross its
            ends; `update` does not.

        Raises:
            WatchspanError: As `aggregate_events` does; `SourceError` if a table is not there.
        """
        options = CallOptions.of(columns, vocabulary, rules, scoring).over(self._own)
        kept = self._kept(options)
        return aggregate_events(
            changes.within(kept.events(self.spark), options.names, window(start_date, end_date)),
            videos=kept.videos(self.spark),
            columns=options.names,
            vocabulary=options.vocabulary,
            rules=options.rules,
            scoring=options.scoring,
            unique_seconds=calculate_unique_seconds,
            partitions=self._partitions,
        )

    @renamed("df", "result", "save_results(result=...)")
    @told_by
    def save_results(
        self,
        result: DataFrame,
        mode: Literal["overwrite", "append", "merge"] = "overwrite",
        partition_by: str | Sequence[str] | None = None,
    ) -> None:
        """Writes rows of `run_aggregation` into the output table, a Delta table, with `processedAt`.

        `overwrite` with a result over all events is exact. The other two are for those who ask for them:

        * `append` adds the rows. Who appends every day gets one row per user, video **and day**: unique
          seconds, completions and scores cannot be added up from those, and a repeated run counts twice.
        * `merge` replaces the rows of the same user and video and adds the others. The result of one day then
          takes the place of all that was known of a pair before.

        Both cut sessions at the ends of the window, and neither sees late events. `update` does it right.

        Args:
            result: The rows. Columns that the table lacks are added.
            mode: How to write.
            partition_by: Columns to partition a table by that does not exist yet or is overwritten.

        Raises:
            OptionError: If an argument has a value that is not accepted.
            SourceError: If the output table is one that `update` keeps.
        """
        if mode not in _MODES:
            raise OptionError(f"mode is {mode!r}, but one of {', '.join(map(repr, _MODES))} is needed.")
        rows = data_frame("result", result)
        by = partition_columns(partition_by, [*rows.columns, PROCESSED_AT])
        save(self.spark, rows, self._kept().output(), mode, by)

    @renamed("df", "result", "generate_summary_stats(result=...)")
    @told_by
    def generate_summary_stats(self, result: DataFrame | None = None, top: int = 10) -> dict[str, Any]:
        """Sums engagement rows up.

        Args:
            result: The rows, which are computed twice unless they are a table; None: the output table.
            top: How many videos to list.

        Returns:
            The dict of `watchspan.summarize`: `completion_rate`, `tiers`, `flags`, `watch_time_seconds`,
            `top_videos`, `negative_watch_time` (anything but 0 is a fault) and more.

        Raises:
            MissingColumnError: If they are no engagement rows.
        """
        count = arguments.whole_number("top", top, "an integer of at least 0", least=0)
        if result is None:
            self._kept().output()
            return summarize(read_table(self.spark, "output_table", str(self.output_table)), count)
        return summarize(data_frame("result", result), count)

    @told_by
    def update(
        self,
        start_date: Instant = None,
        end_date: Instant = None,
        changed_by: str | None = None,
        allow_shrink: bool = False,
        check_videos: bool = True,
        *,
        retention_table: bool = False,
        calculate_unique_seconds: bool | None = None,
        rules: Rules | None = None,
        scoring: Scoring | None = None,
        columns: Mapping[str, Place] | None = None,
        vocabulary: str | Mapping[str, str] | None = None,
    ) -> Refreshed:
        """Brings the output table up to date with the events of a window; the first call makes the tables.

        The output table then equals a full run over all events that any update has seen. Updates may come in
        any order and be repeated; one that was stopped is mended by the next. Let one job at a time write.

        Args:
            start_date: As for `run_aggregation`. A session that crosses an end of the window is whole as
                soon as the windows on both sides were updated.
            end_date: As for `run_aggregation`.
            changed_by: The column of the events that says when they arrived, a timestamp or date: the window
                is then one of arrival, and no late event waits. None: it is one of the events' own time, and
                an event that arrives after its day was processed waits until that day is updated again.
            allow_shrink: Whether sessions of which fewer events are found than they were made from are
                written all the same. Else they are left as they are, and the result counts them.
            check_videos: Whether changed durations and titles of all videos are looked for, which reads a few
                columns of the whole output table.
            retention_table: Whether to keep `<output_table>_retention` too: what `watchspan.retention` of all
                rows with a duration gives. Once it is there, every update keeps it, also without this.
            calculate_unique_seconds: As for `run_aggregation`; None: as the tables were made.
            rules: The thresholds; None: those of the aggregator, or those that the tables were made with.
            scoring: The weights of the score; None: likewise.
            columns: As for `run_aggregation`.
            vocabulary: As for `rules`.

        Returns:
            What was done.

        Raises:
            OptionError: If an option differs from what the tables were made with, or is not accepted.
            SourceError: If a table is not there, or others keep writing to the output.
            WatchspanError: As `aggregate_events` does.
        """
        options = CallOptions.of(columns, vocabulary, rules, scoring).over(self._own)
        return self._kept(options).refresh(
            self.spark,
            window(start_date, end_date, changed_by),
            unique_seconds=unique_seconds(calculate_unique_seconds),
            allow_shrink=arguments.switch_argument("allow_shrink", allow_shrink),
            check_videos=arguments.switch_argument("check_videos", check_videos),
            retention_table=arguments.switch_argument("retention_table", retention_table),
        )

    @told_by
    def rescore(
        self,
        scoring: Scoring | None = None,
        rules: Rules | None = None,
        *,
        calculate_unique_seconds: bool | None = None,
        check_videos: bool = True,
        columns: Mapping[str, Place] | None = None,
    ) -> Refreshed:
        """Computes the output table again from the sessions table, without the events.

        Args:
            scoring: The new weights of the score; None: as they are.
            rules: The new thresholds, of which only those that do not shape sessions may differ; None: as
                they are.
            calculate_unique_seconds: None: as it is.
            check_videos: As for `update`.
            columns: Names in the table of videos.

        Raises:
            OptionError: If a rule that shapes sessions differs.
            SourceError: If there are no tables that `update` made.
        """
        # What the aggregator was made with may be older than what the tables have.
        options = CallOptions.of(columns, None, rules, scoring).over(CallOptions(self._own.columns))
        return self._kept(options).rescore(
            self.spark,
            unique_seconds=unique_seconds(calculate_unique_seconds),
            check_videos=arguments.switch_argument("check_videos", check_videos),
        )

    @told_by
    def delete_user(
        self,
        user_id: str | int,
        *,
        check_videos: bool = True,
        columns: Mapping[str, Place] | None = None,
    ) -> Refreshed:
        """Deletes a user from all tables, and computes again what depended on them, such as estimates.

        The raw events are not touched: delete them first, or the next update over them brings the user back.
        What was deleted stays in the tables' history until VACUUM.

        Args:
            user_id: The user.
            check_videos: As for `update`.
            columns: Names in the table of videos.

        Raises:
            OptionError: If `user_id` is not what user ids in the tables are.
            SourceError: If there are no tables that `update` made.
        """
        options = CallOptions.of(columns, None, None, None).over(CallOptions(self._own.columns))
        check = arguments.switch_argument("check_videos", check_videos)
        return self._kept(options).delete_user(self.spark, user_id, check_videos=check)

    @told_by
    def start_stream(
        self,
        checkpoint: str,
        trigger: str | Mapping[str, Any] | None = None,
        *,
        allow_shrink: bool = False,
        check_videos: bool = True,
        options: Mapping[str, str] | None = None,
    ) -> Any:
        """Keeps the output table current with what is added to the raw Delta table, as `update` does.

        Every batch goes through the same refresh, so a batch that is repeated after a stop changes nothing,
        and late events do not wait. The raw events of the sessions concerned are read again from the table.

        Args:
            checkpoint: Where the stream remembers how far it is.
            trigger: When to look for new events. None or "availableNow": now, until all are processed, then
                stop (all that serverless compute allows). Other text: how often, such as "5 minutes". Or
                arguments of `DataStreamWriter.trigger`, such as {"processingTime": "5 minutes"}.
            allow_shrink: As for `update`.
            check_videos: As for `update`.
            options: Options of the source, such as {"skipChangeCommits": "true"} where rows of the raw table
                are also deleted.

        Returns:
            The running query. It holds nothing of this object: `query.awaitTermination()` waits for it.

        Raises:
            OptionError: If the tables are not given by name or path, or an argument is not accepted.
            SourceError: If a table is not there.
        """
        kept = self._kept()
        kept.output()
        kept.events(self.spark)
        kept.videos(self.spark)
        switches = {
            "allow_shrink": arguments.switch_argument("allow_shrink", allow_shrink),
            "check_videos": arguments.switch_argument("check_videos", check_videos),
        }
        return streaming.start(self.spark, kept, switches, checkpoint, trigger, options)

    @told_by
    def refresh_with(
        self, changed: DataFrame, *, allow_shrink: bool = False, check_videos: bool = True
    ) -> Refreshed:
        """Brings the output table up to date with these changed events, as `update` does with a window.

        For a `foreachBatch` of your own: the input table must hold the batch's events already.

        Args:
            changed: The events that changed, with the columns of the input table.
            allow_shrink: As for `update`.
            check_videos: As for `update`.

        Raises:
            WatchspanError: As `update` does.
        """
        return self._kept().refresh(
            self.spark,
            data_frame("changed", changed),
            unique_seconds=None,
            allow_shrink=arguments.switch_argument("allow_shrink", allow_shrink),
            check_videos=arguments.switch_argument("check_videos", check_videos),
        )

    def _kept(self, options: CallOptions | None = None) -> KeptTables:
        """What keeps the tables, with these options or those of the aggregator."""
        return KeptTables(
            self.input_table,
            self.output_table,
            self.video_metadata_table,
            self._own if options is None else options,
            self._partitions,
            self._cluster,
        )
