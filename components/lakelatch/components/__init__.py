"""The Pulumi components. Import them from `lakelatch`, which loads each when it is first named."""
