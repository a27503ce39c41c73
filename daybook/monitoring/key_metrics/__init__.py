"""The key metrics of each table and week: failed runs, SLA attainment, time to recovery, freshness.

Weeks are ISO weeks in UTC, from Monday to Monday, whatever the tables' time zones: one week for all of them, so that
their figures add up. What each metric means, its formula and its source: docs/key-metrics.md.
"""

from daybook.model.interval_grid import Grid

#: The weeks that everything here is counted by.
WEEKS = Grid("week", "UTC")
