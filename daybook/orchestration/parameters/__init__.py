"""The types of the flows' parameters. They define the form in Prefect's UI, its descriptions, and the conversions."""
