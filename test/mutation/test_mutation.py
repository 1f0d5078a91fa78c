"""The unit tests notice mistakes in what decides how a battery is charged and when it is in danger."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import mutation
from mutation import Outcome

SURVIVORS = Path(__file__).with_name("survivors.toml")


@pytest.fixture(scope="module")
def outcomes(native_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    directory = tmp_path_factory.mktemp("mutation")
    yield {name: mutation.of_component(native_build, name, directory / name).run() for name in mutation.COMPONENTS}
    shutil.rmtree(directory)


@pytest.mark.parametrize("component", mutation.COMPONENTS)
def test_of_the_mistakes_in_a_component_95_percent_are_noticed(outcomes: dict[str, Outcome], component: str) -> None:
    print(f"{component}: {outcomes[component]}", *outcomes[component].survived, sep="\n")
    assert len(outcomes[component].caught) > 100
    assert outcomes[component].score >= mutation.CAUGHT_AT_LEAST


def test_of_all_the_mistakes_95_percent_are_noticed(outcomes: dict[str, Outcome]) -> None:
    together = sum(outcomes.values(), Outcome([], []))
    print(f"together: {together}")
    assert together.score >= mutation.CAUGHT_AT_LEAST


def test_every_mistake_that_is_not_noticed_is_listed_with_its_reason(outcomes: dict[str, Outcome]) -> None:
    together = sum(outcomes.values(), Outcome([], []))
    assert mutation.complaints(together, SURVIVORS) == []
