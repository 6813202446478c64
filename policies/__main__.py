"""What the engine starts for `--policy-pack policies`."""

from pulumi_policy import PolicyPack

from lakelatch_policies.pack import NAME, POLICIES

PolicyPack(name=NAME, policies=list(POLICIES))
