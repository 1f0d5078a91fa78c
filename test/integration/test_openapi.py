"""The native gateway answers as docs/openapi.yaml says, whatever it is asked."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fixtures.access import readable_stack, set_up
from support.fixtures.web_files import PAGE, SCRIPT, make_web_files
from support.instruments.openapi import close, description, problems, schema_of
from support.instruments.watch import open_bus, wait_until
from support.instruments.web_attack import PLAIN_HEAP
from support.instruments.web_load import documents
from tinybms_gateway.api.client import GatewayClient
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.gateway_stack import GatewayStack, gateway_stack
from tinybms_gateway.sim.gx.simulator import send_keepalive

SCHEMATHESIS = Path(sys.executable).with_name("st")
EXAMPLES = 60
PATHS = documents()
DOCUMENTS = [path for path in PATHS if path not in ("/", "/metrics", "/api/v1/log")]
STATUSES = {int(status) for status in description()["paths"]["/{file}"]["get"]["responses"]}
CONFIGURATION = """
# The parser of the gateway knows no QUERY: 400. A long path is 414, and long headers are 431.
[phases.coverage]
unexpected-methods = ["DELETE", "PUT", "POST", "PATCH", "OPTIONS", "TRACE"]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 409, 412, 413, 414, 415, 421, 422, 429, 431, 503]
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 501, 503, 505]
# What a setting or a register takes is not in the schema of the body; 400: a text has no NUL.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 400, 401, 403, 404, 409, 412, 422, 429, 503]
[checks.missing_required_header]
expected-statuses = [401, 403, 415, 421, 422]
"""
ENDING = ("logOut", "changePassword", "restart", "factoryReset")
"""Operations after which a session has ended; test_web_answers.py does them."""
OF_SESSIONS = ("getTokens", "getAudit", "exportSettings")
SCALE = 5.0


@pytest.fixture(scope="module", autouse=True)
def plain_heap() -> Iterator[None]:
    """A gateway that is asked thousands of things counts what is free as the chip does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*PLAIN_HEAP)
        yield


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayStack]:
    web = make_web_files(tmp_path_factory.mktemp("files") / "web")
    with readable_stack(scenario="rest", options=("--web", str(web))) as stack:
        with open_bus(stack.can_backend) as bus, GatewayClient(stack.gateway.url()) as client:
            send_keepalive(bus)
            wait_until(lambda: client.object("/api/v1/state")["publishing"], 20.0)
        yield stack
        assert stack.gateway.process.poll() is None


@pytest.fixture(scope="module")
def url(running: GatewayStack) -> str:
    return running.gateway.url()


def schemathesis(url: str, directory: Path, *options: str, logged_in: bool = False) -> str:
    """Every operation with examples, edges and random values, of which many break the description; what it says.

    Where it is logged in, by headers, it need not try what it would be without.
    """
    whole = deepcopy(description())
    for schema in whole["components"]["schemas"].values():
        close(schema)
    del whole["paths"]["/ws"]
    if logged_in:
        whole["security"] = []
        for item in whole["paths"].values():
            for operation in item.values():
                operation["security"] = []
    (directory / "openapi.json").write_text(json.dumps(whole))
    (directory / "schemathesis.toml").write_text(CONFIGURATION)
    ended = subprocess.run(
        [SCHEMATHESIS, "run", "openapi.json", "--url", url, "--checks", "all", "--max-examples", str(EXAMPLES),
         "--workers", "2", "--continue-on-failure", "--request-timeout", "10", "--no-color", "--warnings", "off",
         "--generation-database", "none", *options],
        cwd=directory, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-1000:]
    return ended.stdout


def operation_ids(*methods: str) -> list[str]:
    """All, or those of some methods, but the WebSocket, which without an upgrade is always 426; see below."""
    paths = description()["paths"]
    return [
        operation["operationId"]
        for path in paths
        if path != "/ws"
        for method, operation in paths[path].items()
        if not methods or method in methods
    ]


def test_schemathesis_finds_nothing_without_a_login(url: str, tmp_path: Path) -> None:
    """Anybody may read; all that changes something is refused."""
    assert f"{len(operation_ids())} selected" in schemathesis(url, tmp_path)


def test_schemathesis_finds_nothing_with_a_token_that_may_read(tmp_path: Path) -> None:
    with gateway_stack(scenario="rest", http=OWN_WEB) as stack:
        token = set_up(stack.gateway).token("schemathesis")
        said = schemathesis(stack.gateway.url(), tmp_path, "--header", f"Authorization: Bearer {token}")
    assert f"{len(operation_ids())} selected" in said


def test_schemathesis_finds_nothing_with_a_session(tmp_path: Path) -> None:
    """On a gateway of its own: settings, tokens and registers are changed. Each change waits for the flash."""
    chosen = {*operation_ids("post", "put", "patch", "delete"), *OF_SESSIONS} - set(ENDING)
    with gateway_stack(scenario="rest", http=OWN_WEB, time_scale=SCALE) as stack:
        admin = set_up(stack.gateway)
        headers = admin.headers | {"Connection": "close"}
        options = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
        options += [part for name in chosen for part in ("--include-operation-id", name)]
        said = schemathesis(stack.gateway.url(), tmp_path, *options, "--max-examples", "10", logged_in=True)
        assert stack.gateway.process.poll() is None
        assert admin.change("PATCH", "/api/v1/settings", {"charge.max_a": 99}).status_code == 200, "still logged in"
    assert f"{len(chosen)} selected" in said


@pytest.mark.parametrize("path", DOCUMENTS)
def test_an_answer_has_all_that_is_described_and_no_more(url: str, path: str) -> None:
    answer = requests.get(url + path, timeout=10)
    assert answer.status_code == 200
    assert problems(schema_of(path), answer.json()) == []


@pytest.mark.parametrize("path", [*PATHS, "/app.js", "/no/such/file"])
def test_head_is_like_get_without_the_body(url: str, path: str) -> None:
    got, head = requests.get(url + path, timeout=10), requests.head(url + path, timeout=10)
    assert (head.status_code, head.content) == (got.status_code, b"")
    about_the_body = {"Content-Length", "Transfer-Encoding"}
    assert {name: value for name, value in got.headers.items() if name not in about_the_body} == {
        name: value for name, value in head.headers.items() if name not in about_the_body
    }


@pytest.mark.parametrize(("path", "content"), [("/", PAGE), ("/app.js", SCRIPT)])
def test_files_have_a_strong_tag_by_which_a_copy_is_still_right(url: str, path: str, content: bytes) -> None:
    got = requests.get(url + path, timeout=10)
    assert (got.status_code, got.content, got.headers["Content-Encoding"]) == (200, content, "gzip")
    tag = got.headers["ETag"]
    assert tag.startswith('"')
    same = requests.get(url + path, headers={"If-None-Match": tag}, timeout=10)
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    other = requests.get(url + path, headers={"If-None-Match": '"other"'}, timeout=10)
    assert (other.status_code, other.content) == (200, content)


@pytest.mark.parametrize(
    "options",
    [{"faults": ("silence",)}, {"scenario": "overvoltage"}, {"asleep": True}],
    ids=["silent", "fault", "asleep"],
)
def test_so_it_is_while_little_is_known_and_while_something_is_wrong(options: dict[str, object]) -> None:
    with readable_stack(**options) as stack, GatewayClient(stack.gateway.url()) as client:
        if options.get("scenario"):
            wait_until(lambda: "high_voltage" in client.object("/api/v1/state")["alarms"], 30.0)
        for path in DOCUMENTS:
            if path != "/api/v1/bms/profile" or "faults" not in options:  # of a BMS that says nothing there is none
                assert problems(schema_of(path), client.object(path)) == [], path


def test_a_real_battery(real_dump: Path) -> None:
    with readable_stack(dump=real_dump) as stack, GatewayClient(stack.gateway.url()) as client:
        wait_until(lambda: client.object("/api/v1/bms/registers")["settings_known"], 20.0)
        for path in DOCUMENTS:
            assert problems(schema_of(path), client.object(path)) == [], path


TEXT = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40)
PIECES = ["/", "..", "%2e", "%2F", "%00", "%5c", "\\", "app.js", "api", "v1", "state", ";", "?", "#", "//", "@", "\xff"]
NAMES = ["Host", "Accept", "Accept-Encoding", "If-None-Match", "Range", "Expect", "Upgrade", "X-Own", "Origin"]
TARGETS = st.one_of(
    st.sampled_from(PATHS),
    TEXT,
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.integers(1, 3000).map(lambda length: "x" * length),
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(NAMES),
    TEXT | st.integers(1, 3000).map(lambda length: "y" * length),
    max_size=4,
)  # fmt: skip
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "get", "BREW"])


@settings(max_examples=300, deadline=None)
@given(method=METHODS, target=TARGETS, query=st.none() | TEXT, headers=HEADERS)
def test_strangers_get_an_answer_that_is_described(
    url: str, method: str, target: str, query: str | None, headers: dict[str, str]
) -> None:
    parts = urlsplit(url)
    with contextlib.closing(HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as connection:
        connection.putrequest(method, "/", skip_host="Host" in headers, skip_accept_encoding=True)
        first = f"{method} /{target.lstrip('/')}{'' if query is None else '?' + query} HTTP/1.1".encode("latin-1")
        connection._buffer[0] = first  # as it is: http.client refuses some targets
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
    assert answer.status in STATUSES | {401, 415, 422, 426, 429}
    assert answer.status < 500 or answer.status in (501, 503, 505)
    if method == "HEAD":
        assert body == b""
    elif answer.status >= 400:
        assert answer.headers.get_content_type() == "application/json"
        assert problems("Error", json.loads(body)) == []


@pytest.mark.parametrize(
    ("first_line", "status"),
    [
        (b"GET /api/v1/state HTTP/2.0", 505),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1", 414),
        (b"POST /api/v1/state HTTP/1.1", 405),
        (b"GET /../../etc/passwd HTTP/1.1", 404),
        (b"GET /ws HTTP/1.1", 426),
        (b"GARBAGE", 400),
    ],
)
def test_single_refusals(url: str, first_line: bytes, status: int) -> None:
    parts = urlsplit(url)
    with contextlib.closing(HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as connection:
        connection.putrequest("GET", "/")
        connection._buffer[0] = first_line
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == status
        assert problems("Error", json.loads(answer.read())) == []
    if status == 405:
        assert answer.headers["Allow"] == "GET, HEAD"


def test_every_message_of_the_websocket_is_as_described(running: GatewayStack, url: str) -> None:
    seen = set()
    with (
        open_bus(running.can_backend) as bus,
        GatewayClient(url) as client,
        client.listen(["can", "uart"], 20.0) as messages,
    ):
        for message in messages:
            assert problems("WebSocketMessage", message) == []
            if not seen:
                assert message["type"] == "state", "the whole state comes first"
            if message["type"] == "state":
                send_keepalive(bus)
            seen.add(message["type"])
            if seen == {"state", "can", "uart"}:
                break
    assert seen == {"state", "can", "uart"}


@pytest.mark.parametrize("subscribe", ["gossip", "can,gossip", "CAN", "can;uart", "x" * 200])
def test_unknown_topics_are_refused(url: str, subscribe: str) -> None:
    key = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    answer = requests.get(f"{url}/ws?subscribe={subscribe}", timeout=10,
                          headers=key | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})  # fmt: skip
    assert answer.status_code == 400
    assert problems("Error", answer.json()) == []


def test_a_fifth_websocket_is_refused(url: str) -> None:
    with GatewayClient(url) as client, contextlib.ExitStack() as four:
        for _ in range(4):
            assert next(four.enter_context(client.listen()))["type"] == "state"
        with pytest.raises(Exception, match="HTTP 503"), client.listen():
            pass
        assert client.object("/api/v1/diagnostics")["web"]["websockets"] == 4
