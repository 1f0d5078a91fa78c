"""What programs see of the settings (libtinybms_pure.so): values, schema and form, and which values are allowed."""

import ctypes as c
import json
from typing import Any

from pure.pure_library import Pure

SIZE_MAX = 65536
VALUES, SCHEMA, FORM = b"v", b"s", b"f"


class Documents:
    """The JSON of the settings with their factory values; `set_text` and `set_number` change what is saved."""

    def __init__(self, pure: Pure) -> None:
        self._pure = pure
        pure.lib.tinybms_pure_settings_json.restype = c.c_size_t
        pure.lib.tinybms_pure_settings_input.restype = c.c_size_t
        pure.lib.tinybms_pure_settings_export.restype = c.c_size_t
        pure.lib.tinybms_pure_setting_valid.restype = c.c_bool
        self._in_effect, self._saved = (c.create_string_buffer(pure.size_of("settings")) for _ in range(2))
        pure.lib.settings_factory_all(self._in_effect)
        pure.lib.settings_factory_all(self._saved)

    def read(self, what: bytes) -> Any:
        """One of VALUES, SCHEMA and FORM."""
        return json.loads(self.text(what))

    def text(self, what: bytes) -> str:
        """The same as it is sent."""
        to = c.create_string_buffer(SIZE_MAX)
        length = self._pure.lib.tinybms_pure_settings_json(
            c.c_char(what), self._in_effect, self._saved, to, c.c_size_t(SIZE_MAX)
        )
        assert length > 0
        return to.raw[:length].decode("ascii")

    def save(self, key: str, value: int | str) -> None:
        """Change the saved values, not those in effect."""
        number, text = self._both(value)
        self._pure.lib.tinybms_pure_values_set(self._saved, key.encode(), number, text)

    def allowed(self, key: str, value: int | str) -> bool:
        """What settings_value_valid() says."""
        refusal = c.create_string_buffer(self._pure.size_of("settings_refusal"))
        return bool(self._pure.lib.tinybms_pure_setting_valid(key.encode(), *self._both(value), refusal))

    def input(self, body: bytes, *, export: bool = False) -> Any:
        """What a document wants, over what is saved, and what is wrong with it."""
        text = c.create_string_buffer(body, len(body) + 1)
        to = c.create_string_buffer(SIZE_MAX)
        length = self._pure.lib.tinybms_pure_settings_input(
            text, c.c_size_t(len(body)), c.c_bool(export), self._saved, to, c.c_size_t(SIZE_MAX)
        )
        assert length > 0
        return json.loads(to.raw[:length].decode())

    def export(self, *, secrets: bool, long_text: str = "") -> bytes:
        """An export of what is saved."""
        to = c.create_string_buffer(SIZE_MAX)
        length = self._pure.lib.tinybms_pure_settings_export(
            self._saved, long_text.encode(), c.c_bool(secrets), to, c.c_size_t(SIZE_MAX)
        )
        assert length > 0
        return to.raw[:length]

    def fit(self) -> str:
        """Why the saved values do not fit together, as settings_fit_together() says; empty: they do."""
        self._pure.lib.settings_fit_together.restype = c.c_bool
        refusal = c.create_string_buffer(self._pure.size_of("settings_refusal"))
        fits = self._pure.lib.settings_fit_together(self._saved, refusal)
        return "" if fits else refusal.value.decode("ascii")

    @staticmethod
    def _both(value: int | str) -> tuple[c.c_int32, bytes | None]:
        if isinstance(value, str):
            return c.c_int32(0), value.encode()
        return c.c_int32(value), None
