"""What is broken, and which tests must notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Suite:
    """Modules that are judged by the same tests."""

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    strict: bool = False
    """Any survivor fails the run: this code decides whom to trust, and for how long."""


ACCESS = "components/lakelatch/access"
COMPONENTS = "components/lakelatch/components"

SUITES = (
    Suite(
        "algorithms", (f"{ACCESS}/algorithms.py", f"{ACCESS}/key_sets.py"), ("tests/access/test_algorithms.py",), True
    ),
    Suite(
        "subjects",
        tuple(f"{ACCESS}/subjects/{name}.py" for name in ("exact", "jobs", "platforms", "providers")),
        ("tests/access/test_subjects.py",),
        True,
    ),
    Suite("lifetimes", (f"{ACCESS}/lifetimes.py",), ("tests/access/test_lifetimes.py",), True),
    Suite(
        "trusts",
        (
            f"{ACCESS}/trusts.py",
            *(
                f"{ACCESS}/{room}/{name}.py"
                for room in ("issuers", "workloads")
                for name in ("jobs", "platforms", "providers")
            ),
            f"{ACCESS}/issuers/entra.py",
            f"{ACCESS}/workloads/base.py",
        ),
        (
            "tests/access/test_trusts.py",
            "tests/access/test_wide_trusts.py",
            "tests/access/test_consistency.py",
            "tests/docs/test_issuer_guides.py",
        ),
        True,
    ),
    Suite(
        "model",
        tuple(
            f"{ACCESS}/{name}.py"
            for name in (
                "account_rules",
                "consistency",
                "fragments",
                "gateway_rules",
                "model",
                "role_rules",
                "roles",
                "service_rules",
            )
        ),
        ("tests/access",),
    ),
    Suite(
        "components",
        tuple(
            f"{COMPONENTS}/{name}.py"
            for name in (
                "account_federation",
                "entra",
                "federation",
                "group",
                "identity",
                "plan",
                "rights",
                "role",
                "trust",
            )
        ),
        ("tests/components",),
    ),
)

LEFT_OUT = (
    # `str | None` in annotations, which nothing evaluates
    r"core/ReplaceBinaryOperator_BitOr_.*",
    # one neighbour per arithmetic operator is enough
    r"core/ReplaceBinaryOperator_(?!Add_Sub|Sub_Add|Mul_FloorDiv|FloorDiv_Mul|Mod_Mul|BitAnd_BitOr|Pow_Mul).*",
    # comparisons: the opposite, and the limit itself
    r"core/ReplaceComparisonOperator_(?!Eq_NotEq|NotEq_Eq|Lt_(LtE|GtE)|LtE_(Lt|Gt)|Gt_(GtE|LtE)|GtE_(Gt|Lt)"
    r"|Is_IsNot|IsNot_Is|In_NotIn|NotIn_In).*",
    r"core/Variable.*",
    # a class without `@dataclass` cannot even be made, and a property without `@property` is never text
    r"core/RemoveDecorator",
)
"""Mutations that say nothing, as patterns of cosmic-ray's operator names."""
