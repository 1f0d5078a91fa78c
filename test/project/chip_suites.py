"""The Unity suites that run on the chip, as test/unit/suites.cmake has to list them, in its order."""

CHIP_SUITES = [
    "tinybms",
    "battery_model",
    "charge_control",
    "battery_pipeline",
    "battery_alarms",
    "energy_meter",
    "victron_pgn",
    "settings",
    "json_stream",
    "device_console",
    "access",
    "report",
    "event_bus",
    "work",
    "flash_gate",
    "ota",
    "diagnostics",
]
