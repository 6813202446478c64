"""The program against mocks, without a credential; what it registers is written for `pulumi policy analyze`."""

import json
import runpy
from pathlib import Path
from typing import Any

import pulumi

ROOT = Path(__file__).parents[1]


class Mocks(pulumi.runtime.Mocks):
    """Answers with the inputs, and keeps them as the state of a stack."""

    def __init__(self) -> None:
        self.resources: list[dict[str, Any]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Every id is a number, as those of Databricks are."""
        custom, number = bool(args.custom), str(1000 + len(self.resources))
        state = {
            "urn": f"urn:pulumi:mocks::example::{args.typ}::{args.name}",
            "type": args.typ,
            "custom": custom,
            "inputs": args.inputs,
            "outputs": args.inputs,
        }
        self.resources.append({**state, "id": number} if custom else state)
        return number, {"applicationId": f"application-{number}", **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        """Nothing is looked up."""
        raise AssertionError(f"the program calls {args.token}")


def test_the_program() -> None:
    """It runs, makes no secret, and leaves what a policy pack can judge."""
    mocks = Mocks()
    pulumi.runtime.set_mocks(mocks, project="example", stack="mocks", preview=False)
    pulumi.runtime.test(lambda: runpy.run_path(str(ROOT / "__main__.py")))()
    kinds = [resource["type"] for resource in mocks.resources]
    assert "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy" in kinds
    assert not [kind for kind in kinds if "Secret" in kind]
    state = {"version": 3, "deployment": {"manifest": {"time": "2026-01-01T00:00:00Z"}, "resources": mocks.resources}}
    (ROOT / "state.json").write_text(json.dumps(state, indent=2), encoding="utf-8")
