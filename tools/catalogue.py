"""Writes components/lakelatch/access/sdk_actions.tsv from the source of the installed `databricks-sdk`.

Run it by `make catalogue` after the SDK's lock has moved; `make check` runs it with `--check` and fails when the file
does not tell the truth any more. The SDK is read as text and never imported: its services are plain code that calls
`self._api.do(method, path)`. What it lacks is written by hand in `access/other_actions.py` and `mlflow_actions.py`.

How a request gets its access and its risk is in the tables of this file. Review the difference that a newer SDK makes
before you commit it: an operation that is new comes with the risk that the tables give it, and is in
`all:low-risk-reads` at once when they call it a low-risk read.
"""

import ast
import importlib.metadata
import importlib.util
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1] / "components" / "lakelatch" / "access" / "sdk_actions.tsv"
LONGEST_SUMMARY = 100

READING_METHODS = ("GET", "HEAD")
READING_POST = re.compile(r"(get|list|search|scan|resolve|validate|retrieve|events)(_|$)|query_")
"""Operations that only read although they are sent by POST, mostly because their question does not fit into a URL."""

HANDS_OUT = re.compile(
    r"(temporary_\w+_credentials|tokens|token_management|secrets|secrets_uc|service_principal_secrets_proxy"
    r"|credentials_manager|recipient_activation)\.|.*\.\w*(generate_\w*credential|password|token)"
)
"""Whatever holds or hands out what others can sign in with: high, even to read."""
ADMINISTERS = re.compile(
    r"((users|groups|service_principals)(_v2)?|workspace_iam_v2|access_control|account_access_control_proxy|grants"
    r"|permissions|permission_migration|dbsql_permissions|policies|tag_policies|cluster_policies|rfa"
    r"|settings|workspace_settings_v2|workspace_conf|ip_access_lists|notification_destinations|artifact_allowlists"
    r"|metastores|system_schemas|workspace_bindings|external_locations|storage_credentials|credentials"
    r"|connections|git_credentials|instance_profiles|global_init_scripts"
    r"|recipients|recipient_federation_policies|shares|providers)\.|.*\.\w*(permission|owner|credential|_acl)"
)
"""Who may do what, and through which doors data leaves: high to change, medium to read."""
DESTROYS = re.compile(r".*\.(delete|destroy|permanent_delete|purge|remove|trash|uninstall)(?!\w*_(tag|alias|comment))")
"""Medium, and high where no code can make it again."""
KEEPS_DATA = re.compile(
    r"(catalogs|schemas|tables|online_tables|volumes|functions|registered_models|model_versions|model_registry"
    r"|experiments|files|dbfs|workspace|database|postgres|feature_store)\.|.*\.(permanent_delete|purge)"
)
HANDS_OUT_CONTENT = re.compile(r".*\.(download|export)(_|$)|dbfs\.read$|.*\.get_run_output$")
"""Reads of files, notebooks and results: medium, as whoever may list them need not be the one who may have them."""

SUMMARIES = {
    "current_user.me": "Who the caller is in the workspace",
    "model_registry.list_webhooks": "List registry webhooks",
    "statement_execution.cancel_execution": "Stop a statement",
    "statement_execution.execute_statement": "Run a SQL statement",
    "statement_execution.get_statement": "A statement's state and first rows",
    "statement_execution.get_statement_result_chunk_n": "More rows of a statement",
    "warehouses.get": "One SQL warehouse",
    "warehouses.list": "The SQL warehouses of the workspace",
    "warehouses.start": "Start a SQL warehouse",
    "warehouses.stop": "Stop a SQL warehouse",
}
"""Where the docstring's first sentence does not say what is done."""

NOT_ON_THE_WORKSPACE = {"serving_endpoints_data_plane.query"}
"""Sent to an address that the answer to another request names."""

RESOURCE_NAMES = {
    "environments.get_default_workspace_base_environment": ("default-workspace-base-environment",),
    "environments.update_default_workspace_base_environment": ("default-workspace-base-environment",),
    "environments.update_workspace_base_environment": ("workspace-base-environments/{workspace_base_environment}",),
    "environments.get_operation": ("operations/{operation_id}",),
    "feature_engineering.get_operation": ("operations/{operation_id}",),
    "feature_engineering.cancel_operation": ("operations/{operation_id}",),
    "postgres.get_operation": (
        "operations/{operation_id}",
        "projects/{project_id}/operations/{operation_id}",
        "projects/{project_id}/branches/{branch_id}/operations/{operation_id}",
        "projects/{project_id}/branches/{branch_id}/{collection}/{id}/operations/{operation_id}",
    ),
    "sandbox.create_directory": ("sandboxes/{sandbox_id}",),
    "sandbox.delete_path": ("sandboxes/{sandbox_id}",),
    "sandbox.delete_sandbox": ("sandboxes/{sandbox_id}",),
    "sandbox.get_metadata": ("sandboxes/{sandbox_id}",),
    "sandbox.get_sandbox": ("sandboxes/{sandbox_id}",),
    "sandbox.list_directory_contents": ("sandboxes/{sandbox_id}",),
    "sandbox.rename_path": ("sandboxes/{sandbox_id}",),
    "account_endpoints.delete_endpoint": ("accounts/{account_id}/endpoints/{endpoint_id}",),
    "account_endpoints.get_endpoint": ("accounts/{account_id}/endpoints/{endpoint_id}",),
}
"""Names with slashes in them whose shape the operation's own docstring does not give (it is in those of its data)."""
GATEWAYS = "accounts/{account_id}/network-connectivity-configs/{ncc_id}"
RESOURCE_NAMES |= {
    "account_private_network_gateways.create_private_network_gateway": (GATEWAYS,),
    "account_private_network_gateways.list_private_network_gateways": (GATEWAYS,),
    "account_private_network_gateways.delete_private_network_gateway": (
        f"{GATEWAYS}/private-network-gateways/{{gateway_id}}",
    ),
    "account_private_network_gateways.get_private_network_gateway": (
        f"{GATEWAYS}/private-network-gateways/{{gateway_id}}",
    ),
    "account_private_network_gateways.get_private_network_gateway_operation": (
        f"{GATEWAYS}/operations/{{operation_id}}",
    ),
}

_SHAPE = re.compile(r"[a-z][a-z_-]*/\{[a-z_.{}]+\}(?:/(?:[a-z_-]+|\{[a-z_.{}]+\}))*")
_MARKUP = re.compile(r"\[([^]]+)\]\([^)]*\)|`([^`<]+) <[^>]+>`_*|:\w+:`([^`]+)`")
_NO_SUMMARY = re.compile(r"NOTE|Deprecated|START OF|This (endpoint|method|API) is")


@dataclass(frozen=True)
class Service:
    """A class of operations, and what a client calls it."""

    name: str
    """As in client code: `jobs`, `settings.default_namespace`, `account_groups`."""
    scope: str
    node: ast.ClassDef
    module: dict[str, ast.ClassDef] = field(repr=False)
    """Every class of the file that it stands in."""


@dataclass(frozen=True)
class Operation:
    """One row: an operation with everything that can be said about it."""

    name: str
    scope: str
    requests: tuple[tuple[str, str], ...]
    """Method and path template."""
    summary: str
    aliases: tuple[str, ...] = ()

    @property
    def access(self) -> str:
        """`read` or `write`, by the tables above."""
        method, operation = self.requests[0][0], self.name.rpartition(".")[2]
        reads = method in READING_METHODS or (method == "POST" and READING_POST.match(operation))
        return "read" if reads else "write"

    @property
    def risk(self) -> str:
        """`low`, `medium` or `high`: the first of the tables above that has the name."""
        writes = self.access == "write"
        if self.scope == "account" or HANDS_OUT.match(self.name):
            return "high"
        if ADMINISTERS.match(self.name):
            return "high" if writes else "medium"
        if DESTROYS.match(self.name):
            return "high" if KEEPS_DATA.match(self.name) else "medium"
        return "medium" if writes or HANDS_OUT_CONTENT.match(self.name) else "low"

    def row(self) -> str:
        """The line of the file."""
        requests = ", ".join(f"{method} {path}" for method, path in self.requests)
        return "\t".join(
            (self.name, self.scope, self.access, self.risk, requests, ", ".join(self.aliases), self.summary)
        )


def services(sdk: Path) -> Iterator[Service]:
    """The services of both clients, those within `settings` included."""
    client = _classes(sdk / "__init__.py")
    mixins = {name: node for path in sorted((sdk / "mixins").glob("*.py")) for name, node in _classes(path).items()}
    modules = {path.stem: _classes(path) for path in sorted((sdk / "service").glob("*.py"))}
    for owner, scope, prefix in (("WorkspaceClient", "workspace", ""), ("AccountClient", "account", "account_")):
        for name, made in _attributes(client[owner]):
            origin = _origin(made, mixins, modules)
            if origin is not None:
                yield from _with_nested(Service(prefix + name, scope, *origin))


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}


def _attributes(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """What `__init__` puts into private attributes, each with the name of what makes it, as in `pkg_sql.QueriesAPI`."""
    init = next(one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__")
    local: dict[str, str] = {}
    for statement in ast.walk(init):
        if isinstance(statement, ast.Assign) and isinstance(statement.value, (ast.Call, ast.Name)):
            value = statement.value
            made = ast.unparse(value.func) if isinstance(value, ast.Call) else local.get(value.id, "")
            target = ast.unparse(statement.targets[0])
            if target.startswith("self._"):
                yield target.removeprefix("self._"), made
            else:
                local[target] = made


def _origin(
    made: str, mixins: dict[str, ast.ClassDef], modules: dict[str, dict[str, ast.ClassDef]]
) -> tuple[ast.ClassDef, dict[str, ast.ClassDef]] | None:
    """The class of a service and those of its file; a mixin's are those of what it extends."""
    if made == "_make_files_client":
        made = "FilesExt"
    if made in mixins:
        made = ast.unparse(mixins[made].bases[0])
    package, _, kind = made.rpartition(".")
    if package:
        module = modules.get(package.removeprefix("pkg_"), {})
        return (module[kind], module) if kind in module else None
    found = [module for module in modules.values() if kind.endswith("API") and kind in module]
    return (found[0][kind], found[0]) if len(found) == 1 else None


def _with_nested(service: Service) -> Iterator[Service]:
    yield service
    for name, made in _attributes(service.node):
        if made in service.module:
            yield from _with_nested(replace(service, name=f"{service.name}.{name}", node=service.module[made]))


def operations(service: Service) -> Iterator[Operation]:
    """The requests that a service's methods send."""
    for method in service.node.body:
        name = f"{service.name}.{getattr(method, 'name', '')}"
        if not isinstance(method, ast.FunctionDef) or name in NOT_ON_THE_WORKSPACE:
            continue
        doc = ast.get_docstring(method) or ""
        sent = {
            (ast.literal_eval(call.args[0]), path)
            for call in ast.walk(method)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "self._api.do"
            for path in _paths(name, call.args[1], doc)
        }
        if sent:
            summary = SUMMARIES.get(name) or _summary(doc, method.name)
            yield Operation(name, service.scope, tuple(sorted(sent)), summary)


def _paths(name: str, node: ast.expr, doc: str) -> list[str]:
    """The path templates of a request: one, or several where a name with slashes in it has several shapes."""
    paths = [""]
    for part in node.values if isinstance(node, ast.JoinedStr) else [node]:
        if isinstance(part, ast.FormattedValue):
            paths = [path + more for path in paths for more in _variable(name, ast.unparse(part.value), doc)]
        else:
            paths = [path + ast.literal_eval(part) for path in paths]
    return paths


def _variable(name: str, expression: str, doc: str) -> tuple[str, ...]:
    if "account_id" in expression:
        return ("{account_id}",)
    several = re.fullmatch(r"_escape_multi_segment_path_parameter\((\w+)\)", expression)
    if several:
        return (f"/{{{several[1]}...}}",)
    variable = expression.removesuffix(".value")
    if name in RESOURCE_NAMES and variable in ("name", "parent"):
        return RESOURCE_NAMES[name]
    block = re.search(rf":param {variable}:.*\n((?:(?!\S|:param|:returns).*\n)*)", doc + "\n")
    shape = _SHAPE.search(" ".join(block[1].split())) if block else None
    if shape is None:
        return (f"{{{variable}}}",)
    # Several variables in one segment are one to us: `{catalog}.{schema}.{table}` is a full name.
    return (re.sub(r"\{\w+\}(?:\.\{\w+\})+", "{full_name}", shape[0]),)


def _summary(doc: str, operation: str) -> str:
    """The first sentence that says what is done, in one line, without markup."""
    text = " ".join(re.split(r":param |:returns|\n\n", doc)[0].split())
    text = _MARKUP.sub(lambda found: next(filter(None, found.groups())), text)
    text = re.sub(r":method:\w+/(\w+)", r"\1", text).replace("``", "`").replace("**", "")
    sentences = re.split(r"(?<=[A-Za-z0-9`)])\.(?:\s|$)", text.lstrip(": "))
    said = next((one for one in sentences if one and not _NO_SUMMARY.match(one)), "").rstrip(". :")
    if len(said) > LONGEST_SUMMARY:
        said = said[: LONGEST_SUMMARY - 1].rpartition(" ")[0].rstrip(",;: (") + "…"
    return said or operation.strip("_").replace("_", " ").capitalize()


def merged(found: Iterator[Operation]) -> Iterator[Operation]:
    """Operations that send the same request, as one: the first by `_standing` names it, the others are aliases."""
    rows: dict[tuple[Any, ...], list[Operation]] = defaultdict(list)
    for row in found:
        rows[tuple((method, re.sub(r"\{\w+", "{", path)) for method, path in row.requests)].append(row)
    for same in rows.values():
        first, *others = sorted(same, key=_standing)
        yield replace(first, aliases=tuple(sorted(row.name for row in others)))


def _standing(row: Operation) -> tuple[Any, ...]:
    """A workspace's before an account's, the service that the path names before others, then the shortest name."""
    service = row.name.rpartition(".")[0].replace("_", "").removeprefix("account")
    named = service in row.requests[0][1].lower().replace("-", "").split("/")
    return (row.scope == "account", not named, len(row.name), row.name)


def text() -> str:
    """The whole file."""
    spec = importlib.util.find_spec("databricks.sdk")
    if spec is None or spec.origin is None:
        raise SystemExit("databricks-sdk is not installed: run `make setup`")
    found = (row for service in services(Path(spec.origin).parent) for row in operations(service))
    lines = sorted(row.row() for row in merged(found))
    version = importlib.metadata.version("databricks-sdk")
    return "".join(f"{line}\n" for line in (f"databricks-sdk {version}", *lines))


def main() -> int:
    """Write the file, or with `--check` say whether it is out of date."""
    made = text()
    if HERE.exists() and HERE.read_text() == made:
        return 0
    if "--check" in sys.argv[1:]:
        print(
            f"{HERE.name} is not what the installed databricks-sdk has: run `make catalogue` and review the difference"
        )
        return 1
    HERE.write_text(made)
    print(f"wrote {HERE.name}: {made.count(chr(10)) - 1} actions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
