"""How two texts that should be the same differ, in the words of somebody who has seen it before."""

import re
from collections.abc import Callable
from typing import Final

_GITHUB: Final = re.compile(r"repo:([^/]+)/([^:]+):(.+)")
_IDS: Final = re.compile(r"@[0-9]+")
_ENTRA_V1: Final = "https://sts.windows.net/"
_ENTRA_V2: Final = "/v2.0"


def texts_differ(claim: str, found: object, wanted: str, quoted: Callable[[object], str]) -> str:
    """What a claim says and what is wanted; for two texts that are nearly the same, in what alone they differ."""
    if found is None:
        return f"the token has no {claim}; wanted is {wanted}"
    near = nearness(found, wanted) if isinstance(found, str) else None
    return f"{claim} is {quoted(found)}; wanted is {wanted}{f' ({near})' if near else ''}"


def nearness(found: str, wanted: str) -> str | None:
    """In what alone two different texts differ: a slash at the end, case, white space; None when in more."""
    if found.rstrip("/") == wanted.rstrip("/"):
        return f"the token's has {'a' if found.endswith('/') else 'no'} slash at its end: that counts"
    if found.casefold() == wanted.casefold():
        return "they differ in upper and lower case only: that counts"
    if found.strip() == wanted.strip():
        return "they differ in white space at an end: that counts"
    return None


def issuer_hint(found: object, wanted: str) -> str:
    """What to change so that a token's issuer is the one that is wanted."""
    if isinstance(found, str):
        if found.startswith(_ENTRA_V1) and wanted.endswith(_ENTRA_V2):
            return (
                "it is an Entra token of version 1: have the application ask for version 2, or say `token_version: 1`"
            )
        if found.endswith(_ENTRA_V2) and wanted.startswith(_ENTRA_V1):
            return "it is an Entra token of version 2: say `token_version: 2`"
        if nearness(found, wanted):
            return "write the issuer in the model to the letter of the token"
    return "this is another issuer's token: send one of the wanted issuer, or change the issuer in the model"


def subject_hint(found: str, wanted: str) -> str:
    """What to change so that a token's subject is the one that is wanted."""
    one, other = _GITHUB.fullmatch(found), _GITHUB.fullmatch(wanted)
    if one and other:
        return _github_hint(one, other)
    if nearness(found, wanted):
        return "write the subject in the model to the letter of the token"
    return "this is another workload's token, or the model's `workload` says something else than the token"


def _github_hint(found: re.Match[str], wanted: re.Match[str]) -> str:
    names = [f"{_IDS.sub('', match[1])}/{_IDS.sub('', match[2])}" for match in (found, wanted)]
    if names[0].casefold() != names[1].casefold():
        return f"the job runs in another repository ({names[0]})"
    ids = [bool(_IDS.search(f"{match[1]}/{match[2]}")) for match in (found, wanted)]
    if ids[0] and not ids[1]:
        return "the repository sends ids in its subject: add `owner_id` and `repository_id` to the workload"
    if ids[1] and not ids[0]:
        return "the repository sends no ids in its subject: remove `owner_id` and `repository_id` from the workload"
    if found[3].startswith("environment:") and not wanted[3].startswith("environment:"):
        return "the job has an environment, and then sends that and never its ref: say `environment:` in the workload"
    if wanted[3].startswith("environment:") and not found[3].startswith("environment:"):
        return "the job has no `environment:`: add it to the job, or say in the workload what the job sends"
    if found[3] == "pull_request":
        return "the job runs for a pull request: trust it as `pull_request: true`, with roles that only read"
    return "say in the workload what the job sends, to the letter"
