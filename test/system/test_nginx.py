"""nginx, with the site of docs/deploy, in front of a native gateway: TLS outside, few connections inside."""

import asyncio
import gzip
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from support.fixtures.access import PASSWORD, readable_stack
from support.fixtures.certificates import make_certificate
from support.fixtures.deploy_files import shipped
from support.fixtures.ports import free_ports
from support.instruments.watch import wait_until
from support.peers.nginx import nginx
from support.peers.server_process import local_session

REQUESTS = 2
"""Most requests that nginx makes of the gateway at a time: max_conns in nginx.conf."""
WEBSOCKETS = 3
"""Most WebSockets that it opens: limit_conn in nginx.conf."""
PAGE = b"<!doctype html><html><title>TinyBMS</title></html>"
NAME = "gateway.lan"
"""Of the gateway in nginx.conf, and in its setting web.hosts."""
ESTABLISHED = "01"


@dataclass(frozen=True)
class House:
    """A gateway behind nginx."""

    gateway_port: int
    http_port: int
    https_port: int
    trusted: ssl.SSLContext
    session: requests.Session

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.https_port}{path}"

    def direct(self, path: str) -> requests.Response:
        """Ask the gateway itself, on a connection that does not stay."""
        with local_session() as session:
            url = f"http://127.0.0.1:{self.gateway_port}{path}"
            return session.get(url, timeout=10, headers={"Connection": "close"})

    def status_of(self, path: str) -> int:
        """Of an answer, on a connection of its own."""
        with local_session() as session:
            return session.get(self.url(path), timeout=20, verify=self.session.verify).status_code

    def websocket(self) -> connect:
        """Of asyncio: the client with threads was once seen to wait for an answer that nginx had sent over TLS."""
        return connect(f"wss://127.0.0.1:{self.https_port}/ws", ssl=self.trusted, proxy=None)

    def tls(self) -> ssl.SSLSocket:
        """A bare connection."""
        bare = socket.create_connection(("127.0.0.1", self.https_port), timeout=10)
        return self.trusted.wrap_socket(bare, server_hostname="127.0.0.1")

    def clients(self) -> set[str]:
        """Who is connected to the gateway, as the kernel lists it."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        here = f":{self.gateway_port:04X}"
        return {row[2] for row in rows if row[1].endswith(here) and row[3] == ESTABLISHED}

    def wait_until_free(self) -> None:
        """Until nobody is connected to the gateway."""
        wait_until(lambda: not self.clients(), 10.0, lambda: f"connected: {self.clients()}")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The shipped site differs in names, ports and places, and in how long a copy counts without a question."""
    files = tmp_path / "web"
    files.mkdir()
    (files / "index.html.gz").write_bytes(gzip.compress(PAGE))
    options = ("--set", f"web.hosts={NAME}", "--web", str(files))
    with readable_stack(options=options) as stack:
        gateway_port = int(stack.gateway.url().rpartition(":")[2])
        http, https = free_ports(2)
        certificate = make_certificate(tmp_path)
        site = shipped(
            "nginx.conf",
            {
                "192.168.1.20:80": f"127.0.0.1:{gateway_port}",
                "listen 80;": f"listen 127.0.0.1:{http};",
                "listen 443 ssl": f"listen 127.0.0.1:{https} ssl",
                "    listen [::]:80;\n": "",
                "    listen [::]:443 ssl http2;\n": "",
                "gateway.lan": "127.0.0.1",
                "/etc/nginx/tinybms/certificate.pem": str(certificate.path),
                "/etc/nginx/tinybms/key.pem": str(certificate.key),
                "/var/lib/nginx": str(tmp_path),
                "proxy_cache_valid 200 1m;": "proxy_cache_valid 200 2s;",
            },
        )
        with local_session() as session:
            session.verify = str(certificate.path)

            def ready() -> bool:
                return session.get(f"http://127.0.0.1:{http}/", allow_redirects=False, timeout=5).status_code == 301

            with nginx(tmp_path, site, ready):
                trusted = ssl.create_default_context(cafile=str(certificate.path))
                yield House(gateway_port, http, https, trusted, session)


@contextmanager
def most_connections(house: House) -> Iterator[list[int]]:
    """While it is open: the largest number of connections of the gateway so far, as the only element.

    The kernel makes its list while connections come and go. Those in two lists were all there between the two.
    """
    most = [0]
    end = threading.Event()

    def look() -> None:
        before = house.clients()
        while not end.wait(0.001):
            now = house.clients()
            most[0] = max(most[0], len(before & now))
            before = now

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            yield most
        finally:
            end.set()
            looking.result()


def test_page_api_and_stream_come_through_tls(house: House) -> None:
    page = house.session.get(house.url("/"), timeout=10)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.content == PAGE
    for header, value in {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=2592000",
    }.items():
        assert page.headers[header] == value
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]

    status = house.session.get(house.url("/api/v1/status"), timeout=10)
    assert status.json() == house.direct("/api/v1/status").json()
    assert status.headers["Cache-Control"] == "no-store"
    assert "tinybms_build_info" in house.session.get(house.url("/metrics"), timeout=10).text
    assert house.session.get(house.url("/api/v1/nothing"), timeout=10).status_code == 404

    async def two_messages() -> list[str]:
        async with house.websocket() as stream:
            return [json.loads(await stream.recv())["type"] for _ in range(2)]

    assert asyncio.run(asyncio.wait_for(two_messages(), 10)) == ["state", "state"]

    plain = f"http://127.0.0.1:{house.http_port}/api/v1/state?x=1"
    led = house.session.get(plain, allow_redirects=False, timeout=10)
    assert (led.status_code, led.headers["Location"]) == (301, "https://127.0.0.1/api/v1/state?x=1")


def test_a_login_behind_tls_is_for_tls_only_and_changes_come_through(house: House) -> None:
    """With cookies of other pages, and with the password of nginx itself, which the gateway does not get."""
    origin = f"https://127.0.0.1:{house.https_port}"
    login = house.session.post(house.url("/api/v1/session"), json={"password": PASSWORD}, timeout=10)
    assert login.status_code == 200
    assert login.headers["Set-Cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")
    house.session.cookies.set("other", "a" * 6000)
    csrf = {"X-CSRF-Token": login.json()["csrf"], "Origin": origin}
    asked = house.session.get(house.url("/api/v1/session"), auth=("someone", "of nginx"), timeout=10)
    assert (asked.json()["by"], asked.json()["right"]) == ("session", "full")

    def change(**headers: str) -> requests.Response:
        wanted = {"charge.max_a": 80}
        return house.session.patch(house.url("/api/v1/settings"), json=wanted, headers=headers, timeout=30)

    assert change().json()["error"] == "csrf"
    assert change(**csrf | {"Origin": "https://elsewhere.example"}).json()["error"] == "wrong_origin"
    assert change(**csrf, **{"If-Match": '"00000000"'}).json()["error"] == "changed_meanwhile"
    assert change(**csrf).json()["changed"] == ["charge.max_a"]

    made = house.session.post(
        house.url("/api/v1/tokens"), json={"name": "viewer", "right": "read"}, headers=csrf, timeout=30
    )
    token = {"Authorization": f"Bearer {made.json()['token']}"}
    with local_session() as viewer:
        viewer.verify = house.session.verify
        told = viewer.get(house.url("/api/v1/session"), headers=token, timeout=10).json()
    assert (told["by"], told["name"], told["right"]) == ("token", "viewer", "read")

    async def stream(origin: str) -> str:
        headers = {"Cookie": login.headers["Set-Cookie"].partition(";")[0]}
        async with connect(
            f"wss://127.0.0.1:{house.https_port}/ws", ssl=house.trusted, proxy=None, origin=origin,
            additional_headers=headers,
        ) as opened:  # fmt: skip
            return str(json.loads(await opened.recv())["type"])

    assert asyncio.run(asyncio.wait_for(stream(origin), 10)) == "state"
    with pytest.raises(InvalidStatus) as refused:
        asyncio.run(asyncio.wait_for(stream("https://elsewhere.example"), 10))
    assert refused.value.response.status_code == 403


def test_only_names_that_the_gateway_knows_come_through(house: House) -> None:
    for name, status in ((NAME, 200), (NAME.upper(), 200), ("elsewhere.example", 421)):
        answer = house.session.get(house.url("/api/v1/status"), headers={"Host": name}, timeout=10)
        assert answer.status_code == status, name


def test_a_file_is_fetched_once_and_from_then_on_compared_by_its_etag(house: House, tmp_path: Path) -> None:
    """What another client has is no reason to believe in a copy: only nginx's own ETag goes to the gateway."""
    log = tmp_path / "access.log"
    page = house.session.get(house.url("/"), timeout=10)
    known = {"If-None-Match": page.headers["ETag"]}
    assert house.session.get(house.url("/"), headers=known, timeout=10).status_code == 304

    def compared() -> bool:
        answer = house.session.get(house.url("/"), headers={"If-None-Match": '"of another file"'}, timeout=10)
        assert (answer.status_code, answer.content) == (200, PAGE)
        return "/ 200, gateway 304, copy REVALIDATED" in log.read_text()

    wait_until(compared, 10.0, log.read_text)
    assert log.read_text().count("gateway 200, copy") == 1


def test_what_the_gateway_must_not_get_ends_at_nginx(house: House) -> None:
    large = {"Cookie": "a=" + "b" * 6000, "User-Agent": "c" * 1500}
    assert house.session.get(house.url("/api/v1/status"), headers=large, timeout=10).status_code == 200
    house.wait_until_free()
    with most_connections(house) as most:
        body = house.session.post(house.url("/api/v1/settings"), data=b"x" * 8193, timeout=10)
        assert body.status_code == 413
    assert most == [0]


def test_fifty_slow_clients_leave_the_gateway_free(house: House) -> None:
    with ExitStack() as clients:
        for number in range(50):
            client = clients.enter_context(house.tls())
            if number % 2:
                client.sendall(b"GET /api/v1/log HTTP/1.1\r\nHost: 127.0.0.1\r\n")  # and never the end of it
        reader = clients.enter_context(house.tls())
        reader.sendall(b"GET /api/v1/log HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")  # and never reads the answer
        house.wait_until_free()
        assert house.direct("/api/v1/status").status_code == 200
        assert house.session.get(house.url("/api/v1/status"), timeout=10).status_code == 200


def test_fifty_requests_at_a_time_take_two_connections_and_wait_or_are_told_to_come_later(house: House) -> None:
    """Or that the gateway has no connection left (502): on a busy machine it may take longer than their distance."""
    with most_connections(house) as most, ThreadPoolExecutor(50) as pool:
        counted = Counter(pool.map(lambda _: house.status_of("/api/v1/state"), range(50)))
    assert counted.keys() <= {200, 429, 502} and counted[200] > 0, counted
    assert most[0] <= REQUESTS


def test_a_fourth_websocket_is_refused_and_its_place_is_free_again_when_one_leaves(house: House) -> None:
    async def story() -> None:
        async with AsyncExitStack() as viewers:
            first, *_ = [await viewers.enter_async_context(house.websocket()) for _ in range(WEBSOCKETS)]
            with pytest.raises(InvalidStatus) as refused:
                await house.websocket()
            assert refused.value.response.status_code == 503
            assert len(house.clients()) == WEBSOCKETS
            async with connect(f"ws://127.0.0.1:{house.gateway_port}/ws", proxy=None) as direct:
                assert json.loads(await direct.recv())["type"] == "state", "a place for a direct viewer is left"
            await first.close()
            while not await another(house):
                await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(story(), 30))


async def another(house: House) -> bool:
    """Whether one more viewer gets the state."""
    with suppress(InvalidStatus):
        async with house.websocket() as stream:
            return bool(json.loads(await stream.recv())["type"] == "state")
    return False
