"""The key metrics of each table and week: failed runs, SLA attainment, time to recovery, freshness.

Weeks are ISO weeks in UTC, from Monday to Monday, regardless of the tables' time zones. All tables have the same
weeks, so their figures add up. docs/guides/key-metrics.md has the meaning, the formula and the source of each metric.
"""

from daybook.model.interval_grid import Grid

#: The weeks of all metrics.
WEEKS = Grid("week", "UTC")
