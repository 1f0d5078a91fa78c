"""The unit tests notice mistakes in what knows the battery, controls it, warns of it and tells it to the GX."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.instruments import mutation
from support.instruments.mutation import Outcome

SURVIVORS = Path(__file__).with_name("survivors")


@pytest.fixture(scope="module", params=mutation.COMPONENTS)
def component(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def outcome(component: str, native_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    directory = tmp_path_factory.mktemp("mutation")
    yield mutation.of_component(native_build, component, directory / component).run()
    shutil.rmtree(directory)


def test_of_the_mistakes_in_a_component_most_are_noticed(outcome: Outcome, component: str) -> None:
    print(f"{component}: {outcome}", *outcome.survived, sep="\n")
    assert len(outcome.caught) > 100
    assert outcome.score >= mutation.COMPONENTS[component].least


def test_every_mistake_that_is_not_noticed_is_listed_with_its_reason(outcome: Outcome, component: str) -> None:
    assert mutation.complaints(outcome, SURVIVORS / f"{component}.toml") == []


def test_there_is_a_list_for_each_component_and_no_other() -> None:
    assert {path.name for path in SURVIVORS.iterdir()} == {f"{component}.toml" for component in mutation.COMPONENTS}
