"""The Linux runner of the Unity suites prints what Unity 2.6 and the menu of ESP-IDF 5.5 print on a chip."""

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

SUITE = """#include "unity.h"
TEST_CASE("a good one", "[good]")
{
    TEST_ASSERT_EQUAL(2, 1 + 1);
}
TEST_CASE("a bad one", "[bad]")
{
    TEST_ASSERT_EQUAL(2, 1);
}
TEST_CASE("one for later", "[later]")
{
    TEST_IGNORE_MESSAGE("no hardware");
}
"""
MENU = """

Here's the test menu, pick your combo:
(1)\t"a good one" [good]
(2)\t"a bad one" [bad]
(3)\t"one for later" [later]

Enter test for running.
"""
END_OF_MENU = "Enter next test, or 'enter' to see menu\n"


STACK_BYTES = 12288


def compile_suite(root: Path, native_build: Path, folder: Path, source: str) -> Path:
    file = folder / "suite.c"
    file.write_text(source)
    includes = [root / "host/unity/include", root / "host/freertos/include", native_build / "config"]
    options = ["-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-DUNITY_MAIN_STACK_BYTES={STACK_BYTES}"]
    sources = [file, root / "host/unity/unity.c", native_build / "libhost_impl.a"]
    command = ["gcc", *options, *(f"-I{folder}" for folder in includes), *sources, "-o", folder / "suite"]
    subprocess.run(command, check=True, timeout=60)
    return folder / "suite"


@pytest.fixture(scope="module")
def suite(root: Path, native_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_suite(root, native_build, tmp_path_factory.mktemp("suite"), SUITE)


def play(suite: Path, typed: str) -> str:
    """What is printed between the greeting and the end of input."""
    ended = subprocess.run([suite], input=typed, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 0
    greeting = "\n\nPress ENTER to see the list of tests.\n"
    assert ended.stdout.startswith(greeting)
    return ended.stdout.removeprefix(greeting)


def summary(tests: int, failures: int, ignored: int) -> str:
    verdict = "FAIL" if failures else "OK"
    return f"\n-----------------------\n{tests} Tests {failures} Failures {ignored} Ignored \n{verdict}\n"


def test_enter_shows_the_menu(suite: Path) -> None:
    assert play(suite, "\n") == MENU
    assert play(suite, "\r\n\n") == MENU + MENU


def test_a_number_runs_that_case(suite: Path) -> None:
    file = suite.parent / "suite.c"
    good = f"Running a good one...\n{file}:2:a good one:PASS\n{summary(1, 0, 0)}{END_OF_MENU}"
    assert play(suite, "1\n") == good
    assert play(suite, "1\n1\n") == good * 2, "each choice has a summary of its own"


def test_a_failure_names_the_line_of_the_assertion_and_both_values(suite: Path) -> None:
    said = play(suite, "2\n")
    assert f"{suite.parent / 'suite.c'}:8:a bad one:FAIL: Expected 2 Was 1" in said
    assert "PASS" not in said
    assert said.endswith(summary(1, 1, 0) + END_OF_MENU)


def test_an_ignored_case_is_counted_with_its_reason(suite: Path) -> None:
    said = play(suite, "3\n")
    assert f"{suite.parent / 'suite.c'}:12:one for later:IGNORE: no hardware\n" in said
    assert said.endswith(summary(1, 0, 1) + END_OF_MENU)


@pytest.mark.parametrize(
    ("choice", "ran"),
    [
        ("*", ["a good one", "a bad one", "one for later"]),
        ("[bad]", ["a bad one"]),
        ("![bad]", ["a good one", "one for later"]),
        ('"a good one"', ["a good one"]),
        ('"a good"', []),
        ("4", []),
        ("x" * 1000, []),
    ],
)
def test_a_choice_runs_the_cases_it_names(suite: Path, choice: str, ran: list[str]) -> None:
    assert re.findall(r"^Running (.*)\.\.\.$", play(suite, choice + "\n"), re.MULTILINE) == ran


@pytest.mark.parametrize(("choice", "code"), [("*", 1), ("[good]", 0), ("[later]", 0), ("[none]", 1)])
def test_as_an_argument_a_choice_ends_the_program_with_its_result(suite: Path, choice: str, code: int) -> None:
    ended = subprocess.run([suite, choice], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    assert ended.returncode == code


@pytest.mark.parametrize("typed", [b"", b"2\n"], ids=["at once", "after a failure"])
def test_sigterm_ends_it_cleanly(suite: Path, typed: bytes) -> None:
    with subprocess.Popen([suite], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(typed)
        program.stdin.flush()
        last = END_OF_MENU if typed else "Press ENTER to see the list of tests.\n"
        while program.stdout.readline().decode() != last:
            pass
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=20) == 0


ASSERTIONS = [
    ("TEST_ASSERT_TRUE(1 == 2)", "Expected TRUE Was FALSE"),
    ("TEST_ASSERT_FALSE(1 == 1)", "Expected FALSE Was TRUE"),
    ("TEST_ASSERT_NULL(&here)", "Expected NULL"),
    ("TEST_ASSERT_NOT_NULL(nothing)", "Expected Non-NULL"),
    ("TEST_ASSERT_EQUAL_INT64(1LL << 40, -1)", "Expected 1099511627776 Was -1"),
    ("TEST_ASSERT_EQUAL_UINT32(1, 4294967295U)", "Expected 1 Was 4294967295"),
    ("TEST_ASSERT_EQUAL_HEX8(0x9B, 0x0B)", "Expected 0x9B Was 0xB"),
    ("TEST_ASSERT_LESS_THAN(3, 3)", "Expected 3 to be less than 3"),
    ("TEST_ASSERT_LESS_OR_EQUAL(3, 4)", "Expected 4 to be less than or equal to 3"),
    ("TEST_ASSERT_GREATER_THAN(3, 3)", "Expected 3 to be greater than 3"),
    ("TEST_ASSERT_GREATER_OR_EQUAL(3, 2)", "Expected 2 to be greater than or equal to 3"),
    ('TEST_ASSERT_EQUAL_STRING("a", "b")', "Expected 'a' Was 'b'"),
    ('TEST_ASSERT_EQUAL_MEMORY("ab", "aB", 2)', "Byte 1 Expected 0x62 Was 0x42"),
    ('TEST_ASSERT_EQUAL_MEMORY("ab", "ab", 0)', "You Asked Me To Compare Nothing"),
]


@pytest.fixture(scope="module")
def assertions(root: Path, native_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite in which every kind of assertion fails in a case of its own."""
    cases = [f'TEST_CASE("case", "[x]") {{ {assertion}; }}' for assertion, _ in ASSERTIONS]
    source = ['#include "unity.h"', "static int here;", "static void *nothing;", *cases]
    return compile_suite(root, native_build, tmp_path_factory.mktemp("assertions"), "\n".join(source) + "\n")


@pytest.mark.parametrize(("number", "message"), list(enumerate((message for _, message in ASSERTIONS), start=1)))
def test_an_assertion_that_does_not_hold_fails_the_case(assertions: Path, number: int, message: str) -> None:
    said = play(assertions, f"{number}\n")
    assert f"suite.c:{number + 3}:case:FAIL: {message}" in said
    assert summary(1, 1, 0) in said


ROWS = """#include "ROOT/test/unit/row.h"
static void expect(int expected, int actual)
{
    TEST_ASSERT_EQUAL(expected, actual);
}
TEST_CASE("in a row", "[x]")
{
    for (int i = 0; i < 3; i++) {
        ROW("cases[%d]", i);
        for (int bit = 0; bit < 2; bit++) {
            ROW("bit %d", bit);
            expect(1, i + bit < 3);
        }
    }
}
TEST_CASE("behind the rows of one that failed", "[x]")
{
    expect(1, 0);
}
TEST_CASE("in a row, behind the rows within it", "[x]")
{
    ROW("%s", "outer");
    {
        ROW("%s", "inner");
    }
    expect(1, 0);
}
TEST_CASE("in a row with a name too long", "[x]")
{
    ROW("%s", "0123456789012345678901234567890123456789012345678901234567890123456789");
    {
        ROW("%s", "inner");
        expect(1, 0);
    }
}
TEST_CASE("behind the rows", "[x]")
{
    {
        ROW("%s", "inner");
    }
    expect(1, 0);
}
"""


def test_a_failure_names_the_row_of_the_table(root: Path, native_build: Path, tmp_path: Path) -> None:
    source = ROWS.replace("ROOT", str(root))
    said = play(compile_suite(root, native_build, tmp_path, source), "*\n")
    assert re.findall(r"FAIL: Expected 1 Was 0\. actual(.*)", said) == [
        ". Row cases[2], bit 1",
        "",
        ". Row outer",
        f". Row {('0123456789' * 7)[:63]}",
        "",
    ]


HUNGRY = """#include <string.h>
#include "unity.h"
static int use(volatile char *bytes, int size)
{
    for (int i = 0; i < size; i++) {
        bytes[i] = 1;
    }
    return bytes[0];
}
TEST_CASE("modest", "[x]")
{
    volatile char some[SIZE_MODEST];
    TEST_ASSERT_EQUAL(1, use(some, sizeof(some)));
}
TEST_CASE("hungry", "[x]")
{
    volatile char many[SIZE_HUNGRY];
    TEST_ASSERT_EQUAL(1, use(many, sizeof(many)));
}
TEST_CASE("next", "[x]")
{
}
"""


def test_a_case_that_needs_more_stack_than_the_chips_main_task_has_fails(
    root: Path, native_build: Path, tmp_path: Path
) -> None:
    source = HUNGRY.replace("SIZE_MODEST", str(STACK_BYTES // 2)).replace("SIZE_HUNGRY", str(STACK_BYTES))
    said = play(compile_suite(root, native_build, tmp_path, source), "*\n")
    ended = re.findall(r"suite.c:\d+:(\w+):(\w+)", said)
    assert ended == [("modest", "PASS"), ("hungry", "FAIL"), ("next", "PASS")]
    assert f"hungry:FAIL: needs more stack than the {STACK_BYTES} bytes that the chip's main task has" in said
    assert said.endswith(summary(3, 1, 0) + END_OF_MENU)


def test_the_suites_are_held_against_the_stack_that_the_chip_gives_them(root: Path, native_build: Path) -> None:
    given = re.search(
        r"^CONFIG_ESP_MAIN_TASK_STACK_SIZE=(\d+)$", (root / "test/chip/sdkconfig.defaults").read_text(), re.M
    )
    commands = json.loads((native_build / "compile_commands.json").read_text())
    runner = next(entry["command"] for entry in commands if entry["file"].endswith("/unity/unity.c"))
    assert given
    assert re.findall(r"-DUNITY_MAIN_STACK_BYTES=(\d+)", runner) == [given[1]]
    assert int(given[1]) == STACK_BYTES
