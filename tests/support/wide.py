"""A model that uses every part, for tests to break."""

import json
from typing import Any

import yaml

WIDE = """
account:
  id: 0d26daa6-5e44-4c97-a497-ef015f91254a
  host: https://accounts.azuredatabricks.net
  stack: production
workspaces:
  analytics: {id: "4029384756102938", host: https://adb-4029384756102938.18.azuredatabricks.net}
  science: {id: "4029384756102939", host: https://adb-4029384756102939.19.azuredatabricks.net, stack: science}
issuers:
  entra:
    type: entra
    tenant: 7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37
    users: {audience: 6a1f0c3e-5b7d-4e92-8c41-d0e9f8a7b6c5, subject_claim: upn}
  cluster: {type: kubernetes, url: https://oidc.example.com/cluster/}
  github: {type: github}
  okta: {type: okta, url: https://acme.okta.com/oauth2/aus1, audience: api://databricks}
roles:
  reader:
    description: Reads the sales tables
    workspace: analytics
    actions: [current_user.me, statement_execution.*]
    group: {create: lakelatch-reader}
    entitlements: [databricks-sql-access]
    grants:
      - {catalog: main, privileges: [USE_CATALOG]}
      - {schema: main.sales, privileges: [USE_SCHEMA, SELECT]}
  deployer:
    workspace: science
    group: {adopt: Deployers}
services:
  nightly-report:
    issuer: entra
    workspace: analytics
    roles: [reader]
    workload: {issuer: cluster, namespace: reports, service_account: nightly-report}
  exporter:
    issuer: okta
    workspace: analytics
    roles: [reader]
    workload: {client_id: 0oa1}
  etl-deploy:
    issuer: github
    via: direct
    workspace: science
    roles: [deployer]
    workload: {repository: acme/etl, environment: production}
people:
  analysts:
    issuer: entra
    identity_provider_group: b6f1a2c3-d4e5-4f60-8172-93a4b5c6d7e8
    group: {adopt: Data Analysts}
    roles: [reader]
    assurance: phishing-resistant
gateway:
  host: https://databricks.example.com
  workspace: analytics
  signing_key_file: /var/lib/lakelatch/signing-key.pem
"""


def text(data: Any) -> str:
    """The text of a model: JSON is YAML, and never has an alias."""
    return json.dumps(data, indent=1)


def changed(*path: str | int, to: Any) -> str:
    """The wide model with one value replaced or added (or removed, with `to=...`)."""
    data: Any = yaml.safe_load(WIDE)
    place = data
    for key in path[:-1]:
        place = place[key]
    if to is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return text(data)
