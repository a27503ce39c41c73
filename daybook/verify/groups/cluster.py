"""Find out which cluster it is: version, nodes, isolation level, case sensitivity, region."""

import re

from daybook.extras import extra
from daybook.sql.database_error import DatabaseError
from daybook.verify.registry import NotChecked, check
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


@check("cluster: isolation level", page="dg/r_STV_DB_ISOLATION_LEVEL.html")
def isolation_level(bench: Workbench) -> str:
    """Return the isolation level of the database."""
    rows = _asked(
        bench, "SELECT trim(isolation_level) FROM stv_db_isolation_level WHERE trim(db_name) = current_database()"
    )
    if not rows:
        raise NotChecked("stv_db_isolation_level has no row for this database that this user may see")
    return str(rows[0][0])


@check("cluster: case-sensitive names", page="dg/r_enable_case_sensitive_identifier.html")
def case_sensitivity(bench: Workbench) -> str:
    """Return the setting, and how a quoted name with capital letters is kept."""
    bench.run('CREATE TABLE "{s}"."CaseOfNames" (id int)')
    kept = bench.one(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND lower(c.relname) = 'caseofnames'",
        (bench.schema,),
    )
    return f'a table that is created as "CaseOfNames" is kept as {kept}'


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
