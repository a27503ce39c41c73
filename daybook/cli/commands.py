"""The subcommands of `daybook`, in the order and the groups in which `daybook --help` lists them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A subcommand: its name, its line in `daybook --help`, and its target as `module:name`.

    The target is a flow or a function. The parameters of a flow become the subcommand's arguments. A function takes the
    arguments and the name to show in its usage, and returns the exit code.
    """

    name: str
    summary: str
    target: str
    has_targets: bool = True
    """False if it ignores DAYBOOK_TARGET, because it uses this machine alone."""

    @property
    def is_flow(self) -> bool:
        """Return True if the target is a flow, judged by its name alone: importing it takes seconds."""
        module, _, name = self.target.partition(":")
        return module == f"daybook.flows.{name}"


GROUPS = {
    "Your project": (
        Command("init", "make a project of your own: its folder, files and checks", "daybook.cli.project.init:main"),
        Command("validate", "check the project's files, without a connection", "daybook.cli.project.validate:main"),
        Command("diff", "show what deploying this checkout would change", "daybook.cli.project.diff:main"),
        Command("upgrade", "bring project and warehouse to the installed release", "daybook.cli.project.upgrade:main"),
    ),
    "Load tables": (
        Command("load", "load an interval, a range or all of a table", "daybook.flows.load_table:load_table"),
        Command("load-tables", "load many tables in one run", "daybook.flows.load:load"),
        Command(
            "backfill", "load missing, failed or differing intervals of a range", "daybook.flows.backfill:backfill"
        ),
        Command("catch-up", "load all missing intervals of every table", "daybook.flows.catch_up:catch_up"),
        Command("nps", "load raw_data.nps", "daybook.flows.nps:nps"),
        Command(
            "stock-symbols", "load stock prices into raw_data.stock_info", "daybook.flows.stock_symbols:stock_symbols"
        ),
    ),
    "Build and export": (
        Command("summaries", "build the summaries whose inputs have changed", "daybook.flows.summaries:summaries"),
        Command("summary", "check, preview, test or build one summary", "daybook.cli.summary:main"),
        Command("dbt-build", "build a dbt project once its tables are loaded", "daybook.flows.dbt_build:dbt_build"),
        Command(
            "export-sheet",
            "write a table or a query result to a Google sheet",
            "daybook.flows.export_sheet:export_sheet",
        ),
    ),
    "Audit and monitor": (
        Command("reconcile", "compare a table with its source, and repair it", "daybook.flows.reconcile:reconcile"),
        Command("monitor", "notify owners of failures, late tables and recoveries", "daybook.flows.monitor:main"),
        Command(
            "key-metrics", "report SLA attainment and time to recovery by week", "daybook.flows.key_metrics:key_metrics"
        ),
        Command("prometheus", "serve the state of every table to Prometheus", "daybook.cli.prometheus:main"),
    ),
    "Manage tables": (
        Command("tables", "list tables with their state, schedule and owner", "daybook.cli.tables.list:main"),
        Command("reset", "delete a table's rows and start its ledger again", "daybook.cli.tables.reset:main"),
        Command("rename", "rename a table, with its history and file", "daybook.cli.tables.rename:main"),
        Command("stage", "delete what old loads left on the stage", "daybook.cli.tables.stage_clean:main"),
        Command("clone", "load the last days of tables into another target", "daybook.cli.tables.clone:main"),
        Command("remove", "stop loading a table; keep, archive or drop it", "daybook.cli.tables.remove:main"),
    ),
    "Describe tables": (
        Command("describe", "write table files from tables of a database", "daybook.cli.describe:main"),
        Command("layout", "compare distribution and sort keys with the files", "daybook.cli.layout:main"),
        Command("schemas", "write the JSON Schemas of the project's files", "daybook.cli.schemas:main"),
    ),
    "Set up Prefect": (
        Command(
            "deploy", "create, update and remove the deployments of the table files", "daybook.cli.project.deploy:main"
        ),
        Command("doctor", "check servers, credentials, privileges and versions", "daybook.cli.project.doctor:main"),
        Command("blocks", "create the Prefect blocks from environment variables", "daybook.cli.blocks:main"),
        Command(
            "automations",
            "create the automations of deployments/automations.yaml",
            "daybook.cli.automations:main",
        ),
    ),
    "Your shell": (
        Command("completion", "complete commands, options and tables in a shell", "daybook.cli.completion:main"),
    ),
    "Leave": (
        Command("uninstall", "remove what Daybook made on the Prefect server", "daybook.cli.tables.uninstall:main"),
    ),
    "Check a Redshift cluster": (
        Command(
            "verify-redshift",
            "check that a cluster behaves as Daybook expects",
            "daybook.cli.verify_redshift:main",
        ),
    ),
    "Run it on this machine": (
        Command(
            "demo", "start the local stack, load nps, show the result", "daybook.cli.stack:demo", has_targets=False
        ),
        Command("stack", "start, stop or list the local stack", "daybook.cli.stack:main", has_targets=False),
    ),
}

COMMANDS = {command.name: command for group in GROUPS.values() for command in group}
