"""`python -m benchmarks.way_sling`: load with Sling's program, which the package sling-linux-amd64 brings along.

Newer versions are downloaded from GitHub at their first run.
"""

import json
import os
import subprocess
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote

from benchmarks.way_job import Job, database, password, read_job, server


def main() -> None:
    """Load the job of standard input."""
    from sling_linux_amd64 import SLING_BIN as program  # type: ignore[import-not-found]

    job = read_job()
    folder = Path(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    replication = folder / "replication.json"  # JSON is YAML, too
    replication.write_text(json.dumps(_replication(job)), encoding="utf-8")
    environment = {
        **os.environ,
        "SOURCE": _connection(job.source),
        "WAREHOUSE": _connection(job.warehouse),
        "SLING_HOME_DIR": str(folder),
        "SLING_DISABLE_TELEMETRY": "true",
        "SLING_LOGGING": "NO_COLOR",
    }
    # Its log goes to standard error, and the legs are unknown
    command = [program, "run", "--replication", str(replication)]
    subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=True)
    print("{}")


def _replication(job: Job) -> object:
    source = database(job.source) if job.source.startswith("mysql") else "public"
    if job.tables:
        options = {"table_keys": {"primary": ["id"]}}
        every = {"mode": "full-refresh", "object": f"{job.schema}.{{stream_table}}", "target_options": options}
        streams: dict[str, object] = {f"{source}.{name}": {} for name in job.tables}
        return {"source": "SOURCE", "target": "WAREHOUSE", "defaults": every, "streams": streams}
    keys = {"primary": ["id"], "index": ["created_at"]}
    stream: dict[str, object] = {
        "select": list(job.columns),
        "object": job.target,
        "target_options": {"table_keys": keys},
    }
    if job.day is None:
        stream |= {"mode": "full-refresh"}
    else:
        last = date.fromisoformat(job.day) + timedelta(days=job.days - 1)
        stream |= {
            "mode": "backfill",
            "primary_key": ["id"],
            "update_key": "created_at",
            # inclusive at both ends
            "source_options": {"range": f"{job.day},{last} 23:59:59"},
        }
    return {"source": "SOURCE", "target": "WAREHOUSE", "streams": {f"{source}.{job.from_table}": stream}}


def _connection(address: str) -> str:
    url = server(address)
    kind = "mariadb" if url.scheme.startswith("mysql") else "postgres"
    fields = {
        "type": kind,
        "host": url.hostname,
        "port": url.port,
        "user": unquote(url.username or ""),
        "password": password(address),
        "database": database(address),
    }
    return json.dumps(fields | ({"sslmode": "disable"} if kind == "postgres" else {}))


if __name__ == "__main__":
    main()
