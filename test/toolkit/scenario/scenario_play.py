"""Scenarios played for real: simulated TinyBMS -> native gateway -> CAN bus, and a GX that does what they say."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import can
import numpy as np

from support.fixtures.capture_frames import columns_of
from support.instruments.watch import collect, open_bus
from tinybms_gateway.bms.event_order import EventOrder
from tinybms_gateway.can.columns import Flag, FrameBlock
from tinybms_gateway.can.decoder import Decoder
from tinybms_gateway.can.verify.rule import Rule
from tinybms_gateway.gateway_stack import gateway_stack
from tinybms_gateway.scenario.expectations import scenario_rules
from tinybms_gateway.scenario.find import load_scenario
from tinybms_gateway.scenario.model import Scenario
from tinybms_gateway.scenario.player import keepalive_at
from tinybms_gateway.sim.gx.simulator import send_keepalive

SCALES = (10.0, 5.0, 2.5)
"""Three seconds of silence are 0.3 s at first. Where a busy machine takes that long for nothing, what was played is
worth nothing: what does not hold is played again, slower. A fault of the gateway stays one at any pace."""
TOGETHER = 14
"""So many at a time; more of them would wait for one another's turn in Python."""


def play_all(names: list[str], event_order: EventOrder = EventOrder.OLDEST_FIRST) -> dict[str, FrameBlock]:
    """Play scenarios, several at a time, on a BMS that lists its events in this order.

    Returns:
        What was on the bus, in the gateway's time.
    """
    captures: dict[str, FrameBlock] = {}
    for scale in SCALES:
        left = [name for name in names if name not in captures or judge(load_scenario(name), captures[name])]
        left.sort(key=lambda name: -load_scenario(name).duration_s)
        with ThreadPoolExecutor(TOGETHER) as pool:
            captures |= dict(
                zip(left, pool.map(partial(play_once, scale=scale, event_order=event_order), left), strict=True)
            )
    return captures


def play_once(name: str, scale: float, event_order: EventOrder = EventOrder.OLDEST_FIRST) -> FrameBlock:
    """Play one scenario to its end, on a BMS that lists its events in this order."""
    scenario = load_scenario(name)
    start = time.time()
    messages: list[can.Message] = []
    with (
        gateway_stack(scenario=name, time_scale=scale, event_order=event_order) as stack,
        open_bus(stack.can_backend) as bus,
    ):
        next_keepalive = 0.0
        while (now := stack.bms.now()) < scenario.duration_s:
            if now >= next_keepalive and keepalive_at(scenario, now):
                next_keepalive = now + 1.0
                send_keepalive(bus, messages.append)
            messages += collect(bus, 0.1 / scale)
    messages.sort(key=lambda m: m.timestamp)
    return columns_of(
        [
            (round((m.timestamp - start) * scale * 1e6), m.arbitration_id, bytes(m.data), 0 if m.is_rx else Flag.SENT)
            for m in messages
        ]
    )


def judge(scenario: Scenario, block: FrameBlock, pieces: int = 1) -> dict[str, Rule]:
    """What does not hold, by its id."""
    rules = scenario_rules(scenario)
    first = 0
    for piece in np.array_split(np.arange(len(block)), pieces):
        decoded = Decoder().decode(replace(block.take(piece), first=first))
        first += len(piece)
        for rule in rules:
            rule.take(decoded)
    for rule in rules:
        rule.finish(int(block.time_us[-1]))
    return {rule.id: rule for rule in rules if rule.count}
