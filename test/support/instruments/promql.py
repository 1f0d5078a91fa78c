"""Pieces of PromQL expressions: what a test must take apart to see that every piece has data."""

import re

SELECTOR = re.compile(r"\b(?:tinybms_\w+|up\b|ALERTS\b)(?:\{[^}]*\})?")
TOKEN = re.compile(r"""\{[^}]*\}|"[^"]*"|[=!]=|[<>]=?|.""", re.DOTALL)


def selectors(expression: str) -> set[str]:
    """The series that it reads, as it selects them."""
    return set(SELECTOR.findall(expression))


def with_matcher(selector: str, matcher: str) -> str:
    """The same selector, narrowed by one more matcher such as ``instance="a"``."""
    name, _, matchers = selector.rstrip("}").partition("{")
    return f"{name}{{{','.join(part for part in (matchers, matcher) if part)}}}"


def of_one_instance(expression: str, instance: str) -> str:
    """The same expression, for one target alone."""
    return SELECTOR.sub(lambda found: with_matcher(found[0], f'instance="{instance}"'), expression)


def without_filters(expression: str) -> str:
    """The same expression, whose comparisons say 0 or 1 instead of dropping what does not hold.

    It has a result as soon as all its series have data, whether the condition holds or not.
    """
    comparisons = ("==", "!=", "<", ">", "<=", ">=")
    return "".join(f"{token} bool" if token in comparisons else token for token in TOKEN.findall(expression))
