"""Answers of a gateway with a battery of four cells, as docs/openapi.yaml describes them."""

from typing import Any

LIMITERS = (
    "bms_setting", "user_cap", "cell_voltage", "pack_voltage", "temperature", "bms_temperature", "soc", "ramp",
    "rising", "bms_fault", "stale_data", "no_temperature", "sensor_lost", "cells_contradict",
    "settings_contradictory", "setting_missing", "cell_count",
)  # fmt: skip
ALARMS = (
    "general", "high_voltage", "low_voltage", "high_temperature", "low_temperature", "high_temperature_charge",
    "low_temperature_charge", "high_discharge_current", "high_charge_current", "contactor", "short_circuit",
    "bms_internal", "cell_imbalance",
)  # fmt: skip
UART_COUNTERS = (
    "requests", "answers", "retries", "timeouts", "nacks", "crc_errors", "bytes_skipped", "unexpected", "implausible",
    "snapshots", "events", "writes", "writes_failed", "rx_overflows", "line_errors",
)  # fmt: skip

STATE: dict[str, Any] = {
    "uptime_ms": 61250, "age_ms": 84, "sequence": 300, "status": "online", "publishing": True,
    "pack_voltage_mv": 13402, "pack_current_ma": -12500, "soc_ppm": 642000, "soh_ppm": None,
    "cell_count": 4, "cell_100uv": [33500, 33510, 33495, 33502], "cell_min_mv": 3349, "cell_max_mv": 3351,
    "cell_min_number": 3, "cell_max_number": 2,
    "sensor_1_ddegc": -21, "sensor_2_ddegc": None, "bms_temperature_ddegc": 287,
    "cvl_mv": {"value": 14000, "reason": "bulk"}, "ccl_ma": {"value": 0, "reason": "no_temperature"},
    "dcl_ma": {"value": 90000, "reason": "bms_setting"}, "dvl_mv": {"value": 11200, "reason": "none"},
    "alarms": [], "warnings": ["low_temperature_charge"], "faults": [{"id": 2, "text": "under-voltage cutoff"}],
    "energy_in_wh": 1234567, "energy_out_wh": 1198765, "cycles_milli": 83120,
    "time_to_full_min": None, "time_to_empty_min": 904,
    "installed_capacity_mah": 300000, "usable_capacity_mah": 294000,
}  # fmt: skip


def current_limit(reason: str, value: int) -> dict[str, Any]:
    """A limit that one limiter holds and that the others do not."""
    limiters = [{"reason": r, "text": r.replace("_", " "), "allows_ma": value if r == reason else None}
                for r in LIMITERS]  # fmt: skip
    return {"value": value, "reason": reason, "text": reason.replace("_", " "), "limiters": limiters}


ANSWERS: dict[str, dict[str, Any]] = {
    "/api/v1/status": {"version": "0.9.0", "device": "tinybms-a1b2c3", "api": 1},
    "/api/v1/state": STATE,
    "/api/v1/limits": {
        "cvl_mv": {"value": 14000, "reason": "bulk", "text": "bulk"},
        "ccl_ma": current_limit("no_temperature", 0),
        "dcl_ma": current_limit("bms_setting", 90000),
        "dvl_mv": {"value": None, "reason": "none", "text": "none"},
        "too_cold_to_charge": True,
        "too_hot_to_charge": False,
    },
    "/api/v1/cells": {
        "count": 4, "min_mv": 3349, "max_mv": 3351, "difference_mv": 2, "pack_checked_mv": 13400,
        "cells": [{"number": i + 1, "voltage_100uv": volts, "lowest": i == 2, "highest": i == 1}
                  for i, volts in enumerate(STATE["cell_100uv"])],
    },
    "/api/v1/alarms": {
        "fields": [{"id": id, "text": id.replace("_", " "), "alarm": "ok",
                    "warning": "active" if id == "low_temperature_charge" else "unsupported"} for id in ALARMS],
        "faults": STATE["faults"],
        "faults_known": True,
    },
    "/api/v1/energy": {
        "energy_in_wh": 1234567, "energy_out_wh": 1198765, "cycles_milli": 83120, "since_full_min": 77,
        "time_to_full_min": None, "time_to_empty_min": 904,
        "installed_capacity_mah": 300000, "usable_capacity_mah": 294000,
    },
    "/api/v1/statistics": {
        "known": True, "age_ms": 5000,
        "registers": [{"address": 101, "name": "voltage_min", "unit": "V", "value": 40.02}],
    },
    "/api/v1/events": {"events": [{"id": 3, "text": "over-voltage cutoff", "bms_time_s": 7200, "seen_ms": 61000}]},
    "/api/v1/bms/registers": {
        "settings_known": True, "settings_age_ms": 12000,
        "registers": [
            {"address": 38, "name": "pack_current", "unit": "A", "description": "pack current", "writable": False,
             "value": -12.5, "min": None, "max": None, "default": None},
            {"address": 315, "name": "over_voltage_cutoff", "unit": "V", "description": "over-voltage cutoff",
             "writable": True, "value": 3.6, "min": 1.2, "max": 4.5, "default": 4.2},
        ],
    },
    "/api/v1/settings": {
        "revision": "5f3a9c01", "unconfirmed": False, "restricted": False,
        "settings": {
            "uart.poll_ms": {"value": 200, "saved": 500, "factory": 200},
            "id.battery_name": {"value": "Boathouse", "saved": "Boathouse", "factory": "TinyBMS"},
            "wifi.sta_pass": {"set": True}, "wifi.ap_pass": {"set": False},
            "mqtt.ca": {"length": 1234, "crc32": 3735928559}, "mqtt.key": {"length": 0, "crc32": 0},
        },
    },
    "/api/v1/settings/schema": {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": {"uart.poll_ms": {"type": "integer", "minimum": 100, "maximum": 2000}},
    },
    "/api/v1/settings/form": {
        "groups": [{"id": "uart", "title": "Serial line", "help": "How the BMS is read", "fields": [
            {"key": "uart.poll_ms", "label": "BMS polling period", "unit": "ms", "type": "number", "min": 100,
             "max": 2000, "step": 1, "zero_means": None, "may_be_empty": False, "applies": "live"}]}],
    },
    "/api/v1/can": {
        "state": "error_active", "tx_error_count": 0, "rx_error_count": 1, "publishing": True, "tx_ok": 4711,
        "tx_failed": 2, "tx_refused": 0, "tx_stalled": 0, "rx_frames": 61, "rx_dropped": 0, "bus_errors": 3,
        "bus_off_count": 0, "recoveries": 0, "refusing": False, "enable_refused": 0, "restarts": 0, "gx_alive": True,
        "gx_last_seen_age_ms": 812,
    },
    "/api/v1/uart": {"answering": True, "last_snapshot_age_ms": 84} | dict.fromkeys(UART_COUNTERS, 17),
    "/api/v1/diagnostics": {
        "boot_reason": "power on", "reduced": False, "crashes": 0, "uptime_ms": 61250,
        "heap": {"free_bytes": 91000, "least_free_bytes": 83000, "largest_block_bytes": 60000}, "messages_dropped": 0,
        "tasks": [{"name": "battery", "stack_free_bytes": 1636, "overdue": False}],
        "flash": {"turns": 3, "longest_ms": 112, "without_turn": 0, "erases": {"nvs": 3}},
        "web": {"requests": 9, "errors": 1, "shed": 0, "websockets": 1, "websocket_messages_lost": 0},
    },
}  # fmt: skip
MESSAGES: list[dict[str, Any]] = [
    {"type": "state", "lost": 0, "state": STATE},
    {"type": "can", "lost": 0, "frames": [
        {"time_ms": 61300, "sent": True, "id": 0x351, "extended": False, "remote": False, "data": "3002840384033002"},
        {"time_ms": 61310, "sent": False, "id": 0x1FFFFFF0, "extended": True, "remote": True, "data": ""}]},
    {"type": "uart", "lost": 0, "frames": [
        {"time_ms": 61320, "sent": True, "data": "AA0938001A21"},
        {"time_ms": 61325, "sent": False, "data": "5A" * 120}]},
    {"type": "can", "lost": 3, "frames": [
        {"time_ms": 61400, "sent": False, "id": 0x305, "extended": False, "remote": False, "data": "00"}]},
]  # fmt: skip
