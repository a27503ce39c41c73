"""Find out which cluster it is: version, nodes, isolation level, case sensitivity, region."""

import re

from daybook.audit.verdict import Verdict
from daybook.extras import extra
from daybook.sql.database_error import DatabaseError
from daybook.strategies.registry import WHOLE_TABLE
from daybook.verify.registry import NotChecked, Unexpected, check
from daybook.verify.workbench import Workbench

_HOST = re.compile(r"([\w-]+)\.[\w-]+\.([\w-]+)\.redshift(-serverless)?\.amazonaws\.com(?:\.cn)?")


@check("cluster: version", page="dg/r_VERSION.html")
def version(bench: Workbench) -> str:
    """Return the version of Redshift."""
    found: str = bench.one("SELECT version()")
    return found.rpartition(", ")[2]


@check("cluster: slices", page="dg/r_STV_SLICES.html")
def slices(bench: Workbench) -> str:
    """Return the number of nodes and slices."""
    nodes, count = _asked(bench, "SELECT count(DISTINCT node), count(*) FROM stv_slices")[0]
    return f"{count} slices on {nodes} nodes"


@check("cluster: nodes", page="mgmt/working-with-clusters.html")
def nodes(bench: Workbench) -> str:
    """Ask AWS for the type of the nodes, or for the capacity of a Serverless work group."""
    host = _HOST.fullmatch(bench.host)
    if host is None:
        raise NotChecked(f"{bench.host} is not an address of AWS, so its API does not know the nodes")
    name, region, serverless = host.groups()
    with extra("s3"):
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    try:
        if serverless:
            group = boto3.client("redshift-serverless", region_name=region).get_workgroup(workgroupName=name)
            return f"Serverless, base capacity {group['workgroup']['baseCapacity']} RPU, in {region}"
        found = boto3.client("redshift", region_name=region).describe_clusters(ClusterIdentifier=name)["Clusters"][0]
        return f"{found['NumberOfNodes']} x {found['NodeType']}, in {region}"
    except (BotoCoreError, ClientError) as error:
        needed = "redshift-serverless:GetWorkgroup" if serverless else "redshift:DescribeClusters"
        raise NotChecked(f"AWS did not answer ({type(error).__name__}): allow {needed} for these credentials") from None


@check("cluster: isolation level", page="dg/r_SVV_REDSHIFT_DATABASES.html")
def isolation_level(bench: Workbench) -> str:
    """Return the isolation level of the database."""
    rows = _asked(
        bench, "SELECT database_isolation_level FROM svv_redshift_databases WHERE database_name = current_database()"
    )
    if not rows:
        raise NotChecked("svv_redshift_databases has no row for this database that this user may see")
    return str(rows[0][0]).strip()


@check(
    "cluster: case-sensitive names",
    page="dg/r_enable_case_sensitive_identifier.html",
    expects="a table with a name in mixed case in its columns loads twice, and is equal by the audit",
)
def case_sensitivity(bench: Workbench) -> str:
    """Load such a table, and return how the cluster keeps its name."""
    bench.make("mixed_case", '"MixedCase" int', "n", 3)
    table = bench.table("mixed_case", WHOLE_TABLE.name)
    for _ in range(2):
        bench.load(table)
    if any(one.verdict is not Verdict.EQUAL for one in bench.audit_whole(table)):
        raise Unexpected("the audit's checksums differ")
    with bench.warehouse.session() as session:
        names = list(bench.warehouse.existing_columns(session, table.name))
    return f'the column "MixedCase" is kept as {names[-1]}'


@check("cluster: regions", page="dg/copy-parameters-data-source-s3.html")
def regions(bench: Workbench) -> str:
    """Return the regions of the cluster and of the bucket. COPY gets the bucket's region."""
    host = _HOST.fullmatch(bench.host)
    if host is None:
        raise NotChecked(f"{bench.host} is not an address of AWS, so the cluster's region is unknown")
    return f"the cluster is in {host[2]}, the bucket in {bench.stage.region() or 'an unknown region'}"


def _asked(bench: Workbench, sql: str) -> list[tuple[object, ...]]:
    """Return the rows of a system table.

    Raises:
        NotChecked: this server does not have it, or the user may not read it.
    """
    try:
        return bench.run(sql)
    except DatabaseError as error:
        raise NotChecked(error.message) from error
