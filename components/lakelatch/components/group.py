"""A group of the account, and who is in it."""

from typing import NotRequired, TypedDict

import pulumi

from lakelatch.components.arguments import account_provider, known_later, require
from lakelatch.errors import Finding


class GroupChoice(TypedDict):
    """Made here or there already: exactly one of the two is stated, nothing is guessed."""

    create: NotRequired[str]
    """Name of a group that is made, and deleted with the stack."""
    adopt: NotRequired[str]
    """Name of a group that is there already, for example one that the identity provider synchronises."""


class AccountGroupArgs(TypedDict):
    """A group and its members."""

    group: GroupChoice
    """Which group."""
    members: NotRequired[dict[str, pulumi.Input[str]]]
    """Who is in it besides others: a name that never changes, to the numeric id of a user, principal or group."""


class AccountGroup(pulumi.ComponentResource):
    """A group of the account, made or found, with members that are added one by one: others in it stay.

    Needs an account-level databricks provider in `opts`.
    """

    group_id: pulumi.Output[str]
    """Its numeric id, as text."""
    group_name: pulumi.Output[str]
    """Its name, which Unity Catalog grants name."""

    def __init__(self, name: str, args: AccountGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:AccountGroup", name, None, opts)
        wrong = known_later(args, ("members",)) or group_findings(args["group"])
        require("AccountGroup", name, [*wrong, *account_provider(self)])
        import pulumi_databricks as databricks

        here = pulumi.ResourceOptions(parent=self)
        if created := args["group"].get("create"):
            group = databricks.Group(name, display_name=created, opts=here)
            self.group_id = group.id
        else:
            found = databricks.get_group_output(
                display_name=args["group"]["adopt"], opts=pulumi.InvokeOutputOptions(parent=self)
            )
            self.group_id = found.apply(lambda one: one.id)
        self.group_name = pulumi.Output.from_input(group_name(args["group"]))
        for key, member in (args.get("members") or {}).items():
            databricks.GroupMember(f"{name}/{key}", group_id=self.group_id, member_id=member, opts=here)
        self.register_outputs({"group_id": self.group_id, "group_name": self.group_name})


def group_name(choice: GroupChoice) -> str:
    """The name of the group, made or found."""
    return choice.get("create") or choice["adopt"]


def group_findings(choice: GroupChoice) -> list[Finding]:
    """What is wrong with a choice of group."""
    named = [key for key in ("create", "adopt") if key in choice]
    if len(named) != 1:
        found = "states both create and adopt" if named else "states neither create nor adopt"
        return [Finding("group", found, "state one: `create` makes it, `adopt` finds the one that is there")]
    if not str(choice[named[0]]).strip():
        return [Finding(f"group.{named[0]}", "is empty", "write the group's name")]
    return []
