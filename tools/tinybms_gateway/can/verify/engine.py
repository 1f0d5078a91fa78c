"""Check a whole capture against the rules."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from tinybms_gateway.can.columns import FrameBlock
from tinybms_gateway.can.decoder import Decoder
from tinybms_gateway.can.protocol import BITRATE
from tinybms_gateway.can.reader import Capture, CaptureError
from tinybms_gateway.can.verify.figures import Figures
from tinybms_gateway.can.verify.report import VICTRON, Report, origin, printable, result_of
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.can.verify.rules import rules_by_subject
from tinybms_gateway.can.verify.rules.base import Clock
from tinybms_gateway.can.verify.rules.limits import Reaction
from tinybms_gateway.can.verify.rules.timing import BusLoad, TimeOrder

EXTRA = "Scenario"
"""Heading of the rules that a caller adds."""


@dataclass(frozen=True)
class Choice:
    """Which part of a capture is checked, and by which rules."""

    channel: str | None = None
    """Needed if the capture holds several."""
    bitrate: int = BITRATE
    """bit/s"""
    victron_only: bool = False
    """Only Victron's rules, which every battery must keep."""


def verify(
    capture: Capture,
    *,
    choice: Choice = Choice(),
    extra_rules: Sequence[Rule] = (),
    waived: Mapping[str, str] = {},
    progress: Callable[[float], None] = lambda _: None,
) -> Report:
    """Go once through a capture.

    Args:
        capture: the capture
        choice: which part of it, and by which rules
        extra_rules: further rules, not used before
        waived: pattern of rule ids (as in a shell) -> why a violation does not count
        progress: called with the part of the capture checked so far

    Returns:
        What was found.

    Raises:
        CaptureError: it cannot be read, is empty, or holds several channels of which none was chosen.
    """
    subjects = rules_by_subject(choice.bitrate)
    if choice.victron_only:
        subjects = {
            subject: [rule for rule in rules if origin(rule.source) == VICTRON] for subject, rules in subjects.items()
        }
    if extra_rules:
        subjects[EXTRA] = list(extra_rules)
    rules = [rule for found in subjects.values() for rule in found]
    load = next((rule for rule in rules if isinstance(rule, BusLoad)), BusLoad(choice.bitrate))
    figures = _run(capture, choice, [load, *(rule for rule in rules if rule is not load)], progress)
    figures.most_bus_load_percent = load.most_percent
    figures.bus_load_percent = 100 * load.all_bits / choice.bitrate / max(figures.duration_s, 1.0)
    figures.reaction_us = {
        rule.id: rule.longest_us for rule in rules if isinstance(rule, Reaction) and rule.longest_us is not None
    }
    results = tuple(result_of(subject, rule, _waiver(rule.id, waived)) for subject, found in subjects.items()
                    for rule in found)  # fmt: skip
    channel = choice.channel or (capture.channels[0] if capture.channels else "")
    return Report(
        printable(capture.path.name),
        printable(channel),
        capture.absolute_time,
        figures.start_us,
        figures,
        results,
    )


def _waiver(identifier: str, waived: Mapping[str, str]) -> str | None:
    return next((reason for pattern, reason in waived.items() if fnmatchcase(identifier, pattern)), None)


def _run(capture: Capture, choice: Choice, rules: Sequence[Rule], progress: Callable[[float], None]) -> Figures:
    decoder, clock, figures = Decoder(), Clock(), Figures()
    order = next((rule for rule in rules if isinstance(rule, TimeOrder)), None)
    for block in _blocks(capture, choice.channel):
        steps = clock.steps(block)
        if order is not None:
            order.look(block, steps)
        decoded = decoder.decode(replace(block, time_us=clock.times(block, steps)))
        figures.take(decoded)
        for rule in rules:
            rule.take(decoded)
        progress(capture.part)
    if figures.frames == 0:
        raise CaptureError(f"{capture.path}: no frames in it")
    for rule in rules:
        rule.finish(figures.end_us)
    return figures


def _blocks(capture: Capture, channel: str | None) -> Iterator[FrameBlock]:
    """The blocks of one channel; frames are numbered within it."""
    first = 0
    for block in capture:
        chosen = block
        if channel is None:
            if len(capture.channels) > 1:
                raise CaptureError(
                    f"{capture.path}: holds several channels; choose one with --channel: {_names(capture)}"
                )
        else:
            index = capture.channels.index(channel) if channel in capture.channels else -1
            chosen = block.take(block.channel == index)
        if len(chosen):
            yield replace(chosen, first=first)
            first += len(chosen)
    if channel is not None and channel not in capture.channels:
        raise CaptureError(f"{capture.path}: no channel '{channel}'; its channels: {_names(capture) or 'none'}")


def _names(capture: Capture) -> str:
    return ", ".join(capture.channels)
