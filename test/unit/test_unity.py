"""Runs the Unity suites by their menu, the same way on this machine, on a chip and in an emulator of one."""

from pytest_embedded import Dut


def test_every_case_passes(dut: Dut) -> None:
    dut.run_all_single_board_cases(timeout=20)
    assert dut.test_menu
    assert [(case.name, case.result) for case in dut.testsuite.testcases] == [
        (case.name, "PASS") for case in dut.test_menu
    ]
