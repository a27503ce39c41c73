"""The job template of the local stack's work pool."""

import json

from prefect.workers.process import ProcessWorker

from daybook.orchestration.local_stack.stack import JOB_TEMPLATE


def test_the_job_template_is_prefects_own_but_for_the_command() -> None:
    template = json.loads(JOB_TEMPLATE.read_text(encoding="utf-8"))
    command = template["variables"]["properties"]["command"]
    assert command["default"] == "python -m prefect.engine"
    command["default"] = None
    assert template == ProcessWorker.get_default_base_job_template()
