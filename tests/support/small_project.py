"""A project of the tests' own: the library needs none of this repository's tables."""

from collections.abc import Mapping
from pathlib import Path

import pytest

NPS = """\
description: One row per answer.
owner: data-team
source: {kind: database, block: production, table: prod.nps}
key: [id]
cursor: created_at
interval: day
start: 2021-02-05
load: upsert
due: "10:00"
columns: {id: bigint, created_at: timestamp, score: smallint}
checks:
  - {sql: "select count(*) from {table} where score not between 0 and 10", equals: 0}
"""
SESSIONS = """\
description: One row per session.
owner: web
source: {kind: database, block: production, table: prod.user_session_channel}
load: replace
"""
SUMMARY = "description: One row per day.\nowner: analytics\nkey: [day]\n"
#: The files below `tables/`. Two summaries read raw_data.nps, one through the other. A third reads the sessions.
FILES = {
    "raw_data/nps.yaml": NPS,
    "raw_data/user_session_channel.yaml": SESSIONS,
    "analytics/nps_summary.yaml": SUMMARY + 'due: "14:00"\n',
    "analytics/nps_summary.sql": "select created_at::date as day, count(*) as answers from raw_data.nps group by 1\n",
    "analytics/nps_rolling.yaml": SUMMARY,
    "analytics/nps_rolling.sql": "select day, sum(answers) over (order by day) as answers from analytics.nps_summary\n",
    "analytics/ab_test_report.yaml": SUMMARY,
    "analytics/ab_test_report.sql": "select 1 as day from raw_data.user_session_channel\n",
}
#: The entries of prefect.yaml for raw_data.nps. Their flow is tests/support/nps_flow.py.
DEPLOYMENTS = """\
  - name: daily
    entrypoint: flows/nps.py:nps
    description: Load yesterday's answers into raw_data.nps.
    tags: [daybook, raw_data.nps]
    work_pool: *work_pool
    concurrency_limit: *one_at_a_time
    schedules:
      - {slug: daily, cron: "0 9 * * *", timezone: UTC}

  - name: full-refresh
    entrypoint: flows/nps.py:nps
    description: Reload all of raw_data.nps.
    tags: [daybook, raw_data.nps]
    parameters: {full_refresh: true}
    work_pool: *work_pool
    concurrency_limit: *one_at_a_time

"""


def write_project(root: Path, files: Mapping[str, str]) -> Path:
    """Write the files below `tables/` of the folder `root`, and return `root`."""
    for path, text in files.items():
        file = root / "tables" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def small_project(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the files into a folder, make it the current project, and return it."""
    root = write_project(tmp_path_factory.mktemp("small"), FILES)
    monkeypatch.setenv("DAYBOOK_PROJECT", str(root))
    return root
