/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "fixture.h"
#include "unity.h"

/* Where each field raises and clears. Hysteresis: 20 mV of a cell, 2 degC, 5 % of a current. */

static void voltage_edges(uint8_t cells, battery_alarm_id_t id, bool warning, bool of_pack, const int32_t at[4])
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_count = cells;
    pack.state.pack_checked_mv = known(cells * 3300);
    battery_quantity_t *const cell =
        id == BATTERY_ALARM_HIGH_VOLTAGE ? &pack.state.cell_max_mv : &pack.state.cell_min_mv;
    const edges_t edges = {.id = id,
                           .warning = warning,
                           .cause = of_pack ? BATTERY_ALARM_CAUSE_PACK : BATTERY_ALARM_CAUSE_CELL,
                           .harmless = at[0],
                           .raises = at[1],
                           .held = at[2],
                           .clears = at[3]};
    alarms_assert_edges(&pack, of_pack ? &pack.state.pack_checked_mv : cell, &edges);
}

TEST_CASE("the highest cell alarms at its cutoff", "[battery_alarms]")
{
    voltage_edges(16, BATTERY_ALARM_HIGH_VOLTAGE, false, false, (int32_t[]){3649, 3650, 3631, 3630});
    voltage_edges(14, BATTERY_ALARM_HIGH_VOLTAGE, false, false, (int32_t[]){3649, 3650, 3631, 3630});
}

TEST_CASE("the highest cell warns 50 mV before its cutoff", "[battery_alarms]")
{
    voltage_edges(16, BATTERY_ALARM_HIGH_VOLTAGE, true, false, (int32_t[]){3599, 3600, 3581, 3580});
    voltage_edges(14, BATTERY_ALARM_HIGH_VOLTAGE, true, false, (int32_t[]){3599, 3600, 3581, 3580});
}

TEST_CASE("a threshold that moves raises and clears with the debounce that was under way", "[battery_alarms]")
{
    pack_t pack;
    battery_alarms_config_t config = BATTERY_ALARMS_DEFAULT_CONFIG();
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3590);
    alarms_run(&pack, 3);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, pack.state.warning[BATTERY_ALARM_HIGH_VOLTAGE]);
    config.alarm_cell_mv = 60;
    battery_alarms_configure(&pack.alarms, &config);
    alarms_run(&pack, 2);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, pack.state.warning[BATTERY_ALARM_HIGH_VOLTAGE]);
    config.hyst_cur_pct = 6; /* of other fields */
    battery_alarms_configure(&pack.alarms, &config);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, pack.state.warning[BATTERY_ALARM_HIGH_VOLTAGE]);
    config.alarm_cell_mv = 50; /* 10 mV away from the threshold: within the hysteresis */
    battery_alarms_configure(&pack.alarms, &config);
    alarms_run(&pack, 5);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, pack.state.warning[BATTERY_ALARM_HIGH_VOLTAGE]);
    config.hyst_cell_mv = 10;
    config.alarm_debounce = 1;
    battery_alarms_configure(&pack.alarms, &config);
    alarms_run(&pack, 1);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, pack.state.warning[BATTERY_ALARM_HIGH_VOLTAGE]);
}

TEST_CASE("the pack alarms at the cutoff of a cell times their number", "[battery_alarms]")
{
    voltage_edges(16, BATTERY_ALARM_HIGH_VOLTAGE, false, true, (int32_t[]){58399, 58400, 58081, 58080});
    voltage_edges(14, BATTERY_ALARM_HIGH_VOLTAGE, false, true, (int32_t[]){51099, 51100, 50821, 50820});
}

TEST_CASE("the pack warns 50 mV a cell before the cutoff", "[battery_alarms]")
{
    voltage_edges(16, BATTERY_ALARM_HIGH_VOLTAGE, true, true, (int32_t[]){57599, 57600, 57281, 57280});
    voltage_edges(14, BATTERY_ALARM_HIGH_VOLTAGE, true, true, (int32_t[]){50399, 50400, 50121, 50120});
}

TEST_CASE("the lowest cell alarms at its cutoff", "[battery_alarms]")
{
    voltage_edges(16, BATTERY_ALARM_LOW_VOLTAGE, false, false, (int32_t[]){2801, 2800, 2819, 2820});
    voltage_edges(14, BATTERY_ALARM_LOW_VOLTAGE, false, false, (int32_t[]){2801, 2800, 2819, 2820});
}

TEST_CASE("the lowest cell warns 50 mV before its cutoff", "[battery_alarms]")
{
    voltage_edges(16, BATTERY_ALARM_LOW_VOLTAGE, true, false, (int32_t[]){2851, 2850, 2869, 2870});
}

TEST_CASE("an empty pack alarms at the cutoff of a cell times their number", "[battery_alarms]")
{
    voltage_edges(16, BATTERY_ALARM_LOW_VOLTAGE, false, true, (int32_t[]){44801, 44800, 45119, 45120});
    voltage_edges(14, BATTERY_ALARM_LOW_VOLTAGE, false, true, (int32_t[]){39201, 39200, 39479, 39480});
}

TEST_CASE("an empty pack warns 50 mV a cell before the cutoff", "[battery_alarms]")
{
    voltage_edges(16, BATTERY_ALARM_LOW_VOLTAGE, true, true, (int32_t[]){45601, 45600, 45919, 45920});
    voltage_edges(14, BATTERY_ALARM_LOW_VOLTAGE, true, true, (int32_t[]){39901, 39900, 40179, 40180});
}

TEST_CASE("when both cell and pack are beyond, the cell is the cause", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3655);
    pack.state.pack_checked_mv = known(58400);
    alarms_run(&pack, 3);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, true, BATTERY_ALARM_CAUSE_CELL, 3655});
    alarms_begin(&pack);
    pack.state.cell_max_mv = known(3650); /* all cells alike */
    pack.state.pack_checked_mv = known(58400);
    alarms_run(&pack, 3);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, true, BATTERY_ALARM_CAUSE_CELL, 3650});
}

TEST_CASE("an alarm that the pack raised is cleared with the voltage of the pack", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.pack_checked_mv = known(58400);
    alarms_run(&pack, 3);
    pack.state.pack_checked_mv = known(50000); /* 3125 mV a cell: the highest one, 3305 mV, is above that */
    alarms_run(&pack, 3);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_HIGH_VOLTAGE, false, false, BATTERY_ALARM_CAUSE_PACK, 50000});
}

TEST_CASE("the pack alone tells when no cell is known", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_min_mv = unknown();
    pack.state.cell_max_mv = unknown();
    pack.state.pack_checked_mv = known(0);
    alarms_run(&pack, 3);
    alarms_assert_change(&pack,
                         (battery_alarm_change_t){BATTERY_ALARM_LOW_VOLTAGE, false, true, BATTERY_ALARM_CAUSE_PACK, 0});
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
    alarms_assert_warning(&pack, BATTERY_ALARM_HIGH_VOLTAGE, BATTERY_ALARM_OK);
}

TEST_CASE("the cells alone tell when the voltage of the pack is not known", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.pack_checked_mv = unknown();
    alarms_assert_edges(
        &pack, &pack.state.cell_max_mv,
        &(edges_t){BATTERY_ALARM_HIGH_VOLTAGE, false, BATTERY_ALARM_CAUSE_CELL, 3649, 3650, 3631, 3630});
}

TEST_CASE("without the number of cells only the cells tell", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.cell_count = 0; /* 52.8 V would be far above the cutoff of a cell */
    alarms_assert_edges(
        &pack, &pack.state.cell_max_mv,
        &(edges_t){BATTERY_ALARM_HIGH_VOLTAGE, false, BATTERY_ALARM_CAUSE_CELL, 3649, 3650, 3631, 3630});
    pack.state.pack_checked_mv = known(0);
    alarms_assert_edges(&pack, &pack.state.cell_min_mv,
                        &(edges_t){BATTERY_ALARM_LOW_VOLTAGE, false, BATTERY_ALARM_CAUSE_CELL, 2801, 2800, 2819, 2820});
}

static void target_edges(int32_t target_mv, int32_t margin_mv, const int32_t at[4])
{
    battery_alarms_config_t config = BATTERY_ALARMS_DEFAULT_CONFIG();
    config.alarm_cell_mv = margin_mv;
    pack_t pack;
    alarms_configure(&pack, config);
    pack.input.target_mv = target_mv;
    pack.state.pack_checked_mv = known(16 * 1000);
    alarms_assert_edges(
        &pack, &pack.state.cell_max_mv,
        &(edges_t){BATTERY_ALARM_HIGH_VOLTAGE, true, BATTERY_ALARM_CAUSE_CELL, at[0], at[1], at[2], at[3]});
}

TEST_CASE("the warning of the highest cell stays above the charge target: halfway to the cutoff", "[battery_alarms]")
{
    target_edges(3630, 50, (int32_t[]){3639, 3640, 3621, 3620});
    target_edges(3633, 50, (int32_t[]){3641, 3642, 3623, 3622}); /* 3641.5, rounded away from the target */
    target_edges(3550, 50, (int32_t[]){3599, 3600, 3581, 3580}); /* halfway is the margin */
    target_edges(3552, 50, (int32_t[]){3600, 3601, 3582, 3581});
}

TEST_CASE("without a charge target only the margin counts", "[battery_alarms]")
{
    target_edges(0, 50, (int32_t[]){3599, 3600, 3581, 3580});
    target_edges(0, 2400, (int32_t[]){1249, 1250, 1231, 1230});
}

TEST_CASE("the hottest sensor alarms at the cutoff and warns 5 degC before", "[battery_alarms]")
{
    for (int sensor = 0; sensor < BATTERY_SENSORS_MAX; sensor++) {
        for (int other_connected = 0; other_connected <= 1; other_connected++) {
            ROW("sensor %d, other connected %d", sensor, other_connected);
            pack_t pack;
            alarms_begin(&pack);
            pack.state.sensor_ddegc[1 - sensor] = other_connected ? known(250) : unknown();
            battery_quantity_t *const sensor_ddegc = &pack.state.sensor_ddegc[sensor];
            const battery_alarm_cause_t cause = BATTERY_ALARM_CAUSE_TEMPERATURE;
            alarms_assert_edges(&pack, sensor_ddegc,
                                &(edges_t){BATTERY_ALARM_HIGH_TEMPERATURE, false, cause, 599, 600, 581, 580});
            alarms_assert_edges(&pack, sensor_ddegc,
                                &(edges_t){BATTERY_ALARM_HIGH_TEMPERATURE, true, cause, 549, 550, 531, 530});
            alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE, BATTERY_ALARM_OK);
            alarms_assert_warning(&pack, BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE, BATTERY_ALARM_OK);
            pack.state.pack_current_ma = known(501);
            alarms_assert_edges(&pack, sensor_ddegc,
                                &(edges_t){BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE, false, cause, 599, 600, 581, 580});
            alarms_assert_edges(&pack, sensor_ddegc,
                                &(edges_t){BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE, true, cause, 549, 550, 531, 530});
        }
    }
}

TEST_CASE("charging alarms at the coldest sensor's cutoff and warns 5 degC before", "[battery_alarms]")
{
    for (int sensor = 0; sensor < BATTERY_SENSORS_MAX; sensor++) {
        for (int other_connected = 0; other_connected <= 1; other_connected++) {
            ROW("sensor %d, other connected %d", sensor, other_connected);
            pack_t pack;
            alarms_begin(&pack);
            pack.state.pack_current_ma = known(501);
            pack.state.sensor_ddegc[1 - sensor] = other_connected ? known(250) : unknown();
            battery_quantity_t *const sensor_ddegc = &pack.state.sensor_ddegc[sensor];
            const battery_alarm_cause_t cause = BATTERY_ALARM_CAUSE_TEMPERATURE;
            alarms_assert_edges(&pack, sensor_ddegc,
                                &(edges_t){BATTERY_ALARM_LOW_TEMPERATURE_CHARGE, false, cause, 51, 50, 69, 70});
            alarms_assert_edges(&pack, sensor_ddegc,
                                &(edges_t){BATTERY_ALARM_LOW_TEMPERATURE_CHARGE, true, cause, 101, 100, 119, 120});
        }
    }
}

TEST_CASE("a cutoff of 0 degC and temperatures below it count as such", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.pack_current_ma = known(20000);
    pack.bms.cold_charge_ddegc = known(0);
    const edges_t freezing = {
        BATTERY_ALARM_LOW_TEMPERATURE_CHARGE, false, BATTERY_ALARM_CAUSE_TEMPERATURE, 1, 0, 19, 20};
    alarms_assert_edges(&pack, &pack.state.sensor_ddegc[0], &freezing);
    pack.bms.cold_charge_ddegc = known(-100);
    const edges_t frost = {
        BATTERY_ALARM_LOW_TEMPERATURE_CHARGE, true, BATTERY_ALARM_CAUSE_TEMPERATURE, -49, -50, -31, -30};
    alarms_assert_edges(&pack, &pack.state.sensor_ddegc[0], &frost);
}

static void discharge_edges(int32_t cutoff_ma, bool warning, const int32_t at[4])
{
    pack_t pack;
    alarms_begin(&pack);
    pack.bms.discharge_max_ma = known(cutoff_ma);
    alarms_assert_edges(&pack, &pack.state.pack_current_ma,
                        &(edges_t){BATTERY_ALARM_HIGH_DISCHARGE_CURRENT, warning, BATTERY_ALARM_CAUSE_CURRENT, at[0],
                                   at[1], at[2], at[3]});
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_CHARGE_CURRENT, BATTERY_ALARM_OK);
}

TEST_CASE("discharging alarms at its cutoff and warns at 95 % of it", "[battery_alarms]")
{
    discharge_edges(120000, false, (int32_t[]){-119999, -120000, -114001, -114000});
    discharge_edges(120000, true, (int32_t[]){-113999, -114000, -108001, -108000});
}

TEST_CASE("the largest cutoff that a register can hold does not overflow", "[battery_alarms]")
{
    discharge_edges(65535000, true, (int32_t[]){-62258249, -62258250, -58981501, -58981500});
}

TEST_CASE("charging alarms at its cutoff and warns at 95 % of it", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    alarms_assert_edges(
        &pack, &pack.state.pack_current_ma,
        &(edges_t){BATTERY_ALARM_HIGH_CHARGE_CURRENT, false, BATTERY_ALARM_CAUSE_CURRENT, 99999, 100000, 95001, 95000});
    alarms_assert_edges(
        &pack, &pack.state.pack_current_ma,
        &(edges_t){BATTERY_ALARM_HIGH_CHARGE_CURRENT, true, BATTERY_ALARM_CAUSE_CURRENT, 94999, 95000, 90001, 90000});
    alarms_assert_alarm(&pack, BATTERY_ALARM_HIGH_DISCHARGE_CURRENT, BATTERY_ALARM_OK);
}

static void alarms_without_waiting(pack_t *pack)
{
    battery_alarms_config_t config = BATTERY_ALARMS_DEFAULT_CONFIG();
    config.diff_warn_s = 0;
    alarms_configure(pack, config);
}

TEST_CASE("cells that differ while charging above the balancing threshold warn at 100 mV, alarm at 200 mV",
          "[battery_alarms]")
{
    pack_t pack;
    alarms_without_waiting(&pack);
    pack.state.pack_current_ma = known(501);
    pack.state.cell_min_mv = known(3390);
    alarms_assert_edges(
        &pack, &pack.state.cell_max_mv,
        &(edges_t){BATTERY_ALARM_CELL_IMBALANCE, true, BATTERY_ALARM_CAUSE_SPREAD, 3489, 3490, 3471, 3470});
    alarms_assert_edges(
        &pack, &pack.state.cell_max_mv,
        &(edges_t){BATTERY_ALARM_CELL_IMBALANCE, false, BATTERY_ALARM_CAUSE_SPREAD, 3589, 3590, 3571, 3570});
}

TEST_CASE("cells may differ below the balancing threshold and at it", "[battery_alarms]")
{
    pack_t pack;
    alarms_without_waiting(&pack);
    pack.state.pack_current_ma = known(20000);
    pack.state.cell_min_mv = known(3000);
    pack.state.cell_max_mv = known(3400);
    alarms_run(&pack, 5);
    alarms_assert_alarm(&pack, BATTERY_ALARM_CELL_IMBALANCE, BATTERY_ALARM_OK);
    alarms_assert_warning(&pack, BATTERY_ALARM_CELL_IMBALANCE, BATTERY_ALARM_OK);
    pack.state.cell_max_mv = known(3401);
    alarms_run(&pack, 3);
    alarms_assert_alarm(&pack, BATTERY_ALARM_CELL_IMBALANCE, BATTERY_ALARM_ACTIVE);
    alarms_assert_change(
        &pack, (battery_alarm_change_t){BATTERY_ALARM_CELL_IMBALANCE, true, true, BATTERY_ALARM_CAUSE_SPREAD, 401});
}

TEST_CASE("every number of the alarms is a setting", "[battery_alarms]")
{
    const battery_alarms_config_t config = {.alarm_cell_mv = 120,
                                            .alarm_temp_ddegc = 80,
                                            .alarm_cur_pct = 80,
                                            .diff_warn_mv = 60,
                                            .diff_alarm_mv = 150,
                                            .hyst_cell_mv = 30,
                                            .hyst_temp_ddegc = 15,
                                            .hyst_cur_pct = 10,
                                            .alarm_debounce = 3};
    pack_t pack;
    alarms_configure(&pack, config);
    alarms_assert_edges(&pack, &pack.state.cell_min_mv,
                        &(edges_t){BATTERY_ALARM_LOW_VOLTAGE, true, BATTERY_ALARM_CAUSE_CELL, 2921, 2920, 2949, 2950});
    alarms_assert_edges(
        &pack, &pack.state.sensor_ddegc[0],
        &(edges_t){BATTERY_ALARM_HIGH_TEMPERATURE, true, BATTERY_ALARM_CAUSE_TEMPERATURE, 519, 520, 506, 505});
    alarms_assert_edges(
        &pack, &pack.state.pack_current_ma,
        &(edges_t){BATTERY_ALARM_HIGH_CHARGE_CURRENT, true, BATTERY_ALARM_CAUSE_CURRENT, 79999, 80000, 70001, 70000});
    pack.state.cell_min_mv = known(3400);
    pack.state.pack_current_ma = known(501);
    alarms_assert_edges(
        &pack, &pack.state.cell_max_mv,
        &(edges_t){BATTERY_ALARM_CELL_IMBALANCE, true, BATTERY_ALARM_CAUSE_SPREAD, 3459, 3460, 3431, 3430});
    alarms_assert_edges(
        &pack, &pack.state.cell_max_mv,
        &(edges_t){BATTERY_ALARM_CELL_IMBALANCE, false, BATTERY_ALARM_CAUSE_SPREAD, 3549, 3550, 3521, 3520});
}
