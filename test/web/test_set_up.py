"""A new gateway in a real browser, from an empty profile: set up, logged in, changed, and attacked by another page."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page, expect

from support.fixtures.browser import POLICY, Tab, chromium, empty_profile
from support.instruments.watch import has_id, limits, open_bus, wait_for
from tinybms_gateway.gateway_data import setup_code
from tinybms_gateway.gateway_process import OWN_WEB
from tinybms_gateway.gateway_stack import gateway_stack

PASSWORD = "a battery in the barn"  # pragma: allowlist secret
SHORT = "too short"
REBOUND = "gateway.attacker.example"
"""A name of somebody else that leads to this machine: DNS rebinding."""
AMPERES = 12
FASTER = 8
"""Than real time: flash is written in turns, which come with the frames."""


@dataclass(frozen=True)
class NewGateway:
    """One that nobody has set up yet."""

    url: str
    code: str
    can: str


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1") as started:
        yield started


@pytest.fixture
def gateway() -> Iterator[NewGateway]:
    with gateway_stack(scenario="rest", http=OWN_WEB, time_scale=FASTER) as stack:
        yield NewGateway(stack.gateway.url(), str(setup_code(stack.gateway.data)), stack.can_backend)


@pytest.fixture
def tab(browser: Browser, gateway: NewGateway) -> Iterator[Tab]:
    with empty_profile(browser, gateway.url) as opened:
        opened.page.goto(f"{gateway.url}/")
        yield opened
        assert opened.problems == []


def set_up(page: Page, code: str, password: str = PASSWORD, again: str | None = None) -> None:
    page.get_by_label("Set-up code").fill(code)
    page.get_by_label("New password, at least 10 characters").fill(password)
    page.get_by_label("The new password again").fill(password if again is None else again)
    page.get_by_role("button", name="Set the password").click()


def log_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def change(page: Page, label: str, value: str) -> None:
    page.get_by_label("Setting").select_option(label=label)
    page.get_by_label("Value").fill(value)
    page.get_by_role("button", name="Save").click()


def sees_state(page: Page) -> None:
    expect(page.get_by_text("State of charge")).to_be_visible()
    expect(page.locator("dd").filter(has_text="online")).to_be_visible()


@pytest.fixture
def inside(gateway: NewGateway, tab: Tab) -> Tab:
    """Set up and logged in."""
    set_up(tab.page, gateway.code)
    sees_state(tab.page)
    return tab


def wrong(code: str) -> str:
    """Another code of the same form."""
    return code[1:] + ("2" if code[0] != "2" else "3")


def test_a_new_gateway_is_set_up_from_an_empty_profile(gateway: NewGateway, tab: Tab) -> None:
    page, alert = tab.page, tab.page.get_by_role("alert")
    expect(page.get_by_label("Set-up code")).to_be_focused()
    expect(page.get_by_label("Password", exact=True)).to_be_hidden()
    set_up(page, wrong(gateway.code))
    expect(alert).to_contain_text("code")
    set_up(page, gateway.code, again="a battery in the bran")
    expect(alert).to_contain_text("differ")
    set_up(page, gateway.code, SHORT)
    expect(alert).to_contain_text("10")
    expect(page.get_by_role("heading", name="State", exact=True)).to_be_hidden()
    set_up(page, gateway.code)
    sees_state(page)
    expect(alert).to_be_empty()
    expect(page.get_by_label("Set-up code")).to_be_hidden()


def test_a_session_lasts_over_a_reload_and_ends_with_the_log_out(gateway: NewGateway, inside: Tab) -> None:
    page = inside.page
    page.reload()
    sees_state(page)
    (cookie,) = inside.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"], cookie["expires"]) == (True, "Strict", "/", -1)
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    expect(page.get_by_text("State of charge")).to_be_hidden()
    assert page.goto(f"{gateway.url}/api/v1/state").status == 401  # type: ignore[union-attr]
    page.goto(f"{gateway.url}/recovery")
    log_in(page, "not the password")
    expect(page.get_by_role("alert")).to_contain_text("password")
    log_in(page)
    sees_state(page)
    assert inside.context.cookies()[0]["value"] != cookie["value"]


def test_too_many_wrong_codes_and_the_page_says_how_long_to_wait(gateway: NewGateway, tab: Tab) -> None:
    alert = tab.page.get_by_role("alert")
    for _ in range(5):
        set_up(tab.page, wrong(gateway.code))
        expect(alert).not_to_be_empty()
        expect(alert).not_to_contain_text("Try again in")
    set_up(tab.page, gateway.code)
    expect(alert).to_contain_text("Try again in")


def test_a_keyboard_is_enough(gateway: NewGateway, tab: Tab) -> None:
    expect(tab.page.get_by_label("Set-up code")).to_be_focused()
    for text in (gateway.code, PASSWORD):
        tab.page.keyboard.type(text)
        tab.page.keyboard.press("Tab")
    tab.page.keyboard.type(PASSWORD)
    tab.page.keyboard.press("Enter")
    sees_state(tab.page)


def test_a_limit_is_changed_and_seen_on_the_bus(gateway: NewGateway, inside: Tab) -> None:
    page = inside.page
    with open_bus(gateway.can) as bus:
        wait_for(bus, lambda frame: has_id(0x351)(frame) and limits(frame)[1] > AMPERES * 10, 40.0)
        change(page, "Maximum charge current, CCL, A", "100000")
        expect(page.get_by_role("alert")).to_contain_text("750")
        change(page, "Maximum charge current, CCL, A", str(AMPERES))
        expect(page.get_by_role("status")).to_have_text("Saved.")
        wait_for(bus, lambda frame: has_id(0x351)(frame) and limits(frame)[1] == AMPERES * 10, 5.0)
    page.reload()
    page.get_by_label("Setting").select_option(label="Maximum charge current, CCL, A")
    expect(page.get_by_label("Value")).to_have_value(str(AMPERES))


def test_another_session_ends_and_the_page_asks_for_the_password(inside: Tab) -> None:
    """As when its time is over."""
    inside.context.clear_cookies()
    expect(inside.page.get_by_label("Password", exact=True)).to_be_visible()
    expect(inside.page.get_by_text("State of charge")).to_be_hidden()


def test_the_policy_lets_nothing_else_run(inside: Tab) -> None:
    """A text that became a script would not run, nor be sent anywhere."""
    inside.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.evil = true';
            document.body.append(script);
            document.body.setAttribute('onclick', 'window.evil = true');
            document.body.click();
        }"""
    )
    assert inside.page.evaluate("window.evil") is None
    assert [POLICY in problem for problem in inside.problems] == [True, True]
    inside.problems.clear()


PATCH = """([path, headers]) => fetch(path, {method: 'PATCH', headers: {'Content-Type': 'application/json', ...headers},
    body: '{"charge.max_a": 12}'}).then(answer => answer.json()).then(said => said.error)"""


def test_a_cookie_alone_changes_nothing(inside: Tab) -> None:
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 32}):
        assert inside.page.evaluate(PATCH, ["/api/v1/settings", headers]) == "csrf"


@contextmanager
def other_page() -> Iterator[str]:
    """A page on another port of this machine: of the same site, so that a browser sends the cookie along."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>other</title>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_page_of_somebody_else_reads_and_changes_nothing(gateway: NewGateway, inside: Tab) -> None:
    """With the cookie of who is logged in: as a form, as a request, and as a WebSocket."""
    with other_page() as other:
        page = inside.context.new_page()
        page.goto(other)
        seen = page.evaluate(
            """async url => {
                const asked = (path, options) => fetch(url + path, {credentials: 'include', ...options})
                    .then(answer => answer.type === 'opaque' ? 'opaque' : answer.status, () => 'refused');
                const socket = new Promise(done => {
                    const opened = new WebSocket(url.replace('http', 'ws') + '/ws');
                    opened.onopen = () => done('open');
                    opened.onerror = () => done('refused');
                });
                return [await asked('/api/v1/state'),
                    await asked('/api/v1/settings', {method: 'PATCH', headers: {'Content-Type': 'application/json'},
                        body: '{"charge.max_a": 12}'}),
                    await asked('/api/v1/restart', {method: 'POST', mode: 'no-cors', body: '{}'}),
                    await socket];
            }""",
            gateway.url,
        )
        assert seen == ["refused", "refused", "opaque", "refused"]
        with page.expect_navigation():
            page.evaluate(
                """url => {
                    const form = document.createElement('form');
                    Object.assign(form, {method: 'POST', enctype: 'text/plain', action: url + '/api/v1/restart'});
                    document.body.append(form);
                    form.submit();
                }""",
                gateway.url,
            )
        expect(page.locator("body")).to_contain_text("wrong_origin")
    settings = inside.page.evaluate("fetch('/api/v1/settings').then(answer => answer.json())")
    assert settings["settings"]["charge.max_a"]["saved"] == 0
    sees_state(inside.page)


def test_a_name_that_is_not_the_gateways_is_refused(browser: Browser, gateway: NewGateway) -> None:
    url = f"http://{REBOUND}:{gateway.url.rpartition(':')[2]}"
    with empty_profile(browser, url) as tab:
        for path in ("/", "/api/v1/status"):
            answer = tab.page.goto(url + path)
            assert answer is not None
            assert answer.status == 421
