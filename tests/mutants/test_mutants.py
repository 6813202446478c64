"""Proves that mutants really differ where programs look, and that a survivor is told in a line that leads to it."""

import ast
from pathlib import Path

import pytest

from lakelatch_mutants.__main__ import ROOT, Outcome, report, shown
from lakelatch_mutants.operators import Provider, ReplaceText, mutants
from lakelatch_mutants.suites import SUITES, Suite


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        pytest.param('x = "RS256"\n', ['x = "RS256~"\n'], id="text"),
        pytest.param("x = ''\n", ["x = '~'\n"], id="empty text"),
        pytest.param('x = r"[a-z]+"\n', ['x = r"[a-z]+~"\n'], id="pattern"),
        pytest.param(
            'x = f"repo:{name}:ref"\n', ['x = f"repo:~{name}:ref"\n', 'x = f"repo:{name}:ref~"\n'], id="f-string"
        ),
        pytest.param('x = """a"""\n', ['x = """a~"""\n'], id="triple quotes"),
        pytest.param('x = "for people"\n', [], id="message"),
        pytest.param('x = f"no {name}"\n', [], id="f-string message"),
        pytest.param('"""Docstring."""\nx: int\n"""What."""\n', [], id="docstrings"),
        pytest.param("x = 1\n", [], id="no text"),
    ],
)
def test_text_for_programs_is_changed_and_nothing_else(source: str, changed: list[str]) -> None:
    assert mutants(source) == changed


def test_every_example_of_the_operator_is_true() -> None:
    for example in ReplaceText.examples():
        assert example.post_mutation_code in mutants(example.pre_mutation_code)


def test_every_text_mutant_of_the_judged_code_is_another_program() -> None:
    modules = [ROOT / module for suite in SUITES for module in suite.modules]
    assert modules
    for module in modules:
        source = module.read_text(encoding="utf-8")
        original = ast.dump(ast.parse(source))
        assert all(ast.dump(ast.parse(mutant)) != original for mutant in mutants(source)), module


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_a_suite_names_files_that_exist(suite: Suite) -> None:
    assert all((ROOT / name).exists() for name in (*suite.modules, *suite.tests))


def test_cosmic_ray_finds_the_operator() -> None:
    assert [Provider()[name] for name in Provider()] == [ReplaceText]


def test_a_survivor_is_told_in_one_line() -> None:
    diff = """--- mutation diff ---
--- a/lib/a.py
+++ b/lib/a.py
@@ -40,5 +40,5 @@
 one
 two
-x = "RS256"
+x = "RS256~"
 three
"""
    assert shown(diff) == 'lib/a.py:42: - x = "RS256"  + x = "RS256~"'
    suite = Suite("one", ("lib/a.py",), ("tests/a.py",), strict=True)
    assert list(report([Outcome(suite, 3, (shown(diff),))])) == [
        'lib/a.py:42: - x = "RS256"  + x = "RS256~"',
        "one (none may survive): 3 of 4 mutants noticed",
    ]


def test_the_root_is_the_checkout() -> None:
    assert (Path(ROOT) / "Makefile").is_file()
