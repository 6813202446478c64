"""Run inside a project's interpreter: runs the script that its first argument names, with a patient garbage collector.

A Pulumi SDK is some hundred thousand objects, all of which stay. Python's collector looks at every object many times
while they are made, and finds nothing: a fifth of `import pulumi_databricks`. Needs nothing but the standard library
and runs on any Python that Pulumi supports (3.9 and newer).
"""

import gc
import runpy
import sys

COLLECT = (50_000, 20, 100)
"""New objects before young ones are looked at, then how many times before older ones are; Python 3.11 has 700, 10, 10.
Garbage of a long program is still found, some megabytes later."""

if __name__ == "__main__":
    gc.set_threshold(*COLLECT)
    del sys.argv[0]
    # As if Python had been started with that script: its folder leads the import path, unless PYTHONSAFEPATH is set.
    if sys.path[0] == __file__.rpartition("/")[0]:
        sys.path[0] = sys.argv[0].rpartition("/")[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
