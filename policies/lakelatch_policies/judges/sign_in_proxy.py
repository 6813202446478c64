"""oauth2-proxy in Kubernetes: the options of a container, and of the chart's values."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from lakelatch.access.algorithms import ACCEPTED
from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.reading import at, items, seconds, switch

NAME: Final = "oauth2-proxy"
PODS: Final = {
    **{f"kubernetes:apps/v1:{kind}": "spec.template.spec" for kind in ("Deployment", "StatefulSet", "DaemonSet")},
    "kubernetes:core/v1:Pod": "spec",
}
"""Where a pod's settings stand."""
CHART: Final = "kubernetes:helm.sh/v3:Release"
PREFIX: Final = "OAUTH2_PROXY_"
UNSAFE: Final = {
    "insecure_oidc_allow_unverified_email": (True, "takes an address that nobody has verified"),
    "insecure_oidc_skip_issuer_verification": (True, "takes tokens of another issuer"),
    "ssl_insecure_skip_verify": (True, "takes any certificate of the identity provider"),
    "cookie_secure": (False, "sends the session over plain http"),
    "cookie_httponly": (False, "lets scripts of a page read the session"),
}
"""What is wrong with a switch, and why (oauth2-proxy, configuration overview)."""


class Option(NamedTuple):
    """One option, as a flag, a variable or a value says it."""

    name: str
    """With underscores, as in a configuration file."""
    value: Any
    place: str


Proxies = Iterator[tuple[str, list[Option]]]
"""Where each proxy stands, and its options."""


def proxies(resource: Resource, path: str | None) -> Proxies:
    """Every oauth2-proxy of a pod at a path, or without one, of a chart."""
    if path is None:
        if str(at(resource.props, "chart") or "").rstrip("/").endswith(NAME):
            values = at(resource.props, "values.extraArgs")
            place = "values.extraArgs"
            if isinstance(values, Mapping):
                yield place, [Option(_plain(name), values[name], f"{place}.{name}") for name in values]
            else:
                yield place, list(_flags(values, place))
        return
    for index, container in enumerate(items(at(resource.props, f"{path}.containers"))):
        if NAME in str(at(container, "image") or ""):
            place = f"{path}.containers.{index}"
            flags = [one for words in ("command", "args") for one in _flags(at(container, words), f"{place}.{words}")]
            yield place, [*flags, *_variables(container, place)]


def _flags(listed: Any, place: str) -> Iterator[Option]:
    """`--name=value`, `--name value` and `--name`, with one hyphen or two."""
    words = [str(word) for word in items(listed)]
    for index, word in enumerate(words):
        if word.startswith("-"):
            name, given, value = word.lstrip("-").partition("=")
            following = words[index + 1] if index + 1 < len(words) else "-"
            value = value if given else "true" if following.startswith("-") else following
            yield Option(_plain(name), value, f"{place}.{index}")


def _variables(container: Any, place: str) -> Iterator[Option]:
    for index, variable in enumerate(items(at(container, "env"))):
        name = str(at(variable, "name") or "")
        if name.startswith(PREFIX):
            yield Option(_plain(name.removeprefix(PREFIX)), at(variable, "value"), f"{place}.env.{index}.value")


def _plain(name: str) -> str:
    return name.replace("-", "_").lower()


def unsafe(path: str | None) -> Judge:
    """Switches that leave a check out; proof keys that whoever listens can replay."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        for _place, options in proxies(resource, path):
            for name, value, place in options:
                wrong, reason = UNSAFE.get(name, (None, ""))
                if wrong is not None and switch(value) is wrong:
                    yield place, reason
                if name == "code_challenge_method" and value == "plain":
                    yield place, "lets whoever sees the request redeem the code; use S256"

    return judge


def session(path: str | None) -> Judge:
    """How long a session lasts: `cookie-expire`, a week unless it is said."""

    def judge(resource: Resource, settings: Settings) -> Iterator[Finding]:
        most = settings["max_seconds"]
        for where, options in proxies(resource, path):
            said = [option for option in options if option.name == "cookie_expire"]
            if not said:
                yield where, "says no `cookie-expire`, which is a week"
            for _, value, place in said:
                life = seconds(value)
                if life is None:
                    yield place, "is no length of time that can be read"
                elif not 0 < life <= most:
                    yield place, f"is longer than {most} s, or has no end"

    return judge


def algorithms(path: str | None) -> Judge:
    """Algorithms that the proxy takes (`oidc-enabled-signing-alg`), one or several by commas."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        for _place, options in proxies(resource, path):
            for name, value, place in options:
                if name.removesuffix("s") == "oidc_enabled_signing_alg":
                    named = [one for text in items(value) for one in str(text).split(",")]
                    if any(one.strip() not in ACCEPTED for one in named):
                        yield place, "is neither RS256 nor ES256"

    return judge


def each(judge: Any) -> dict[str, Judge]:
    """A judge for every type that a proxy may stand in."""
    return {**{token: judge(path) for token, path in PODS.items()}, CHART: judge(None)}
