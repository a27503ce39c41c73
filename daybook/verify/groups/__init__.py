"""The checks of a cluster, in one module per topic."""

#: The topics, in the order of the report: first what all others need, last what takes longest.
TOPICS = (
    *("access", "cluster", "types", "strings", "files", "strategies", "summaries", "audits", "grants", "layouts"),
    *("remedies", "unproven", "compilation", "parallel_loads", "readers", "upsert_timing"),
)
