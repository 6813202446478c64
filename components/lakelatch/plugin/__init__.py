"""A Pulumi plugin in Python: what every provider of this project needs to speak with the engine."""
