"""The few messages of Envoy's discovery protocol (delta ADS) by which secrets are served.

They are described here because the published classes for Python need another version of protobuf than the rest has.
Names and numbers of fields are those of Envoy's API v3; fields that are not needed are left out, which a reader of
protobuf's wire format takes as unknown or absent. A map is, on the wire, a list of pairs of key (1) and value (2).
"""

from typing import Any, Final

from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)

SERVICE: Final = "envoy.service.discovery.v3.AggregatedDiscoveryService"
"""envoy/service/discovery/v3/ads.proto; its one method here is `METHOD`."""
METHOD: Final = "DeltaAggregatedResources"

_PACKAGE: Final = "lakelatch.discovery"
_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {"string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES, "int32": _FIELD.TYPE_INT32}
_MESSAGES: Final = {
    # google/protobuf/any.proto
    "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
    # google/rpc/status.proto
    "Status": {"code": (1, "int32")},
    "Version": {"key": (1, "string"), "value": (2, "string")},
    # envoy/service/discovery/v3/discovery.proto
    "DeltaDiscoveryRequest": {
        "type_url": (2, "string"),
        "resource_names_subscribe": (3, "string*"),
        "resource_names_unsubscribe": (4, "string*"),
        "initial_resource_versions": (5, "Version*"),
        "response_nonce": (6, "string"),
        "error_detail": (7, "Status"),
    },
    "Resource": {"version": (1, "string"), "resource": (2, "Any"), "name": (3, "string")},
    "DeltaDiscoveryResponse": {"resources": (2, "Resource*"), "type_url": (4, "string"), "nonce": (5, "string")},
    # envoy/config/core/v3/base.proto
    "DataSource": {"inline_string": (3, "string")},
    # envoy/extensions/transport_sockets/tls/v3/secret.proto
    "GenericSecret": {"secret": (1, "DataSource")},
    "Secret": {"name": (1, "string"), "generic_secret": (5, "GenericSecret")},
}
"""Message to field to number and type; a star means repeated."""


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="lakelatch/discovery.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            element = kind.removesuffix("*")
            label = _FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL
            field = message.field.add(name=field_name, number=number, label=label)
            field.type = _SCALARS.get(element, _FIELD.TYPE_MESSAGE)
            if field.type == _FIELD.TYPE_MESSAGE:
                field.type_name = f".{_PACKAGE}.{element}"
    # A pool of its own: whoever brings Envoy's whole API into the process is not disturbed.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES
    }


_CLASSES: Final = _classes()
DeltaDiscoveryRequest: Any = _CLASSES["DeltaDiscoveryRequest"]
DeltaDiscoveryResponse: Any = _CLASSES["DeltaDiscoveryResponse"]
Resource: Any = _CLASSES["Resource"]
Secret: Any = _CLASSES["Secret"]
