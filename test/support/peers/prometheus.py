"""A Prometheus of our own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.fixtures.ports import free_ports
from support.peers.server_process import local_session, server_process

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Sample:
    """One element of an instant vector."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Alert:
    """An alert that is pending or firing."""

    name: str
    state: str
    labels: dict[str, str]
    annotations: dict[str, str]


class Prometheus:
    """What a test asks it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = local_session()

    def ready(self) -> bool:
        """Whether it serves queries."""
        return self._session.get(f"{self._url}/-/ready", timeout=TIMEOUT_S).ok

    def query(self, expression: str, at_s: float | None = None) -> list[Sample]:
        """Evaluate an expression, now or at a time."""
        data = self._get("query", query=expression, **({} if at_s is None else {"time": f"{at_s:.3f}"}))
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(element["metric"], float(element["value"][1])) for element in data["result"]]

    def alerts(self, instance: str) -> list[Alert]:
        """Those of one target."""
        found = [
            Alert(one["labels"]["alertname"], one["state"], one["labels"], one["annotations"])
            for one in self._get("alerts")["alerts"]
        ]
        return [alert for alert in found if alert.labels.get("instance") == instance]

    def _get(self, what: str, **parameters: str) -> Any:
        answer = self._session.get(f"{self._url}/api/v1/{what}", params=parameters, timeout=TIMEOUT_S)
        assert answer.ok, f"{parameters or what}: {answer.text}"
        return answer.json()["data"]


@contextmanager
def prometheus(directory: Path, configuration: Path) -> Iterator[Prometheus]:
    """Run it as a child; its database and its log are in a directory."""
    (port,) = free_ports(1)
    server = Prometheus(f"http://127.0.0.1:{port}")
    command = [
        "prometheus",
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with server_process(command, directory / "prometheus.log", server.ready):
        yield server
