"""Session and pipeline of the C code against a simulated TinyBMS, in simulated time: the control without its tasks."""

import ctypes as c
from collections.abc import Callable, Mapping
from typing import Any

from pure.pipeline import Kept, Pipeline
from pure.pure_library import Pure
from tinybms_gateway.pure import EventsOver, Snapshot, State
from tinybms_gateway.sim.bms import protocol
from tinybms_gateway.sim.bms.device import TinyBms

ANSWER_AFTER_MS = 12
LOOK_EVERY_MS = 100
SEND, SNAPSHOT = 1, 2


class _Config(c.Structure):
    """tinybms_session_config_t."""

    _fields_ = tuple(
        (name, c.c_int32)
        for name in ("poll_ms", "settings_ms", "statistics_ms", "events_ms", "answer_timeout_ms", "backoff_max_ms")
    )


class _Action(c.Structure):
    """tinybms_action_t; what it carries beside the type is as long as the longest member."""

    _fields_ = (("type", c.c_int), ("bytes", c.POINTER(c.c_uint8)), ("length", c.c_size_t), ("rest", c.c_uint8 * 8))


Line = Callable[[bytes, bytes], bytes]
"""Request and answer -> what of the answer arrives."""


class Core:
    """One gateway; `run` lets time pass."""

    def __init__(self, pure: Pure, bms: TinyBms, settings: Mapping[str, int], poll_ms: int = 200) -> None:
        """Begin.

        Args:
            pure: the C code
            bms: whose answers it gets; its time passes with `run`
            settings: of the pipeline, by their keys
            poll_ms: how often the BMS is read
        """
        self.bms = bms
        self._pure = pure
        self._settings = settings
        self._poll_ms = poll_ms
        self.line: Line = lambda _, answer: answer
        self.seen: Callable[[State, int], None] = lambda _state, _now_ms: None
        """Called after each step of the pipeline."""
        self.now_ms = 1000
        self._lib = pure.lib
        self._lib.tinybms_session_step.restype = _Action
        self._lib.tinybms_session_deadline_ms.restype = c.c_int64
        self._lib.tinybms_session_snapshot.restype = c.POINTER(Snapshot)
        self._begin(Kept(), EventsOver())

    def restart(self) -> None:
        """Begin anew after a power cut, with what is remembered over one."""
        self._begin(Kept(sensors_seen=self.pipeline.sensors_seen()), self._snapshot.over)

    def _begin(self, kept: Kept, over: EventsOver) -> None:
        self.pipeline = Pipeline(self._pure, self._settings, kept)
        self._session = c.create_string_buffer(self._pure.size_of("session"))
        self._snapshot = Snapshot(over=over)
        self._has_snapshot = False
        self._answer: tuple[int, bytes] | None = None
        self._look_ms = self.now_ms
        config = _Config(self._poll_ms, 60000, 10000, 1000, 150, 1000)
        self._lib.tinybms_session_init(self._session, c.byref(config), c.c_int64(self.now_ms))
        self._lib.tinybms_session_recall(self._session, c.byref(over))

    @property
    def state(self) -> State:
        """The newest."""
        return self.pipeline.state

    def run(self, milliseconds: int) -> None:
        """Let time pass for BMS and gateway."""
        end_ms = self.now_ms + milliseconds
        while self.now_ms < end_ms:
            self._take_answer()
            self._perform()
            self._look()
            next_ms = min(self._lib.tinybms_session_deadline_ms(self._session), self._look_ms, end_ms)
            if self._answer:
                next_ms = min(next_ms, self._answer[0])
            passed_ms = max(next_ms - self.now_ms, 1)
            self.bms.advance(passed_ms / 1000)
            self.now_ms += passed_ms

    def _take_answer(self) -> None:
        if self._answer and self.now_ms >= self._answer[0]:
            arriving, self._answer = self._answer[1], None
            data = (c.c_uint8 * len(arriving)).from_buffer_copy(arriving)
            self._lib.tinybms_session_feed(self._session, data, c.c_size_t(len(arriving)), c.c_int64(self.now_ms))

    def _perform(self) -> None:
        while (action := self._lib.tinybms_session_step(self._session, c.c_int64(self.now_ms))).type:
            if action.type == SEND:
                request = bytes(action.bytes[: action.length])
                arriving = self.line(request, protocol.answer(self.bms, request, self.now_ms / 1000))
                self._answer = (self.now_ms + ANSWER_AFTER_MS, arriving) if arriving else None
            elif action.type == SNAPSHOT:
                snapshot: Any = self._lib.tinybms_session_snapshot(self._session)
                c.memmove(c.byref(self._snapshot), snapshot, c.sizeof(Snapshot))
                self._has_snapshot = True
                self._step()

    def _look(self) -> None:
        """As often as the task does without a snapshot."""
        if self.now_ms >= self._look_ms:
            self._look_ms = self.now_ms + LOOK_EVERY_MS
            self._step()

    def _step(self) -> None:
        self.pipeline.step(self._snapshot if self._has_snapshot else None, self.now_ms)
        self.seen(self.state, self.now_ms)
