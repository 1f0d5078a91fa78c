"""The gateway's web page and REST interface, over HTTP or HTTPS."""

from pathlib import Path

from tinybms_gateway.api.client import STATUS_PATH, GatewayClient
from tinybms_gateway.api.error import (
    WRONG_ADDRESS,
    GatewayError,
    NotAGatewayError,
    RefusedError,
    UnreachableError,
)
from tinybms_gateway.check.finding import Finding, Result, failed, good
from tinybms_gateway.check.services import (
    DEVICE_FIELD,
    RESTRICTED_FIELD,
    SETTINGS_PATH,
    UI_PATH,
    UNCONFIRMED_FIELD,
    VERSION_FIELD,
)
from tinybms_gateway.check.source import Told

ANSWER_WITHIN_S = 4.0
PAGE_BYTES = 64 * 1024
UI_NAME = "web page"
REST_NAME = "REST status"
SETTINGS_NAME = "settings"
LOGIN_REQUIRED = "login_required"
NOT_SET_UP = "not_set_up"


def check_web(
    url: str, ca: Path | None, answer_within_s: float = ANSWER_WITHIN_S, token: str | None = None
) -> tuple[list[Finding], Told]:
    """Request page, status and settings, one after the other; only the page if nobody answers.

    Args:
        url: address of the gateway, without a slash at its end
        ca: certificates to trust instead of the system's
        answer_within_s: longest time for each answer; the caller bounds the total
        token: shows who asks for the settings

    Returns:
        A finding for each, and what the gateway reported about itself.
    """
    with GatewayClient(url, ca=ca, timeout_s=answer_within_s, token=token) as gateway:
        try:
            page = good(UI_NAME, _page(gateway))
        except UnreachableError as error:
            return [failed(UI_NAME, error.seen, error.advice)], Told()
        except GatewayError as error:
            page = failed(UI_NAME, error.seen, error.advice)
        try:
            told = Told.of(gateway.object(STATUS_PATH), VERSION_FIELD, DEVICE_FIELD)
        except GatewayError as error:
            return [page, failed(REST_NAME, error.seen, error.advice)], Told()
        found = _settings(gateway, known=token is not None)
        return [page, good(REST_NAME, f"{url + STATUS_PATH} answers, {told}"), found], told


def _page(gateway: GatewayClient) -> str:
    answer = gateway.get(UI_PATH, PAGE_BYTES)
    start = answer.body[:1024].lstrip().lower()
    if answer.kind != "text/html" or not (start.startswith((b"<!doctype html", b"<html")) or b"<html" in start):
        raise NotAGatewayError(f"not HTML, but {answer.kind or 'something without a type'}", WRONG_ADDRESS)
    return f"{gateway.url + UI_PATH} answers"


def _settings(gateway: GatewayClient, *, known: bool) -> Finding:
    """Whether lost settings hold the battery down until a person has looked at the others; also shows whether the
    gateway is set up."""
    try:
        told = gateway.object(SETTINGS_PATH)
    except RefusedError as error:
        return _refused(error, known=known)
    except GatewayError as error:
        return failed(SETTINGS_NAME, error.seen, error.advice)
    unconfirmed, restricted = told.get(UNCONFIRMED_FIELD), told.get(RESTRICTED_FIELD)
    if not isinstance(unconfirmed, bool) or not isinstance(restricted, bool):
        return failed(SETTINGS_NAME, f"{SETTINGS_PATH} does not say whether any were lost", WRONG_ADDRESS)
    if unconfirmed:
        advice = "the battery is held down: look at the settings and confirm them, docs/architecture.md"
        return failed(SETTINGS_NAME, "some were lost, and the others are not confirmed", advice)
    if restricted:
        return failed(SETTINGS_NAME, "confirmed, but the battery is still held down", "restart the gateway")
    return good(SETTINGS_NAME, "none are lost")


def _refused(error: RefusedError, *, known: bool) -> Finding:
    """Who may not read the settings has not asked for them, unless a token was given."""
    if error.error == LOGIN_REQUIRED and not known:
        advice = "give a token with --token-file or TINYBMS_TOKEN to check them"
        return Finding(SETTINGS_NAME, Result.NOT_ASKED_FOR, "the gateway wants a login", advice)
    if error.error == NOT_SET_UP:
        return failed(SETTINGS_NAME, "the gateway is not set up: it has no password yet", error.advice)
    return failed(SETTINGS_NAME, error.seen, error.advice)
