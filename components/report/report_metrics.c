/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Metrics of the battery, in base units (V, A, ratio, degC, J, C), and how a metric is written. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "metric.h"
#include "report_private.h"

#define J_PER_WH   3600
#define DC_PER_MAH 36 /* 0.1 C */
#define MILLI      3
#define PPM        6
#define NUMBER_LEN 12

void metric_head(json_stream_t *text, metric_type_t type, const char *name, const char *help)
{
    json_rawf(text, "# HELP %s ", name);
    json_raw(text, help, strlen(help));
    json_rawf(text, "\n# TYPE %s %s\n", name, type == METRIC_COUNTER ? "counter" : "gauge");
}

static void value_line(json_stream_t *text, int64_t value, unsigned digits)
{
    json_put_decimal(text, value, digits);
    json_raw(text, "\n", 1);
}

void metric(json_stream_t *text, metric_type_t type, const char *name, const char *help, int64_t value, unsigned digits)
{
    metric_head(text, type, name, help);
    json_rawf(text, "%s ", name);
    value_line(text, value, digits);
}

void metric_known(json_stream_t *text, const char *name, const char *help, battery_quantity_t value, unsigned digits)
{
    if (value.known) {
        metric(text, METRIC_GAUGE, name, help, value.value, digits);
    }
}

void metric_sample(json_stream_t *text, const char *name, const char *label, const char *label_value, int64_t value,
                   unsigned digits)
{
    json_rawf(text, "%s{%s=\"%s\"} ", name, label, label_value);
    value_line(text, value, digits);
}

static battery_quantity_t quantity_of(const battery_limit_t *limit)
{
    return (battery_quantity_t){.known = limit->known, .value = limit->value};
}

static void status(json_stream_t *text, const report_view_t *view)
{
    static const char name[] = "tinybms_status";
    const battery_state_t *const state = &view->state;
    metric_head(text, METRIC_GAUGE, name, "1 for the present status of the battery");
    for (battery_status_t is = BATTERY_STATUS_UNKNOWN; is <= BATTERY_STATUS_ONLINE; is++) {
        metric_sample(text, name, "status", report_status_name(is), state->status == is, 0);
    }
    metric(text, METRIC_GAUGE, "tinybms_publishing", "1 while limits and measurements are sent to the GX",
           state->publish, 0);
    if (view->has_snapshot) {
        metric(text, METRIC_GAUGE, "tinybms_snapshot_age_seconds", "Age of the newest data of the BMS",
               report_age_ms(view, view->snapshot.taken_ms), MILLI);
    }
}

static void cells(json_stream_t *text, const battery_state_t *state)
{
    static const char name[] = "tinybms_cell_voltage_volts";
    char number[NUMBER_LEN];
    metric_known(text, "tinybms_cell_voltage_min_volts", "Lowest cell", state->cell_min_mv, MILLI);
    metric_known(text, "tinybms_cell_voltage_max_volts", "Highest cell", state->cell_max_mv, MILLI);
    metric_head(text, METRIC_GAUGE, name, "Voltage of each cell");
    for (unsigned i = 0; i < BATTERY_CELLS_MAX; i++) {
        if (state->cell_100uv[i] != 0) {
            (void)snprintf(number, sizeof(number), "%u", i + 1U);
            metric_sample(text, name, "cell", number, state->cell_100uv[i], 4);
        }
    }
}

static void temperature(json_stream_t *text, const char *sensor, battery_quantity_t value_ddegc)
{
    if (value_ddegc.known) {
        metric_sample(text, "tinybms_temperature_celsius", "sensor", sensor, value_ddegc.value, 1);
    }
}

static void measurements(json_stream_t *text, const battery_state_t *state)
{
    metric_known(text, "tinybms_pack_voltage_volts", "Voltage of the pack", state->pack_voltage_mv, MILLI);
    metric_known(text, "tinybms_pack_current_amperes", "Current of the pack, positive while charging",
                 state->pack_current_ma, MILLI);
    metric_known(text, "tinybms_state_of_charge_ratio", "State of charge, 0 to 1", state->soc_ppm, PPM);
    metric_known(text, "tinybms_state_of_health_ratio", "State of health, 0 to 1", state->soh_ppm, PPM);
    cells(text, state);
    metric_head(text, METRIC_GAUGE, "tinybms_temperature_celsius", "Temperatures of the BMS and of its sensors");
    temperature(text, "1", state->sensor_ddegc[0]);
    temperature(text, "2", state->sensor_ddegc[1]);
    temperature(text, "bms", state->bms_temperature_ddegc);
}

static void reason(json_stream_t *text, const char *name, const battery_limit_t *limit)
{
    if (limit->known) {
        json_rawf(text, "tinybms_limit_reason{limit=\"%s\",reason=\"%s\"} 1\n", name,
                  report_reason_name(limit->reason));
    }
}

static void limits(json_stream_t *text, const battery_state_t *state)
{
    metric_known(text, "tinybms_charge_voltage_limit_volts", "CVL", quantity_of(&state->cvl_mv), MILLI);
    metric_known(text, "tinybms_charge_current_limit_amperes", "CCL", quantity_of(&state->ccl_ma), MILLI);
    metric_known(text, "tinybms_discharge_current_limit_amperes", "DCL", quantity_of(&state->dcl_ma), MILLI);
    metric_head(text, METRIC_GAUGE, "tinybms_limit_reason", "1 for the reason that sets a limit");
    reason(text, "cvl", &state->cvl_mv);
    reason(text, "ccl", &state->ccl_ma);
    reason(text, "dcl", &state->dcl_ma);
}

static void levels(json_stream_t *text, const char *name, const char *help, const battery_alarm_level_t *level)
{
    metric_head(text, METRIC_GAUGE, name, help);
    for (battery_alarm_id_t id = 0; id < BATTERY_ALARM_COUNT; id++) {
        if (level[id] != BATTERY_ALARM_UNSUPPORTED) {
            metric_sample(text, name, "alarm", report_alarm_name(id), level[id] == BATTERY_ALARM_ACTIVE, 0);
        }
    }
}

static void alarms(json_stream_t *text, const report_view_t *view)
{
    char number[NUMBER_LEN];
    levels(text, "tinybms_alarm", "1 while an alarm is active; absent: not supported", view->state.alarm);
    levels(text, "tinybms_warning", "1 while a warning is active; absent: not supported", view->state.warning);
    metric_head(text, METRIC_GAUGE, "tinybms_bms_fault", "1 for each fault or warning of the BMS that is open");
    for (uint8_t i = 0; view->has_snapshot && i < view->snapshot.fault_count; i++) {
        (void)snprintf(number, sizeof(number), "%u", (unsigned)view->snapshot.faults[i]);
        metric_sample(text, "tinybms_bms_fault", "id", number, 1, 0);
    }
}

/** Gauges: counters in Prometheus's sense would add everything once more after a power cut that took a little back. */
static void energy(json_stream_t *text, const battery_state_t *state)
{
    static const char capacity[] = "tinybms_capacity_coulombs";
    if (state->energy_in_wh.known) {
        metric(text, METRIC_GAUGE, "tinybms_energy_in_joules", "Energy charged; a power cut takes up to 10 min back",
               state->energy_in_wh.value * J_PER_WH, 0);
    }
    if (state->energy_out_wh.known) {
        metric(text, METRIC_GAUGE, "tinybms_energy_out_joules",
               "Energy discharged; a power cut takes up to 10 min back", state->energy_out_wh.value * J_PER_WH, 0);
    }
    if (state->cycles_milli.known) {
        metric(text, METRIC_GAUGE, "tinybms_full_cycles", "Full cycles, by the charge taken out; likewise",
               state->cycles_milli.value, MILLI);
    }
    metric_head(text, METRIC_GAUGE, capacity, "Capacity of the battery");
    if (state->installed_capacity_mah.known) {
        metric_sample(text, capacity, "kind", "installed", (int64_t)state->installed_capacity_mah.value * DC_PER_MAH,
                      1);
    }
    if (state->usable_capacity_mah.known) {
        metric_sample(text, capacity, "kind", "usable", (int64_t)state->usable_capacity_mah.value * DC_PER_MAH, 1);
    }
}

void report_metrics(json_stream_t *text, const report_view_t *view)
{
    metric_head(text, METRIC_GAUGE, "tinybms_build_info", "1, with the version of the firmware");
    json_rawf(text, "tinybms_build_info{version=\"%s\",device=\"%s\"} 1\n", view->version, view->device);
    metric(text, METRIC_GAUGE, "tinybms_uptime_seconds", "Time since the start", view->now_ms, MILLI);
    status(text, view);
    measurements(text, &view->state);
    limits(text, &view->state);
    alarms(text, view);
    energy(text, &view->state);
    report_metrics_of_gateway(text, view);
}
