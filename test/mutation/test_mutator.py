"""What the mutator takes for mutants, and how it tells that a suite noticed one."""

from pathlib import Path

import pytest

from support.instruments.mutation import Mutation, Outcome, complaints

SUITE = r"""
int least(int a, int b);
int full(int percent);
int table_at(int i);
int main(void)
{
    return least(1, 2) == 1 && least(2, 1) == 1 && full(99) == 0 && full(100) == 1 && table_at(0) == 5 ? 0 : 1;
}
"""
CODE = r"""
#define FULL 100
static const int table[2] = {5, 7};
int least(int a, int b)
{
    return a < b ? a : b;
}
int full(int percent)
{
    return percent >= FULL;
}
int table_at(int i)
{
    return table[i];
}
"""


def mutate(folder: Path, code: str, suite: str = SUITE) -> Mutation:
    (folder / "code.c").write_text(code)
    (folder / "suite.c").write_text(suite)
    return Mutation([folder / "code.c"], [], [folder / "suite.c"], folder / "programs")


def changes(code: str, folder: Path) -> list[str]:
    return [m.mutated for m in mutate(folder, code).mutants]


def in_function(statement: str) -> str:
    return f"int f(int a, int b)\n{{\n    {statement}\n}}\n"


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    return mutate(tmp_path, CODE).run()


def test_what_the_suite_does_not_see_survives_and_all_else_is_caught(outcome: Outcome) -> None:
    assert {(m.function, m.mutated) for m in outcome.survived} == {
        ("least", "return a <= b ? a : b;"),
        ("table", "static const int table[2] = {5, 8};"),
        ("table", "static const int table[2] = {5, 6};"),
    }
    assert {(m.function, m.mutated) for m in outcome.caught} == {
        ("least", "return a >= b ? a : b;"),
        ("full", "return percent > FULL;"),
        ("full", "return percent < FULL;"),
        ("FULL", "#define FULL 101"),
        ("FULL", "#define FULL 99"),
        ("table", "static const int table[2] = {6, 7};"),
        ("table", "static const int table[2] = {4, 7};"),
    }
    assert outcome.score == 7 / 10
    assert [m.line_number for m in outcome.survived if m.function == "least"] == [6]


def test_assertions_and_what_only_they_call_are_not_mutated(tmp_path: Path) -> None:
    code = """
static int deeper(int a) { return a > 1; }
static int check(int a) { return deeper(a) && a < 9; }
static int both(int a) { return a + 1; }
int f(int a) { assert(check(a) && a > 0); assert(both(a)); return both(a) - 1; }
"""
    assert changes(code, tmp_path) == [
        "static int both(int a) { return a - 1; }",
        "static int both(int a) { return a + 2; }",
        "static int both(int a) { return a + 0; }",
        "int f(int a) { assert(check(a) && a > 0); assert(both(a)); return both(a) + 1; }",
        "int f(int a) { assert(check(a) && a > 0); assert(both(a)); return both(a) - 2; }",
        "int f(int a) { assert(check(a) && a > 0); assert(both(a)); return both(a) - 0; }",
    ]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("return a < b;", ["return a <= b;", "return a >= b;"]),
        ("return a == b;", ["return a != b;"]),
        ("return a && b;", ["return a || b;"]),
        ("return a + b;", ["return a - b;"]),
        ("a += b; return a;", ["a -= b; return a;"]),
        ("return a++;", ["return a--;"]),
        ("return 0;", ["return 1;", "return -1;"]),
        ("return 0x10U;", ["return 0x11U;", "return 0xfU;"]),
        ("return UINT8_C(7);", ["return UINT8_C(8);", "return UINT8_C(6);"]),
        ("return true;", ["return false;"]),
        ("return a << 3;", []),
        ("int c[3]; return sizeof(c[2]);", []),
        ('return "1 < 2"[a]; /* 1 < 2 */', []),
        ('_Static_assert(1 < 2, "order"); return a;', []),
    ],
)
def test_operators_and_constants_are_mutated_and_nothing_else(
    tmp_path: Path, statement: str, expected: list[str]
) -> None:
    assert changes(in_function(statement), tmp_path) == expected


def test_constants_that_c_wants_to_know_at_compile_time_are_mutated(tmp_path: Path) -> None:
    code = "enum { ONE = 1, TWO };\nstatic const int t[] = {[ONE] = TWO};\nint f(void)\n{\n    return t[ONE];\n}\n"
    suite = "int f(void);\nint main(void)\n{\n    return f() == 2 ? 0 : 1;\n}\n"
    outcome = mutate(tmp_path, code, suite).run()
    assert [m.mutated for m in outcome.caught] == [
        "enum { ONE = 2, TWO };",
        "enum { ONE = 0, TWO };",
        "static const int t[] = {[ONE] = TWO + 1};",
        "static const int t[] = {[ONE] = TWO - 1};",
    ]
    assert outcome.survived == []


def test_a_mutant_is_the_expression_and_not_its_text(tmp_path: Path) -> None:
    """`a || b && 0` by the text alone would be another one."""
    code = "int f(int a, int b)\n{\n    return a && b && 0;\n}\n"
    suite = "int f(int, int);\nint main(void)\n{\n    return f(1, 0) != 0;\n}\n"
    survived = mutate(tmp_path, code, suite).run().survived
    assert "return a || b && 0;" in [m.mutated for m in survived]


def test_the_difference_of_pointers_has_no_mutant(tmp_path: Path) -> None:
    code = "#include <stddef.h>\nsize_t f(char *a, char *b)\n{\n    return (size_t)(b - a);\n}\n"
    suite = "int f(char *, char *);\nint main(void)\n{\n    char a[2];\n    return f(a, a + 1) != 1;\n}\n"
    outcome = mutate(tmp_path, code, suite).run()
    assert outcome == Outcome([], [])


def test_a_suite_is_left_at_its_first_failure(tmp_path: Path) -> None:
    """Unity jumps out of a case that fails, which makes this one a suite that passes; the jump ends the program."""
    code = "int f(void)\n{\n    return 1;\n}\n"
    suite = """#include <setjmp.h>
        int f(void);
        int main(void)
        {
            jmp_buf left;
            if (setjmp(left) == 0 && f() != 1) {
                longjmp(left, 1);
            }
            return 0;
        }
        """
    assert mutate(tmp_path, code, suite).run().survived == []


def test_a_mutant_that_never_ends_or_crashes_is_caught(tmp_path: Path) -> None:
    code = "int f(int *a)\n{\n    for (int i = 0; i != 8; i++) {\n        *a = i;\n    }\n    return a == 0;\n}\n"
    suite = "int f(int *);\nint main(void)\n{\n    int a;\n    return f(&a);\n}\n"
    caught = [m.mutated for m in mutate(tmp_path, code, suite).run().caught]
    assert "for (int i = 0; i != 8; i--) {" in caught


def test_a_suite_that_fails_without_a_mutant_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="fails without any mutant"):
        mutate(tmp_path, CODE, SUITE.replace("full(99) == 0", "full(99) == 1")).run()


@pytest.mark.parametrize("code", ["int f(void)\n{\n    return 1 +;\n}\n", "#define A\n\n#define B 1 +\n"])
def test_code_that_is_not_understood_is_an_error(tmp_path: Path, code: str) -> None:
    with pytest.raises(ValueError, match=r"code\.c:3: the parser does not understand this"):
        mutate(tmp_path, code)


def entry(function: str, line: str, mutated: str, why: str = "because") -> str:
    fields = {"file": "code.c", "function": function, "line": line, "mutated": mutated, "why": why}
    return "[[survivor]]\n" + "".join(f"{name} = '{value}'\n" for name, value in fields.items())


LEAST = entry("least", "return a < b ? a : b;", "return a <= b ? a : b;")
TABLE = "static const int table[2] = {5, 7};"
LISTED = [
    LEAST,
    entry("table", TABLE, "static const int table[2] = {5, 8};"),
    entry("table", TABLE, "static const int table[2] = {5, 6};"),
]


def test_listed_survivors_are_no_complaint(outcome: Outcome, tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text("".join(LISTED))
    assert complaints(outcome, tmp_path / "list.toml") == []


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [
        (LISTED[1:], "survived, and is not listed with a reason: code.c:6 least:"),
        ([LEAST.replace("because", ""), *LISTED[1:]], "survived, and is not listed with a reason: code.c:6 least:"),
        ([*LISTED, LEAST], "listed as a survivor more than once: "),
        ([*LISTED, entry("FULL", "#define FULL 100", "#define FULL 101")], "listed as a survivor, but caught: "),
        ([*LISTED, entry("gone", "return 1;", "return 2;")], "listed as a survivor, but not there: "),
    ],
    ids=["missing", "no reason", "twice", "caught", "gone"],
)
def test_a_list_that_does_not_fit_is_a_complaint(
    outcome: Outcome, tmp_path: Path, listed: list[str], complaint: str
) -> None:
    (tmp_path / "list.toml").write_text("".join(listed))
    (said,) = complaints(outcome, tmp_path / "list.toml")
    assert said.startswith(complaint)
