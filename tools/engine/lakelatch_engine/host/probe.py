"""Run inside a project's interpreter: prints what is installed there as one JSON object.

Needs nothing but the standard library and runs on any Python that Pulumi supports (3.9 and newer).
"""

import json
import os
import platform
import sys
from importlib import metadata
from typing import Any, Callable, Mapping  # noqa: UP035 - as old as the Pythons that run this


def plugins() -> list[dict[str, Any]]:
    """Each installed SDK's `pulumi-plugin.json`, with the version of its distribution as `installed`."""
    found = []
    for folder in sys.path:
        if not os.path.isdir(folder):
            continue
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name, "pulumi-plugin.json")
            if os.path.isfile(path):
                with open(path, encoding="utf-8") as handle:
                    found.append({"module": name, "plugin": json.load(handle), "installed": version_of(name)})
    return found


def version_of(module: str) -> str:
    """The version of the distribution that is called like the module, or an empty text."""
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        return ""


def packages() -> list[dict[str, Any]]:
    """Each installed distribution: its name, its version and the names it requires."""
    found = []
    for distribution in metadata.distributions():
        requires = [text for text in distribution.requires or [] if "extra ==" not in text]
        found.append({"name": distribution.metadata["Name"], "version": distribution.version, "requires": requires})
    return found


if __name__ == "__main__":
    questions: Mapping[str, Callable[[], Any]] = {"plugins": plugins, "packages": packages, "about": lambda: None}
    answer = questions[sys.argv[1]]()
    print(json.dumps({"executable": sys.executable, "version": platform.python_version(), "answer": answer}))
