"""The broker and the certificate of these tests."""

from collections.abc import Iterator

import pytest

from broker import Ports, mosquitto
from certificates import Certificate, make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Ports]:
    with mosquitto(tmp_path_factory.mktemp("mosquitto"), certificate) as ports:
        yield ports
