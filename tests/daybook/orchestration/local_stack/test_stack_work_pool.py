"""The job template of the local stack's work pool."""

import json
import shlex

from prefect.workers.process import ProcessWorker

from daybook.garbage import _NEW_OBJECTS
from daybook.orchestration.local_stack.stack import JOB_TEMPLATE


def test_the_job_template_is_prefects_own_but_for_the_command() -> None:
    template = json.loads(JOB_TEMPLATE.read_text(encoding="utf-8"))
    command = template["variables"]["properties"]["command"]
    program, option, code = shlex.split(command["default"])
    assert (program, option) == ("python", "-c")
    assert 'run_module("prefect.engine", run_name="__main__"' in code and f"gc.set_threshold({_NEW_OBJECTS})" in code
    command["default"] = None
    assert template == ProcessWorker.get_default_base_job_template()
