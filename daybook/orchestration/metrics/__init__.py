"""Key metrics from Prefect's runs and the warehouse."""
