/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "fixture.h"
#include "unity.h"

/* What is warned of because of what was told the charger and the inverter, and what takes its time. The limit of both
 * directions is 20 A; 24 A are a tenth and 2 A beyond it. */

#define LIMIT_MA   20000
#define BEYOND_MA  24001
#define SETTLED_MS 61000 /* 60 s after the first snapshot */

static const battery_alarm_id_t CHARGE = BATTERY_ALARM_HIGH_CHARGE_CURRENT;
static const battery_alarm_id_t DISCHARGE = BATTERY_ALARM_HIGH_DISCHARGE_CURRENT;

static void set_limits(pack_t *pack, battery_quantity_t limit)
{
    pack->state.ccl_ma.known = limit.known;
    pack->state.ccl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE] = limit;
    pack->state.dcl_limiter_ma[BATTERY_REASON_CELL_VOLTAGE] = limit;
}

/** Limits are told since 60 s, and nothing flows. */
static void settled(pack_t *pack, int32_t limit_ma)
{
    alarms_begin(pack);
    set_limits(pack, known(limit_ma));
    alarms_at(pack, 1000);
    alarms_at(pack, SETTLED_MS);
}

static void expect_at(pack_t *pack, int64_t now_ms, battery_alarm_id_t id, battery_alarm_level_t level)
{
    alarms_at(pack, now_ms);
    alarms_assert_warning(pack, id, level);
    alarms_assert_alarm(pack, id, BATTERY_ALARM_OK);
}

/** Whether this current, with these limits, warns in the end. */
static void expect_in_the_end(pack_t *pack, int32_t current_ma, battery_alarm_level_t charge,
                              battery_alarm_level_t discharge)
{
    pack->state.pack_current_ma = known(current_ma);
    alarms_at(pack, pack->input.now_ms + 100000); /* a limit that fell is settled */
    alarms_at(pack, pack->input.now_ms + 100000);
    alarms_assert_warning(pack, CHARGE, charge);
    alarms_assert_warning(pack, DISCHARGE, discharge);
}

static const battery_alarm_level_t OK = BATTERY_ALARM_OK;
static const battery_alarm_level_t ACTIVE = BATTERY_ALARM_ACTIVE;

TEST_CASE("a current beyond its limit by a tenth and 2 A for 10 s warns, and clears at once", "[battery_alarms]")
{
    for (int direction = 1; direction >= -1; direction -= 2) {
        ROW("direction %d", direction);
        const battery_alarm_id_t id = direction > 0 ? CHARGE : DISCHARGE;
        const battery_alarm_id_t other = direction > 0 ? DISCHARGE : CHARGE;
        pack_t pack;
        settled(&pack, LIMIT_MA);
        pack.state.pack_current_ma = known(direction * BEYOND_MA);
        expect_at(&pack, SETTLED_MS + 9999, id, OK);
        expect_at(&pack, SETTLED_MS + 10000, id, ACTIVE);
        alarms_assert_change(
            &pack, (battery_alarm_change_t){id, true, true, BATTERY_ALARM_CAUSE_LIMIT, direction * BEYOND_MA});
        alarms_assert_warning(&pack, other, OK);
        alarms_assert_warning(&pack, BATTERY_ALARM_GENERAL, ACTIVE);
        pack.state.pack_current_ma = known(direction * (BEYOND_MA - 1));
        expect_at(&pack, SETTLED_MS + 10200, id, OK);
        alarms_assert_change(
            &pack, (battery_alarm_change_t){id, true, false, BATTERY_ALARM_CAUSE_LIMIT, direction * (BEYOND_MA - 1)});
        pack.state.pack_current_ma = known(direction * BEYOND_MA); /* 10 s anew */
        expect_at(&pack, SETTLED_MS + 20199, id, OK);
        expect_at(&pack, SETTLED_MS + 20200, id, ACTIVE);
    }
}

TEST_CASE("how far a current may be beyond its limit", "[battery_alarms]")
{
    static const struct {
        int32_t limit_ma;
        int32_t harmless_ma;
    } cases[] = {{0, 2000}, {109, 2119}, {110, 2121}, {LIMIT_MA, BEYOND_MA - 1}, {80000, 90000}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ROW("cases[%zu]", i);
        const int32_t harmless_ma = cases[i].harmless_ma;
        pack_t pack;
        settled(&pack, cases[i].limit_ma);
        expect_in_the_end(&pack, harmless_ma, OK, OK);
        expect_in_the_end(&pack, harmless_ma + 1, ACTIVE, OK);
        expect_in_the_end(&pack, -harmless_ma, OK, OK);
        expect_in_the_end(&pack, -harmless_ma - 1, OK, ACTIVE);
    }
}

TEST_CASE("charger and inverter have 60 s after the first limit to follow it", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.pack_current_ma = known(BEYOND_MA);
    alarms_at(&pack, 1000);
    alarms_at(&pack, 500000); /* no limit was made yet */
    set_limits(&pack, known(LIMIT_MA));
    alarms_at(&pack, 600000);
    expect_at(&pack, 659999, CHARGE, OK);
    expect_at(&pack, 660000, CHARGE, OK);
    expect_at(&pack, 669998, CHARGE, OK);
    expect_at(&pack, 669999, CHARGE, ACTIVE); /* 10 s after what was the last one of the 60 s */
}

TEST_CASE("charger and inverter have 60 s after a limit fell to follow it, one that rises is none", "[battery_alarms]")
{
    pack_t pack;
    settled(&pack, 30000);
    pack.state.pack_current_ma = known(30000);
    set_limits(&pack, known(29999));
    alarms_at(&pack, 100000);
    set_limits(&pack, known(LIMIT_MA));
    alarms_at(&pack, 110000);
    expect_at(&pack, 169999, CHARGE, OK);
    set_limits(&pack, known(LIMIT_MA + 1));
    expect_at(&pack, 170000, CHARGE, OK);
    expect_at(&pack, 179998, CHARGE, OK);
    expect_at(&pack, 179999, CHARGE, ACTIVE);
    set_limits(&pack, known(LIMIT_MA)); /* what is beyond the limit already does not follow one that falls */
    expect_at(&pack, 180200, CHARGE, ACTIVE);
}

TEST_CASE("a current that just kept to a limit has 60 s to follow its fall", "[battery_alarms]")
{
    pack_t pack;
    settled(&pack, 30000);
    pack.state.pack_current_ma = known(35000); /* 30 A, a tenth and 2 A */
    expect_at(&pack, 90000, CHARGE, OK);
    set_limits(&pack, known(LIMIT_MA));
    alarms_at(&pack, 100000);
    expect_at(&pack, 159999, CHARGE, OK);
    expect_at(&pack, 169998, CHARGE, OK);
    expect_at(&pack, 169999, CHARGE, ACTIVE);
}

TEST_CASE("a limit that only rises slowly, or after a start, is no reason to warn", "[battery_alarms]")
{
    pack_t pack;
    settled(&pack, LIMIT_MA);
    static const battery_limit_reason_t slow[] = {BATTERY_REASON_RAMP, BATTERY_REASON_RISING};
    for (size_t i = 0; i < 2; i++) {
        pack.state.ccl_limiter_ma[slow[i]] = known(0);
        pack.state.dcl_limiter_ma[slow[i]] = known(0);
    }
    pack.state.ccl_limiter_ma[BATTERY_REASON_NONE] = known(0); /* no limiter at all */
    pack.state.dcl_limiter_ma[BATTERY_REASON_NONE] = known(0);
    expect_in_the_end(&pack, BEYOND_MA - 1, OK, OK);
    expect_in_the_end(&pack, BEYOND_MA, ACTIVE, OK);
    expect_in_the_end(&pack, 1 - BEYOND_MA, OK, OK);
    expect_in_the_end(&pack, -BEYOND_MA, OK, ACTIVE);
}

TEST_CASE("the least of all limiters is the limit", "[battery_alarms]")
{
    for (int reason = BATTERY_REASON_BMS_SETTING; reason < BATTERY_LIMITER_COUNT; reason++) {
        ROW("reason %d", reason);
        const bool slow = reason == BATTERY_REASON_RAMP || reason == BATTERY_REASON_RISING ||
                          reason == BATTERY_REASON_STALE_DATA; /* nothing is measured then */
        pack_t pack;
        settled(&pack, LIMIT_MA);
        pack.state.ccl_limiter_ma[reason] = known(10000); /* 13 A at most */
        expect_in_the_end(&pack, 13000, OK, OK);
        expect_in_the_end(&pack, 13001, slow ? OK : ACTIVE, OK);
        expect_in_the_end(&pack, -13001, OK, OK);
        pack.state.dcl_limiter_ma[reason] = known(10000);
        expect_in_the_end(&pack, -13001, OK, slow ? OK : ACTIVE);
    }
}

TEST_CASE("without a limit or a current nothing is beyond it", "[battery_alarms]")
{
    pack_t pack;
    settled(&pack, LIMIT_MA);
    set_limits(&pack, unknown());
    expect_in_the_end(&pack, 90000, OK, OK);
    set_limits(&pack, known(LIMIT_MA)); /* falls to it: 60 s */
    pack.state.pack_current_ma = (battery_quantity_t){.known = false, .value = 90000};
    alarms_run(&pack, 1);
    alarms_at(&pack, pack.input.now_ms + 100000);
    alarms_at(&pack, pack.input.now_ms + 100000);
    alarms_assert_warning(&pack, CHARGE, BATTERY_ALARM_UNSUPPORTED);
    alarms_assert_warning(&pack, DISCHARGE, BATTERY_ALARM_UNSUPPORTED);
}

TEST_CASE("a current beyond its limit warns although its cutoff is not known", "[battery_alarms]")
{
    pack_t pack;
    settled(&pack, LIMIT_MA);
    pack.bms.charge_max_ma = unknown();
    expect_in_the_end(&pack, BEYOND_MA, ACTIVE, OK);
    expect_in_the_end(&pack, BEYOND_MA - 1, BATTERY_ALARM_UNSUPPORTED, OK);
}

TEST_CASE("a current that is near its cutoff as well holds the warning when the limit rises", "[battery_alarms]")
{
    pack_t pack;
    settled(&pack, LIMIT_MA);
    expect_in_the_end(&pack, 96000, ACTIVE, OK);
    alarms_run(&pack, 3);
    set_limits(&pack, known(90000));
    alarms_run(&pack, 1);
    alarms_assert_warning(&pack, CHARGE, ACTIVE);
    pack.state.pack_current_ma = known(80000);
    alarms_run(&pack, 3);
    alarms_assert_change(&pack, (battery_alarm_change_t){CHARGE, true, false, BATTERY_ALARM_CAUSE_CURRENT, 80000});
}

/* ---- charging that a temperature blocks ---- */

static void expect_blocked(pack_t *pack, const bool *blocked, battery_alarm_id_t id)
{
    const battery_alarm_level_t other = pack->state.sensor_ddegc[0].known ? OK : BATTERY_ALARM_UNSUPPORTED;
    alarms_run(pack, 1);
    TEST_ASSERT_TRUE(*blocked);
    TEST_ASSERT_EQUAL(2, pack->change_count);
    alarms_assert_change(pack, (battery_alarm_change_t){id, true, true, BATTERY_ALARM_CAUSE_BLOCKED, 0});
    for (battery_alarm_id_t i = BATTERY_ALARM_HIGH_TEMPERATURE; i <= BATTERY_ALARM_LOW_TEMPERATURE_CHARGE; i++) {
        ROW("%s", battery_alarm_text(i));
        if (i != BATTERY_ALARM_LOW_TEMPERATURE) {
            alarms_assert_warning(pack, i, i == id ? ACTIVE : other);
            alarms_assert_alarm(pack, i, other);
        }
    }
    alarms_assert_warning(pack, BATTERY_ALARM_GENERAL, ACTIVE);
}

/** It ends: so does the warning, as late as CCL rises again. */
static void expect_held_for_30_s(pack_t *pack, bool *blocked, battery_alarm_id_t id)
{
    const int64_t last_ms = pack->input.now_ms;
    *blocked = false;
    alarms_at(pack, last_ms + 29999);
    alarms_assert_warning(pack, id, ACTIVE);
    alarms_at(pack, last_ms + 30000);
    alarms_assert_change(pack, (battery_alarm_change_t){id, true, false, BATTERY_ALARM_CAUSE_BLOCKED, 0});
}

TEST_CASE("charging that a temperature blocks warns at once, while nothing flows and without a sensor too",
          "[battery_alarms]")
{
    for (int sensors = 0; sensors <= 1; sensors++) {
        ROW("sensors %d", sensors);
        pack_t pack;
        alarms_begin(&pack);
        pack.state.sensor_ddegc[0] = sensors != 0 ? known(250) : unknown();
        pack.state.sensor_ddegc[1] = unknown();
        alarms_run(&pack, 1);
        pack.state.too_cold_to_charge = true;
        expect_blocked(&pack, &pack.state.too_cold_to_charge, BATTERY_ALARM_LOW_TEMPERATURE_CHARGE);
        expect_held_for_30_s(&pack, &pack.state.too_cold_to_charge, BATTERY_ALARM_LOW_TEMPERATURE_CHARGE);
        pack.state.too_hot_to_charge = true;
        expect_blocked(&pack, &pack.state.too_hot_to_charge, BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE);
        expect_held_for_30_s(&pack, &pack.state.too_hot_to_charge, BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE);
    }
}

TEST_CASE("a temperature that was at its limit within 30 s keeps the warning", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.too_cold_to_charge = true;
    alarms_run(&pack, 1);
    for (int i = 0; i < 100; i++) {
        pack.state.too_cold_to_charge = i % 40 == 0;
        alarms_at(&pack, 1000 + i * 1000);
        TEST_ASSERT_EQUAL(i % 40 < 30 ? ACTIVE : OK, pack.state.warning[BATTERY_ALARM_LOW_TEMPERATURE_CHARGE]);
    }
}

TEST_CASE("charging that a temperature blocks does not warn when that is not wanted", "[battery_alarms]")
{
    battery_alarms_config_t config = BATTERY_ALARMS_DEFAULT_CONFIG();
    config.alarm_blocked = 0;
    pack_t pack;
    alarms_configure(&pack, config);
    alarms_run(&pack, 1);
    pack.state.too_cold_to_charge = true;
    pack.state.too_hot_to_charge = true;
    alarms_run(&pack, 5);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    alarms_assert_warning(&pack, BATTERY_ALARM_LOW_TEMPERATURE_CHARGE, OK);
    alarms_assert_warning(&pack, BATTERY_ALARM_HIGH_TEMPERATURE_CHARGE, OK);
}

TEST_CASE("a cold that goes on when charging is no longer blocked becomes the cause of the warning", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    pack.state.pack_current_ma = known(501);
    pack.state.sensor_ddegc[0] = known(80); /* warns below 10 degC */
    pack.state.too_cold_to_charge = true;
    alarms_run(&pack, 3);
    pack.state.too_cold_to_charge = false;
    alarms_run(&pack, 1);
    alarms_at(&pack, pack.input.now_ms + 30000);
    TEST_ASSERT_EQUAL(0, pack.change_count);
    pack.state.sensor_ddegc[0] = known(120);
    alarms_run(&pack, 3);
    alarms_assert_change(&pack, (battery_alarm_change_t){BATTERY_ALARM_LOW_TEMPERATURE_CHARGE, true, false,
                                                         BATTERY_ALARM_CAUSE_TEMPERATURE, 120});
}

/* ---- cells that differ ---- */

static const battery_alarm_id_t SPREAD = BATTERY_ALARM_CELL_IMBALANCE;

/** Three snapshots with this difference while charging, the last of them at this time. */
static void differ(pack_t *pack, int32_t difference_mv, int64_t now_ms)
{
    pack->state.pack_current_ma = known(501);
    pack->state.cell_min_mv = known(3390);
    pack->state.cell_max_mv = known(3390 + difference_mv);
    pack->input.now_ms = now_ms - 3 * ALARMS_PERIOD_MS;
    alarms_run(pack, 3);
}

TEST_CASE("a difference of the cells is a warning after 600 s, as the end of each charge may differ so long",
          "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    differ(&pack, 0, 1000);
    differ(&pack, 100, 2000); /* the debounce is over; the snapshot before did not count yet */
    expect_at(&pack, 1800 + 599999, SPREAD, OK);
    expect_at(&pack, 1800 + 600000, SPREAD, ACTIVE);
    alarms_assert_change(&pack, (battery_alarm_change_t){SPREAD, true, true, BATTERY_ALARM_CAUSE_SPREAD, 100});
    differ(&pack, 80, 700000);
    alarms_assert_change(&pack, (battery_alarm_change_t){SPREAD, true, false, BATTERY_ALARM_CAUSE_SPREAD, 80});
    differ(&pack, 100, 1000000);
    expect_at(&pack, 999800 + 599999, SPREAD, OK);
    expect_at(&pack, 999800 + 600000, SPREAD, ACTIVE);
}

TEST_CASE("the time of a difference begins anew when the cells are alike in between", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    differ(&pack, 100, 2000);
    differ(&pack, 81, 500000); /* within the hysteresis */
    differ(&pack, 80, 590000);
    differ(&pack, 100, 591000);
    expect_at(&pack, 590800 + 599999, SPREAD, OK);
    expect_at(&pack, 590800 + 600000, SPREAD, ACTIVE);
}

TEST_CASE("the alarm of a difference does not wait", "[battery_alarms]")
{
    pack_t pack;
    alarms_begin(&pack);
    differ(&pack, 0, 1000);
    differ(&pack, 200, 2000);
    alarms_assert_alarm(&pack, SPREAD, ACTIVE);
    alarms_assert_warning(&pack, SPREAD, OK);
    alarms_at(&pack, 700000);
    alarms_assert_warning(&pack, SPREAD, ACTIVE);
}

TEST_CASE("how long a difference may last is a setting", "[battery_alarms]")
{
    battery_alarms_config_t config = BATTERY_ALARMS_DEFAULT_CONFIG();
    config.diff_warn_s = 7200;
    pack_t pack;
    alarms_configure(&pack, config);
    differ(&pack, 0, 1000);
    differ(&pack, 100, 2000);
    expect_at(&pack, 1800 + 7199999, SPREAD, OK);
    expect_at(&pack, 1800 + 7200000, SPREAD, ACTIVE);
}

TEST_CASE("a current far beyond a limit that moves up and down by a millivolt of a cell warns", "[battery_alarms]")
{
    pack_t pack;
    settled(&pack, LIMIT_MA);
    pack.state.pack_current_ma = known(50000);
    for (int s = 0; s < 3600; s++) {
        set_limits(&pack, known(LIMIT_MA + (s % 2) * 288));
        alarms_at(&pack, SETTLED_MS + s * 1000);
    }
    alarms_assert_warning(&pack, CHARGE, ACTIVE);
}
TEST_CASE("what was measured before a silence is not beyond the limit of the silence", "[battery_alarms]")
{
    pack_t pack;
    settled(&pack, LIMIT_MA);
    pack.state.pack_current_ma = known(15000);
    alarms_run(&pack, 1);
    pack.input.stale = true;
    pack.state.ccl_limiter_ma[BATTERY_REASON_STALE_DATA] = known(0);
    for (int s = 0; s < 400; s++) {
        alarms_again(&pack);
    }
    alarms_assert_warning(&pack, CHARGE, OK);
}
