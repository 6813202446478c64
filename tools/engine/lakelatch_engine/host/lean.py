"""Import Pulumi's gRPC messages without importing Pulumi.

`import pulumi.runtime.proto` runs the whole SDK first (OpenTelemetry included), which triples the start of the language
host. The message modules need none of it: this puts empty packages with the right search paths in the SDK's place.
Only the host's own process does so, before anything else imports `pulumi`.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec


def install() -> None:
    """Make `pulumi.runtime.proto.*_pb2` importable alone; does nothing when the SDK is already imported."""
    if "pulumi" in sys.modules:
        return
    found = find_spec("pulumi")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the `pulumi` package is not installed beside `lakelatch-engine`")
    folder = found.submodule_search_locations[0]
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        spec = ModuleSpec(name, loader=None, is_package=True)
        spec.submodule_search_locations = ["/".join([folder, *name.split(".")[1:]])]
        sys.modules[name] = module_from_spec(spec)
