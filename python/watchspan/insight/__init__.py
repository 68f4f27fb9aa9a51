"""What rows come to: totals, days, cohorts, segments and completion, as tables."""
