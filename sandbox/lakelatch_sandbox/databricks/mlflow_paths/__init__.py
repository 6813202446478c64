"""The workspace's MLflow paths, served by a real MLflow server that starts with the first request."""
