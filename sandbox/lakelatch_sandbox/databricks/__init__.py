"""The Databricks double: one account, one workspace in it."""
