"""Calls and replies of `TCLIService` in Thrift's binary protocol, with the classes that the vendor generated.

They come with `databricks-sql-connector`, an optional requirement, and are imported with the first call.
"""

import importlib
import struct
from dataclasses import dataclass
from typing import Any

from lakelatch_sandbox.databricks.errors import ApiError

MAX_CONTAINER = 100_000
"""Members of a list or map in a request; the longest that drivers send are the parameters of a statement."""

METHODS = (
    "OpenSession",
    "CloseSession",
    "GetInfo",
    "ExecuteStatement",
    "GetTypeInfo",
    "GetCatalogs",
    "GetSchemas",
    "GetTables",
    "GetTableTypes",
    "GetColumns",
    "GetFunctions",
    "GetPrimaryKeys",
    "GetCrossReference",
    "GetOperationStatus",
    "CancelOperation",
    "CloseOperation",
    "GetResultSetMetadata",
    "FetchResults",
)
"""What is served; delegation tokens are not."""


@dataclass(frozen=True)
class Call:
    """One call: the method's name, the number by which the client knows the reply, and the request's object."""

    method: str
    number: int
    request: Any


class Protocol:
    """The generated classes. Raises `ApiError` 501 when they are not installed."""

    def __init__(self) -> None:
        try:
            self.types: Any = importlib.import_module("databricks.sql.thrift_api.TCLIService.ttypes")
            self._service: Any = importlib.import_module("databricks.sql.thrift_api.TCLIService.TCLIService")
        except ModuleNotFoundError as error:
            raise ApiError(
                501,
                "NOT_IMPLEMENTED",
                "The sandbox speaks Thrift only with `databricks-sql-connector` installed: pip install "
                "'lakelatch-sandbox[drivers]'. The Statement Execution API works without it.",
            ) from error
        self._thrift: Any = importlib.import_module("thrift.Thrift")
        self._binary: Any = importlib.import_module("thrift.protocol.TBinaryProtocol")
        self._transport: Any = importlib.import_module("thrift.transport.TTransport")

    def _protocol(self, content: bytes | None = None) -> Any:
        return self._binary.TBinaryProtocol(
            self._transport.TMemoryBuffer(content),
            string_length_limit=None if content is None else len(content),
            container_length_limit=MAX_CONTAINER,
        )

    def read(self, content: bytes) -> Call:
        """The call in a request's body; raises `ApiError` 400 for what is none."""
        protocol = self._protocol(content)
        try:
            method, _, number = protocol.readMessageBegin()
            if method not in METHODS:
                raise ApiError(400, "BAD_REQUEST", f"The Thrift method {method[:50]!r} is not served.")
            arguments = getattr(self._service, f"{method}_args")()
            arguments.read(protocol)
        except (self._thrift.TException, EOFError, struct.error, ValueError, TypeError, RecursionError) as error:
            raise ApiError(400, "MALFORMED_REQUEST", "The body is no call in Thrift's binary protocol.") from error
        if arguments.req is None:
            raise ApiError(400, "MALFORMED_REQUEST", "The Thrift call has no request.")
        return Call(method, number, arguments.req)

    def reply(self, call: Call, response: Any) -> bytes:
        """The body that answers a call."""
        result = getattr(self._service, f"{call.method}_result")(success=response)
        protocol = self._protocol()
        protocol.writeMessageBegin(call.method, self._thrift.TMessageType.REPLY, call.number)
        result.write(protocol)
        protocol.writeMessageEnd()
        return bytes(protocol.trans.getvalue())
