"""The broker and the certificate of these tests."""

from collections.abc import Iterator

import pytest

from support.fixtures.certificates import Certificate, make_certificate
from support.peers.broker import Ports, mosquitto


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[Ports]:
    with mosquitto(tmp_path_factory.mktemp("mosquitto"), certificate) as ports:
        yield ports
