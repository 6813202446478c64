"""The audit trail: who did what, in lines that cannot be changed without it showing."""
