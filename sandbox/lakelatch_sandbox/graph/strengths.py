"""Authentication strengths: which combinations of methods satisfy, and which keys of a method count.

Modes: go-azure-sdk `common-types`, authenticationMethodModes; built-in policies and limits: learn.microsoft.com,
"Conditional Access authentication strength".
"""

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import Directory
from lakelatch_sandbox.graph.errors import bad_request
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_policies import AUTHENTICATION_STRENGTH
from lakelatch_sandbox.graph.service import Answer, Call, Operation

STRENGTHS = "graph/authentication_strengths"
CONFIGURATIONS = "graph/combination_configurations"

LIMIT = 15
"""Custom policies of one tenant."""

MODES = frozenset(
    {
        "deviceBasedPush",
        "email",
        "federatedMultiFactor",
        "federatedSingleFactor",
        "fido2",
        "hardwareOath",
        "microsoftAuthenticatorPush",
        "password",
        "sms",
        "softwareOath",
        "temporaryAccessPassMultiUse",
        "temporaryAccessPassOneTime",
        "voice",
        "windowsHelloForBusiness",
        "x509CertificateMultiFactor",
        "x509CertificateSingleFactor",
    }
)
_PHISHING_RESISTANT = ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"]
_PASSWORDLESS = [*_PHISHING_RESISTANT, "deviceBasedPush"]
_MULTI_FACTOR = [
    *_PASSWORDLESS,
    "temporaryAccessPassOneTime",
    "temporaryAccessPassMultiUse",
    "password,microsoftAuthenticatorPush",
    "password,softwareOath",
    "password,hardwareOath",
    "password,sms",
    "password,voice",
    "federatedMultiFactor",
]


def _built_in(number: int, name: str, combinations: list[str]) -> Document:
    return {
        "id": f"00000000-0000-0000-0000-{number:012}",
        "allowedCombinations": combinations,
        "createdDateTime": "2021-12-01T00:00:00Z",
        "description": "",
        "displayName": name,
        "modifiedDateTime": "2021-12-01T00:00:00Z",
        "policyType": "builtIn",
        "requirementsSatisfied": "mfa",
    }


BUILT_IN = (
    _built_in(2, "Multifactor authentication", _MULTI_FACTOR),
    _built_in(3, "Passwordless MFA", _PASSWORDLESS),
    _built_in(4, "Phishing-resistant MFA", _PHISHING_RESISTANT),
)


def known_strength(directory: Directory, id: str) -> Document | None:
    """A strength by its id, built-in or custom."""
    found = directory.context.store.get(STRENGTHS, id)
    return found or next((one for one in BUILT_IN if one["id"] == id), None)


def _check(combinations: object) -> None:
    known = isinstance(combinations, list) and combinations
    if not known or not all(set(str(one).split(",")) <= MODES for one in combinations):  # type: ignore[attr-defined]
        raise bad_request("Invalid value specified for property 'allowedCombinations'.", "BadRequest")


def _complete(directory: Directory, document: Document) -> Document:
    _check(document["allowedCombinations"])
    others = list(directory.context.store.all(STRENGTHS))
    if len(others) >= LIMIT:
        raise bad_request(f"A tenant has at most {LIMIT} custom authentication strength policies.", "BadRequest")
    if any(one["displayName"].casefold() == document["displayName"].casefold() for one in others):
        raise bad_request("An authentication strength policy with this displayName exists already.", "BadRequest")
    made = {name: value for name, value in document.items() if name != "deletedDateTime"}
    return made | {"modifiedDateTime": document["createdDateTime"], "requirementsSatisfied": "mfa"}


def _change(directory: Directory, new: Document, old: Document) -> Document:
    if new["allowedCombinations"] != old["allowedCombinations"]:
        raise bad_request("allowedCombinations is changed by the action updateAllowedCombinations.", "BadRequest")
    return new | {"modifiedDateTime": directory.timestamp()}


def _before_delete(directory: Directory, document: Document) -> None:
    """What a policy requires stays; its configurations go with a strength."""
    for policy in directory.context.store.all("graph/conditional_access_policies"):
        strength = (policy["grantControls"] or {}).get("authenticationStrength")
        if strength and strength["id"] == document["id"]:
            raise bad_request(
                f"The authentication strength is referenced by the policy '{policy['displayName']}'.", "BadRequest"
            )
    for one in configurations(directory, document["id"]):
        directory.delete(CONFIGURATIONS, one)


COLLECTION = Collection(
    path="/policies/authenticationStrengthPolicies",
    kind=STRENGTHS,
    resource=AUTHENTICATION_STRENGTH,
    read_by=permissions.READ_POLICIES,
    write_by=permissions.WRITE_STRENGTHS,
    create_by=permissions.WRITE_STRENGTHS,
    complete=_complete,
    change=_change,
    before_delete=_before_delete,
    built_in=BUILT_IN,
)


def update_combinations(call: Call) -> Answer:
    """Change which combinations satisfy a custom strength; the answer has both, the former and the current."""
    old = call.directory.addressed(STRENGTHS, call.path["id"])
    wanted = call.body.get("allowedCombinations")
    _check(wanted)
    for one in configurations(call.directory, old["id"]):
        if not set(one["appliesToCombinations"]) <= set(wanted or ()):
            raise bad_request("A combination configuration applies to a combination that would be gone.", "BadRequest")
    call.directory.put(STRENGTHS, old | {"allowedCombinations": wanted, "modifiedDateTime": call.directory.timestamp()})
    changed = {"previousCombinations": old["allowedCombinations"], "currentCombinations": wanted}
    return Answer(200, {"conditionalAccessReferences": [], "additionalInformation": "", **changed})


def configurations(directory: Directory, strength: str) -> list[Document]:
    """What is said about single combinations of a strength."""
    return [one for one in directory.context.store.all(CONFIGURATIONS) if one["_strength"] == strength]


OPERATIONS: tuple[Operation, ...] = (
    *COLLECTION.operations(),
    Operation(
        "POST", f"{COLLECTION.path}/{{id}}/updateAllowedCombinations", permissions.WRITE_STRENGTHS, update_combinations
    ),
)
