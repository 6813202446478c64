"""What the real engine writes of a preview is compared: trusts that would be made, also with what is known later."""

import json
from pathlib import Path

import pytest
from support.engine import EngineProject

from lakelatch.cli import run

pytestmark = pytest.mark.line

SECRET = "not-to-be-seen-in-a-pull-request"
PROGRAM = """
import pulumi
import pulumi_databricks as databricks

config = pulumi.Config()
token = config.require_secret("token")
account = databricks.Provider("account", host="http://127.0.0.1:9", account_id="a", token=token)
opts = pulumi.ResourceOptions(provider=account)
principal = databricks.ServicePrincipal("etl", display_name="etl", opts=opts)
for name in config.require("subjects").split():
    databricks.ServicePrincipalFederationPolicy(
        name,
        service_principal_id=principal.id.apply(int),
        policy_id=name,
        oidc_policy={"issuer": "https://issuer.example.com", "audiences": ["a"], "subject": name},
        opts=opts,
    )
databricks.AccountFederationPolicy(
    "later",
    policy_id="later",
    oidc_policy={"issuer": "https://users.example.com", "audiences": [principal.application_id]},
    opts=opts,
)
"""


def test_a_preview_of_the_engine_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = EngineProject(tmp_path, "diff", PROGRAM)
    stack.run("config", "set", "subjects", "one two")
    stack.run("config", "set", "--secret", "token", SECRET)
    said = stack.run("preview", "--json", "--show-sames")
    file = tmp_path / "preview.json"
    file.write_text(said[said.index("{") : said.rindex("}") + 1], encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8"))["steps"]
    assert run(["access", "diff", "--to", str(file), "--json"]) == 0
    told = capsys.readouterr().out
    rows = {
        (row["new"]["subject"], tuple(row["new"]["audiences"])): row["effect"] for row in json.loads(told)["trusts"]
    }
    assert rows == {("one", ("a",)): "more", ("two", ("a",)): "more", (None, ()): "more"}
    assert SECRET not in told
