"""Mutation testing (`make check-mutants`): a test suite is worth what it notices when the code is broken."""
