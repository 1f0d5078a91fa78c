/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * 0x35A: alarms and warnings, two bits each, and whether the battery is online.
 */
#include "victron_bms.h"
#include "victron_pgn_private.h"

/** Value of a two-bit field: 1 = active, 2 = OK, 0 = not supported. */
static uint8_t pair(battery_alarm_level_t level)
{
    return level == BATTERY_ALARM_ACTIVE ? 1 : (level == BATTERY_ALARM_OK ? 2 : 0);
}

static uint8_t status_pair(battery_status_t status)
{
    return status == BATTERY_STATUS_ONLINE ? 2 : (status == BATTERY_STATUS_OFFLINE ? 1 : 0);
}

bool victron_pgn_encode_35a(const battery_state_t *state, const victron_identity_t *identity, victron_frame_t *frame)
{
    const battery_alarm_level_t *const a = state->alarm;
    const battery_alarm_level_t *const w = state->warning;
    (void)identity;
    if (!state->publish) {
        return false;
    }
    const struct victron_bms_battery_alarms_t m = {
        .alarm_general = pair(a[BATTERY_ALARM_GENERAL]),
        .alarm_high_voltage = pair(a[BATTERY_ALARM_HIGH_VOLTAGE]),
        .alarm_low_voltage = pair(a[BATTERY_ALARM_LOW_VOLTAGE]),
        .alarm_high_temperature = pair(a[BATTERY_ALARM_HIGH_TEMPERATURE]),
        .alarm_low_temperature = pair(a[BATTERY_ALARM_LOW_TEMPERATURE]),
        .alarm_high_temperature_charge = pair(a[BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE]),
        .alarm_low_temperature_charge = pair(a[BATTERY_ALARM_LOW_TEMPERATURE_CHARGE]),
        .alarm_high_discharge_current = pair(a[BATTERY_ALARM_HIGH_DISCHARGE_CURRENT]),
        .alarm_high_charge_current = pair(a[BATTERY_ALARM_HIGH_CHARGE_CURRENT]),
        .alarm_contactor = pair(a[BATTERY_ALARM_CONTACTOR]),
        .alarm_short_circuit = pair(a[BATTERY_ALARM_SHORT_CIRCUIT]),
        .alarm_bms_internal = pair(a[BATTERY_ALARM_BMS_INTERNAL]),
        .alarm_cell_imbalance = pair(a[BATTERY_ALARM_CELL_IMBALANCE]),
        .warning_general = pair(w[BATTERY_ALARM_GENERAL]),
        .warning_high_voltage = pair(w[BATTERY_ALARM_HIGH_VOLTAGE]),
        .warning_low_voltage = pair(w[BATTERY_ALARM_LOW_VOLTAGE]),
        .warning_high_temperature = pair(w[BATTERY_ALARM_HIGH_TEMPERATURE]),
        .warning_low_temperature = pair(w[BATTERY_ALARM_LOW_TEMPERATURE]),
        .warning_high_temperature_charge = pair(w[BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE]),
        .warning_low_temperature_charge = pair(w[BATTERY_ALARM_LOW_TEMPERATURE_CHARGE]),
        .warning_high_discharge_current = pair(w[BATTERY_ALARM_HIGH_DISCHARGE_CURRENT]),
        .warning_high_charge_current = pair(w[BATTERY_ALARM_HIGH_CHARGE_CURRENT]),
        .warning_contactor = pair(w[BATTERY_ALARM_CONTACTOR]),
        .warning_short_circuit = pair(w[BATTERY_ALARM_SHORT_CIRCUIT]),
        .warning_bms_internal = pair(w[BATTERY_ALARM_BMS_INTERNAL]),
        .warning_cell_imbalance = pair(w[BATTERY_ALARM_CELL_IMBALANCE]),
        .system_status = status_pair(state->status),
    };
    victron_frame_begin(frame);
    return victron_frame_done(frame, VICTRON_BMS_BATTERY_ALARMS_FRAME_ID,
                              victron_bms_battery_alarms_pack(frame->data, &m, sizeof(frame->data)));
}
