"""Property values of the engine as plain data and back. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN


class Unknown:
    """Stands where a value is not known before the deployment has run."""

    def __repr__(self) -> str:
        return "(unknown)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown)

    def __hash__(self) -> int:
        return hash(Unknown)


def plain(value: PropertyValue) -> Any:
    """Plain data without marks of secrecy or dependency; `Unknown()` where the engine knows no value yet."""
    inner = value.value
    if isinstance(inner, Mapping):
        return {key: plain(item) for key, item in inner.items()}
    if isinstance(inner, str):
        # The experimental server leaves the engine's sentinel as it is.
        return Unknown() if inner == UNKNOWN else inner
    if isinstance(inner, Sequence):
        return [plain(item) for item in inner if isinstance(item, PropertyValue)]
    return inner


def property_value(data: Any) -> PropertyValue:
    """The engine's form of plain data; integers become floats, as the protocol has no others."""
    if isinstance(data, Unknown):
        return PropertyValue(UNKNOWN)
    if isinstance(data, Mapping):
        return PropertyValue({str(key): property_value(item) for key, item in data.items()})
    if isinstance(data, list | tuple):
        return PropertyValue([property_value(item) for item in data])
    if isinstance(data, int) and not isinstance(data, bool):
        return PropertyValue(float(data))
    return PropertyValue(data)


def has_unknown(data: Any) -> bool:
    """Whether anything in plain data is not known yet."""
    if isinstance(data, Mapping):
        return any(has_unknown(item) for item in data.values())
    if isinstance(data, list):
        return any(has_unknown(item) for item in data)
    return isinstance(data, Unknown)
