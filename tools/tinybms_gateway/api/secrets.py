"""Tokens, passwords and codes: from a file, a variable or the terminal, never from the command line."""

import os
import re
import stat
import sys
from pathlib import Path

import click

TOKEN_VARIABLE = "TINYBMS_TOKEN"
LOGIN_VARIABLE = "TINYBMS_PASSWORD"
LONGEST_FILE = 4096
PASSWORD_BYTES = range(10, 129)
TOKEN = re.compile("tbg_[0-9a-f]{64}")
CODE = re.compile(r"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){9}")


def read_secret(path: Path, option: str, what: str) -> str:
    """The only line of a file; warns if others than its owner can read it.

    Raises:
        ValueError: it holds something else; the content is not repeated.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(LONGEST_FILE + 1)
        mode = os.fstat(file.fileno()).st_mode
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        secret = ""
    if not secret or len(content) > LONGEST_FILE or set(secret) & set("\r\n\0"):
        raise ValueError(f"{option} {path}: must hold one line, the {what}")
    if stat.S_ISREG(mode) and mode & 0o077:
        click.echo(f"warning: {path}: others can read it; chmod 600 {path}", err=True)
    return secret


def find_token(path: Path | None) -> str | None:
    """The token from a file, or else from the variable; None: there is none.

    Raises:
        ValueError: it is no token of a gateway; it is not repeated.
        OSError: the file cannot be read.
    """
    token = read_secret(path, "--token-file", "token") if path is not None else os.environ.get(TOKEN_VARIABLE)
    if token and not TOKEN.fullmatch(token):
        where = f"--token-file {path}" if path is not None else TOKEN_VARIABLE
        raise ValueError(f"{where}: is no token, which is tbg_ and 64 hexadecimal digits")
    return token or None


def find_password(path: Path | None, option: str = "--password-file") -> str | None:
    """The password from a file, or else from the variable; None: there is none.

    Raises:
        ValueError: the file does not hold one line.
        OSError: the file cannot be read.
    """
    return read_secret(path, option, "password") if path is not None else os.environ.get(LOGIN_VARIABLE) or None


def ask_password(path: Path | None, url: str) -> str:
    """The password from a file, the variable, or the terminal.

    Raises:
        ValueError: there is none, and nobody to ask.
        OSError: the file cannot be read.
    """
    return _utf8(find_password(path) or _prompt(f"password of {url}", "--password-file"))


def ask_new_password(path: Path | None, option: str) -> str:
    """A new password from a file or, twice, from the terminal.

    Raises:
        ValueError: it is too short or too long, or there is nobody to ask.
        OSError: the file cannot be read.
    """
    password = (
        read_secret(path, option, "password") if path is not None else _prompt("new password", option, again=True)
    )
    if len(_utf8(password).encode()) not in PASSWORD_BYTES:
        raise ValueError(f"the new password: give {PASSWORD_BYTES[0]} to {PASSWORD_BYTES[-1]} bytes")
    return password


def ask_code(path: Path | None) -> str:
    """The set-up code from a file or the terminal.

    Raises:
        ValueError: it cannot be one, or there is nobody to ask.
        OSError: the file cannot be read.
    """
    code = (
        read_secret(path, "--code-file", "set-up code") if path is not None else _prompt("set-up code", "--code-file")
    )
    if not CODE.fullmatch(code.strip()):
        raise ValueError("the set-up code: give its 10 letters and digits, with hyphens or spaces or without")
    return code.strip()


def _utf8(password: str) -> str:
    try:
        password.encode()
    except UnicodeEncodeError:
        raise ValueError("the password: is not UTF-8") from None
    return password


def _prompt(what: str, option: str, *, again: bool = False) -> str:
    if not sys.stdin.isatty():
        raise ValueError(f"no terminal to ask for the {what.partition(' of ')[0]} on: give {option}")
    return str(click.prompt(what, hide_input=True, confirmation_prompt=again, err=True))
