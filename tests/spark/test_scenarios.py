"""Every story of ``tests/scenarios`` through Spark."""

import pytest
from pyspark.sql import SparkSession

from support.scenarios import FILES, Scenario, load_scenario
from support.spark_stories import assert_stories, story_groups

GROUPS = story_groups()


def test_every_story_is_in_a_group() -> None:
    names = sorted(story.name for group in GROUPS for story in group)
    assert names == sorted(load_scenario(path).name for path in FILES)


@pytest.mark.parametrize("stories", GROUPS, ids=lambda stories: f"{stories[0].name}+{len(stories) - 1}")
def test_stories(spark: SparkSession, stories: list[Scenario]) -> None:
    assert_stories(spark, stories)
