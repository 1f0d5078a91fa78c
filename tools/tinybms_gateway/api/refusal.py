"""What an answer that is an error means: the exception for it, in the words of the gateway, and what to do."""

import json
from collections.abc import Mapping
from typing import Any

from tinybms_gateway.api.error import (
    WRONG_ADDRESS,
    BusyError,
    ConflictError,
    InvalidError,
    NotAllowedError,
    NotLoggedInError,
    PausedError,
    Problem,
    RefusedError,
)
from tinybms_gateway.foreign_text import shortened

PROBLEMS_MOST = 16
RETRY_MOST_S = 3600
LOG_IN = "give one by --token-file or TINYBMS_TOKEN; 'tinybms-gw access token-create' makes it"
SET_UP = "'tinybms-gw setup' does it, with the set-up code of the gateway"
WEAK = "choose one of 10 to 128 bytes that is not the set-up code"
OTHER_RELEASE = "use the toolkit of the gateway's release"
NOT_KNOWN_TO_IT = "is the token of another gateway, or revoked? 'tinybms-gw access token-create' makes a new one"
ADVICE = {
    "login_required": LOG_IN,
    "wrong_password": "is it the password of this gateway? For one that is lost: 'tinybms-gw setup --reset'",
    "wrong_code": "'tinybms-gw setup --port DEV' reads the code from the console of the gateway",
    "not_set_up": SET_UP,
    "not_allowed": "this takes a token of the right 'full' ('tinybms-gw access token-create'), or the password",
    "csrf": "the session has ended; log in again",
    "set_up_already": "log in with the password; only the console resets it: 'tinybms-gw setup --reset'",
    "exists": "give another name, or revoke the old one: 'tinybms-gw access token-revoke'",
    "too_many": "revoke one that is no longer used: 'tinybms-gw access token-revoke'",
    "changed_meanwhile": "somebody else has changed it: look at the difference again",
    "needs_confirmation": "it loosens a protection of the battery, and must be confirmed",
    "weak_password": WEAK,
    "invalid": "nothing was changed; correct the values",
    "refused": "nothing was written; correct the values",
    "not_found": OTHER_RELEASE,
    "method_not_allowed": OTHER_RELEASE,
    "not_known": "the BMS has not told its registers yet; try again",
    "wrong_host": "use the IP address of the gateway, or add the name to its setting web.hosts",
    "no_answer": "check the line to the BMS",
    "bms_refused": "read the registers again before you repeat it",
    "not_verified": "read the registers again before you repeat it",
}
"""Identifier of an error -> what to do about it."""
KINDS: Mapping[int, type[RefusedError]] = {
    401: NotLoggedInError,
    403: NotAllowedError,
    409: ConflictError,
    412: ConflictError,
    421: NotAllowedError,
}
"""Status -> the exception that needs no more than what all have."""


def refusal(status: int, reason: str | None, body: bytes, headers: Mapping[str, str], known: bool) -> RefusedError:
    """Make the exception for an answer that is an error.

    Args:
        status: of HTTP
        reason: its words
        body: the answer
        headers: those of the answer, in any case of letters
        known: a token or session was sent with the request
    """
    told = parse(body)
    if not isinstance(told, dict) or not isinstance(told.get("error"), str) or not isinstance(told.get("message"), str):
        return _of_another_server(status, reason)
    error = str(told["error"])
    seen = f"HTTP {status}: {told['message']}"
    advice = ADVICE.get(error, "try again" if status == 503 else "the gateway's log may say more")
    if status == 429 or (status == 503 and error == "busy"):
        wait_s = _retry_after_s(headers)
        advice = f"try again in {wait_s} s"
        return (PausedError if status == 429 else BusyError)(status, told, seen, advice, wait_s)
    if status == 422:
        return InvalidError(status, told, seen, advice, _problems(told))
    if known and error == "login_required":
        advice = NOT_KNOWN_TO_IT
    return KINDS.get(status, RefusedError)(status, told, seen, advice)


def parse(body: bytes | str) -> Any:
    """The value of a JSON document; None: it is not one."""
    try:
        return json.loads(body.decode("utf-8") if isinstance(body, bytes) else body)
    except (ValueError, RecursionError):
        return None


def _of_another_server(status: int, reason: str | None) -> RefusedError:
    """A reverse proxy, or a server that is no gateway."""
    if status in (401, 403):
        return KINDS[status](status, {}, f"HTTP {status}: asks for a login, but not as a gateway does", WRONG_ADDRESS)
    advice = WRONG_ADDRESS if status < 500 else "check the gateway's log"
    return RefusedError(status, {}, f"HTTP {status} {reason or ''}".rstrip(), advice)


def _retry_after_s(headers: Mapping[str, str]) -> int:
    """Seconds; 1 if the answer does not say, or says something else than a number."""
    told = headers.get("Retry-After", "")
    return max(1, min(int(told), RETRY_MOST_S)) if told.isascii() and told.isdigit() and len(told) < 10 else 1


def _problems(told: Mapping[str, Any]) -> list[Problem]:
    listed = told.get("errors")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [
        Problem(shortened(str(one.get("path", ""))), shortened(str(one.get("message", ""))))
        for one in found[:PROBLEMS_MOST]
    ]
