"""The local stack: every part of Lakelatch on one machine, without a cloud account.

It drives the other rooms by their commands, as a user would: the engine by `pulumi`, the gateway by
`lakelatch gateway`.
"""
