/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "gateway.h"
#include "unity.h"

/* ---- the start-up gate ---- */

static void expect_gate_shut(gateway_t *g)
{
    for (int i = 0; i < 3; i++) {
        gateway_feed(g, GATEWAY_POLL_MS);
        TEST_ASSERT_FALSE(g->state.publish);
        TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, g->state.status);
    }
    gateway_wait(g, 3500); /* growing stale does not open it */
    TEST_ASSERT_FALSE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, g->state.status);
    gateway_wait(g, 7000);
    TEST_ASSERT_FALSE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, g->state.status);
}

TEST_CASE("nothing is sent before there is a snapshot", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    memset(&g->state, 0xA5, sizeof(g->state));
    TEST_ASSERT_EQUAL(0, battery_pipeline_step(&g->pipeline, NULL, g->now_ms, &g->state, g->changes));
    TEST_ASSERT_FALSE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, g->state.status);
    TEST_ASSERT_FALSE(g->state.cvl_mv.known || g->state.ccl_ma.known || g->state.dcl_ma.known);
    g->now_ms += GATEWAY_HOUR_MS;
    gateway_step(g, NULL);
    TEST_ASSERT_FALSE(g->state.publish);
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
}

TEST_CASE("nothing is sent before the settings have been read", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    g->snapshot.settings_known = false;
    expect_gate_shut(g);
}

TEST_CASE("nothing is sent without a full voltage", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    g->snapshot.settings[0] = 0;
    expect_gate_shut(g);
}

TEST_CASE("nothing is sent without a number of cells; the detected one is enough", "[battery_pipeline]")
{
    gateway_t *g = gateway_started_at(1000);
    g->snapshot.settings[7] = 0;
    g->snapshot.live[53] = 0;
    expect_gate_shut(g);
    g = gateway_started_at(1000);
    g->snapshot.settings[7] = 0;
    gateway_feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.cvl_mv, GATEWAY_FLOAT_MV, BATTERY_REASON_RISING);
}

TEST_CASE("nothing is sent without a state of charge, a voltage or a current", "[battery_pipeline]")
{
    gateway_t *g = gateway_started_at(1000);
    g->snapshot.live[47] = 0xFFFF;
    expect_gate_shut(g);
    g = gateway_started_at(1000);
    g->snapshot.live[37] = 0x7FC0; /* not a number */
    expect_gate_shut(g);
    g = gateway_started_at(1000);
    g->snapshot.live[39] = 0x7FC0;
    expect_gate_shut(g);
}

TEST_CASE("the first complete snapshot opens the gate with limits at a tenth, which rise in 30 s", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    gateway_feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    gateway_expect(&g->state.cvl_mv, GATEWAY_FLOAT_MV, BATTERY_REASON_RISING);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dvl_mv, 14 * 3000, BATTERY_REASON_BMS_SETTING);
    gateway_feed_for(g, 15000);
    gateway_expect(&g->state.ccl_ma, 9900, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dcl_ma, 29700, BATTERY_REASON_RAMP);
    gateway_feed_for(g, 15000);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA, BATTERY_REASON_BMS_SETTING);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
    gateway_expect(&g->state.cvl_mv, GATEWAY_FLOAT_MV, BATTERY_REASON_RISING);
    gateway_feed_for(g, GATEWAY_SETTLED_MS - 30000);
    gateway_expect_online(g);
}

static void expect_first_ramp(gateway_t *g)
{
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA / 10, BATTERY_REASON_RAMP);
}

TEST_CASE("however long the gate was shut, limits begin at a tenth", "[battery_pipeline]")
{
    gateway_t *g = gateway_started_at(1000);
    g->snapshot.settings_known = false;
    gateway_feed_for(g, 60000);
    g->snapshot.settings_known = true;
    gateway_feed(g, GATEWAY_POLL_MS);
    expect_first_ramp(g);
    g = gateway_started_at(1000);
    g->snapshot.live[47] = 0xFFFF; /* no state of charge */
    gateway_feed_for(g, 60000);
    g->snapshot.live[47] = 1274;
    gateway_feed(g, GATEWAY_POLL_MS);
    expect_first_ramp(g);
}

TEST_CASE("a silence before the gate opened changes nothing of the start", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    g->snapshot.settings_known = false;
    gateway_feed(g, 0);
    gateway_wait(g, 5000);
    g->snapshot.settings_known = true;
    gateway_feed(g, 0);
    expect_first_ramp(g);
}

TEST_CASE("contradictory settings are sent, with no charging", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    g->snapshot.settings[16] = 3000; /* 316 = 301 */
    gateway_feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_SETTINGS_CONTRADICTORY);
    gateway_expect(&g->state.cvl_mv, 14 * 4075, BATTERY_REASON_CHARGE_INHIBITED);
}

/* ---- status ---- */

TEST_CASE("a fault of the BMS is offline and still sent", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    g->snapshot.live[50] = 0x9B;
    g->snapshot.fault_count = 1;
    g->snapshot.faults[0] = 0x03;
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, g->state.status);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_BMS_FAULT);
    gateway_expect(&g->state.cvl_mv, 14 * 4075, BATTERY_REASON_CHARGE_INHIBITED);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
    g->snapshot.live[50] = 0x97;
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
}

TEST_CASE("a fully charged battery is no fault", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    g->snapshot.live[50] = 0x92;
    gateway_feed_for(g, 3 * GATEWAY_POLL_MS);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, g->state.cvl_mv.reason);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA, BATTERY_REASON_BMS_SETTING);
}

/* ---- the stages of silence ---- */

TEST_CASE("3000 ms without a snapshot stop charging and hold the rest", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    gateway_wait(g, 2999);
    gateway_expect_online(g);
    gateway_wait(g, 1);
    gateway_expect_stage_one(g);
    TEST_ASSERT_EQUAL_INT32(55780, g->state.pack_voltage_mv.value);
}

/** The only change of "BMS internal" in a step that comes so much later; with a new snapshot or without. */
static battery_alarm_change_t change_after(gateway_t *g, int64_t after_ms, bool heard)
{
    g->now_ms += after_ms;
    g->snapshot.taken_ms = heard ? g->now_ms : g->snapshot.taken_ms;
    g->snapshot.sequence += heard ? 1 : 0;
    const size_t count = battery_pipeline_step(&g->pipeline, &g->snapshot, g->now_ms, &g->state, g->changes);
    const battery_alarm_change_t *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (g->changes[i].id == BATTERY_ALARM_BMS_INTERNAL) {
            TEST_ASSERT_NULL(found);
            found = &g->changes[i];
        }
    }
    TEST_ASSERT_NOT_NULL(found);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_CAUSE_STALE, found->cause);
    return *found;
}

TEST_CASE("the log tells how old the data was when it was too old, and that it is no more", "[battery_pipeline]")
{
    static const int64_t silences_ms[] = {3000, 3001, INT32_MAX - 1, INT32_MAX, INT64_C(0x80000000), INT64_C(1) << 40};
    for (size_t i = 0; i < sizeof(silences_ms) / sizeof(silences_ms[0]); i++) {
        ROW("silences_ms[%zu]", i);
        gateway_t *const g = gateway_settled_at(1000);
        const int64_t told_ms = silences_ms[i] < INT32_MAX ? silences_ms[i] : INT32_MAX;
        const battery_alarm_change_t raised = change_after(g, silences_ms[i], false);
        TEST_ASSERT_TRUE(raised.active);
        TEST_ASSERT_EQUAL_INT32(told_ms, raised.value);
        const battery_alarm_change_t cleared = change_after(g, 0, true);
        TEST_ASSERT_FALSE(cleared.active);
        TEST_ASSERT_EQUAL_INT32(0, cleared.value);
    }
}

TEST_CASE("a snapshot that is a millisecond old is so much old", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    g->snapshot.taken_ms = g->now_ms + 199;
    g->snapshot.sequence++;
    gateway_wait(g, 200);
    gateway_wait(g, 2998);
    gateway_expect_online(g);
    gateway_wait(g, 1);
    gateway_expect_stage_one(g);
}

TEST_CASE("without a full voltage no voltage is called high below the cutoff", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    g->snapshot.settings[0] = 0;
    gateway_feed_for(g, 5000);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, g->state.alarm[BATTERY_ALARM_HIGH_VOLTAGE]);
    TEST_ASSERT_TRUE(g->state.warning[BATTERY_ALARM_HIGH_VOLTAGE] != BATTERY_ALARM_ACTIVE);
}

TEST_CASE("10000 ms without a snapshot stop everything", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    gateway_wait(g, 9999);
    gateway_expect_stage_one(g);
    gateway_wait(g, 1);
    TEST_ASSERT_FALSE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, g->state.status);
    gateway_wait(g, 24 * 3600000);
    TEST_ASSERT_FALSE(g->state.publish);
}

TEST_CASE("the times of the stages come from the settings", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    config.data_stale_ms = 1000;
    config.data_silent_ms = 20000;
    battery_pipeline_init(&g->pipeline, &config, NULL);
    gateway_feed(g, 0);
    gateway_wait(g, 999);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    gateway_wait(g, 1);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, g->state.status);
    gateway_wait(g, 18999);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_wait(g, 1);
    TEST_ASSERT_FALSE(g->state.publish);
}

TEST_CASE("an age that is made shorter counts in the next step, for data that has it already", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    gateway_wait(g, 2000);
    gateway_expect_online(g);
    config.data_stale_ms = 2000;
    battery_pipeline_configure(&g->pipeline, &config, false);
    gateway_wait(g, 0);
    gateway_expect_stage_one(g);
    gateway_wait(g, 6001);
    config.data_silent_ms = 8001;
    battery_pipeline_configure(&g->pipeline, &config, false);
    gateway_wait(g, 0);
    TEST_ASSERT_FALSE(g->state.publish);
}

TEST_CASE("an age that is made longer ends neither stage; only a snapshot that is believed does", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    gateway_wait(g, 3000);
    gateway_expect_stage_one(g);
    config.data_stale_ms = 8000;
    battery_pipeline_configure(&g->pipeline, &config, false);
    gateway_wait(g, 100);
    gateway_expect_stage_one(g);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, g->state.warning[BATTERY_ALARM_BMS_INTERNAL]);
    gateway_feed(g, GATEWAY_POLL_MS);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    gateway_wait(g, 10000);
    TEST_ASSERT_FALSE(g->state.publish);
    config.data_silent_ms = 60000;
    battery_pipeline_configure(&g->pipeline, &config, false);
    gateway_wait(g, 100);
    TEST_ASSERT_FALSE(g->state.publish);
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA / 10, BATTERY_REASON_RAMP);
}

TEST_CASE("new settings reach limits and alarms with the next snapshot, and not before it", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    config.charge.charge_max_ma = 10000;
    config.alarms.alarm_cell_mv = 250; /* the cells are at 3980, their cutoff is 4200, the target 4150 */
    config.alarms.alarm_debounce = 1;
    battery_pipeline_configure(&g->pipeline, &config, true);
    gateway_wait(g, 100);
    gateway_expect_online(g);
    gateway_feed(g, 100);
    gateway_expect(&g->state.ccl_ma, 1000, BATTERY_REASON_SETTINGS_LOST);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, g->state.warning[BATTERY_ALARM_BMS_INTERNAL]);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, g->state.warning[BATTERY_ALARM_HIGH_VOLTAGE]); /* halfway to the cutoff */
    config.alarms.alarm_cell_mv = 25;
    config.charge.charge_cell_mv = 3700;
    config.alarms.alarm_debounce = 1;
    battery_pipeline_configure(&g->pipeline, &config, false);
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, g->state.warning[BATTERY_ALARM_BMS_INTERNAL]);
    TEST_ASSERT_EQUAL_INT32(14 * 3700, g->state.cvl_mv.value);
}

TEST_CASE("the same snapshot given again is not new data", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    for (int i = 0; i < 29; i++) {
        gateway_wait(g, 100);
    }
    gateway_expect_online(g);
    gateway_wait(g, 100);
    gateway_expect_stage_one(g);
}

TEST_CASE("age counts from when the snapshot was taken, not from when it came", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    g->snapshot.taken_ms = g->now_ms + 400;
    g->snapshot.sequence++;
    gateway_wait(g, 1000);
    gateway_expect_online(g);
    gateway_wait(g, 2399);
    gateway_expect_online(g);
    gateway_wait(g, 1);
    gateway_expect_stage_one(g);
}

TEST_CASE("a snapshot that comes when it is stale already does not start charging", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    g->snapshot.taken_ms = g->now_ms + 200;
    g->snapshot.sequence++;
    gateway_wait(g, 3200);
    gateway_expect_stage_one(g);
    gateway_feed(g, GATEWAY_POLL_MS);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
}

TEST_CASE("after 3 s of silence CCL rises from zero in 30 s, CVL and DCL are as before", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    gateway_wait(g, 9999);
    gateway_feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    TEST_ASSERT_FALSE(g->state.ccl_limiter_ma[BATTERY_REASON_STALE_DATA].known);
    for (int s = 0; s < 30; s++) {
        gateway_expect(&g->state.cvl_mv, GATEWAY_CVL_MV, BATTERY_REASON_BULK);
        TEST_ASSERT_EQUAL(BATTERY_REASON_RAMP, g->state.ccl_ma.reason);
        TEST_ASSERT_EQUAL_INT32(s * 1000 / 30 * GATEWAY_CCL_MA / 1000,
                                g->state.ccl_limiter_ma[BATTERY_REASON_RAMP].value);
        gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
        gateway_feed_for(g, 1000);
    }
    gateway_expect_online(g);
}

TEST_CASE("after 10 s of silence both currents rise from a tenth in 30 s", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    gateway_wait(g, 5000);
    gateway_wait(g, 5000);
    gateway_feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_feed_for(g, 15000);
    gateway_expect(&g->state.ccl_ma, 9900, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dcl_ma, 29700, BATTERY_REASON_RAMP);
    gateway_feed_for(g, 15000);
    gateway_expect(&g->state.cvl_mv, GATEWAY_FLOAT_MV, BATTERY_REASON_RISING);
    gateway_feed_for(g, GATEWAY_SETTLED_MS - 30000);
    gateway_expect_online(g);
}

TEST_CASE("a silence of 3 s after one of 10 s leaves DCL alone", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    gateway_wait(g, 10000);
    gateway_feed(g, 0);
    gateway_feed_for(g, 30000);
    gateway_wait(g, 3000);
    gateway_feed(g, 0);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("settings that were read before a silence stay valid", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    gateway_wait(g, 60000);
    g->snapshot.settings_known = false;
    gateway_feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.cvl_mv, GATEWAY_FLOAT_MV, BATTERY_REASON_RISING);
}

TEST_CASE("no limiter allows less than nothing when the first snapshot after a silence is not the newest",
          "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    gateway_wait(g, 5000);
    g->snapshot.taken_ms = g->now_ms + 100;
    g->snapshot.sequence++;
    gateway_wait(g, 1000);
    for (int i = 0; i < BATTERY_LIMITER_COUNT; i++) {
        ROW("limiter %d", i);
        if (g->state.ccl_limiter_ma[i].known) {
            TEST_ASSERT_GREATER_OR_EQUAL(0, g->state.ccl_limiter_ma[i].value);
        }
    }
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
}

TEST_CASE("a reset of the BMS changes nothing", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    for (int i = 0; i < 15; i++) {
        gateway_wait(g, 100);
        gateway_expect_online(g);
    }
    gateway_feed(g, 0);
    gateway_expect_online(g);
}

/* ---- the clock ---- */

TEST_CASE("a clock that is set back by an hour changes nothing while data comes", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(2 * GATEWAY_HOUR_MS);
    gateway_feed(g, GATEWAY_POLL_MS - (int32_t)GATEWAY_HOUR_MS);
    gateway_expect_online(g);
    gateway_feed_for(g, 5000);
    gateway_expect_online(g);
}

TEST_CASE("a clock that is set back by an hour in a silence does not prolong its stages", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(2 * GATEWAY_HOUR_MS);
    gateway_wait(g, 1000);
    gateway_wait(g, (int32_t)-GATEWAY_HOUR_MS);
    gateway_expect_online(g);
    gateway_wait(g, 1999);
    gateway_expect_online(g);
    gateway_wait(g, 1);
    gateway_expect_stage_one(g);
    gateway_wait(g, (int32_t)-GATEWAY_HOUR_MS);
    gateway_wait(g, 6999);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_wait(g, 1);
    TEST_ASSERT_FALSE(g->state.publish);
    gateway_feed(g, GATEWAY_POLL_MS);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA / 10, BATTERY_REASON_RAMP);
}

TEST_CASE("a snapshot that was taken before the clock was set back counts as new", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(2 * GATEWAY_HOUR_MS);
    gateway_wait(g, 2000);
    g->snapshot.taken_ms = g->now_ms + 100;
    g->snapshot.sequence++;
    gateway_wait(g, 200 - (int32_t)GATEWAY_HOUR_MS);
    gateway_expect_online(g);
    gateway_wait(g, 2999);
    gateway_expect_online(g);
    gateway_wait(g, 1);
    gateway_expect_stage_one(g);
}

TEST_CASE("a ramp goes on when the clock is set back", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(2 * GATEWAY_HOUR_MS);
    gateway_feed(g, 0);
    gateway_feed_for(g, 10000);
    gateway_feed(g, (int32_t)-GATEWAY_HOUR_MS);
    gateway_feed_for(g, 5000);
    gateway_expect(&g->state.ccl_ma, 9900, BATTERY_REASON_RAMP);
    gateway_feed_for(g, GATEWAY_SETTLED_MS - 15000);
    gateway_expect_online(g);
}

static void expect_all_stages_after(int64_t start_ms)
{
    gateway_t *const g =
        gateway_settled_at(start_ms - GATEWAY_SETTLED_MS - 1500); /* the threshold is passed in the silence */
    gateway_expect_online(g);
    gateway_wait(g, 2999);
    gateway_expect_online(g);
    gateway_wait(g, 1);
    gateway_expect_stage_one(g);
    gateway_wait(g, 7000);
    TEST_ASSERT_FALSE(g->state.publish);
    gateway_feed(g, GATEWAY_POLL_MS);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_feed_for(g, GATEWAY_SETTLED_MS);
    gateway_expect_online(g);
    gateway_settled_at(start_ms - 15000); /* and in a ramp */
    gateway_expect_online(g);
}

TEST_CASE("24.9 and 49.7 days of uptime change nothing", "[battery_pipeline]")
{
    expect_all_stages_after(INT64_C(1) << 31);
    expect_all_stages_after(INT64_C(1) << 32);
}

TEST_CASE("a sequence number that wraps is one more", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    g->snapshot.sequence = UINT32_MAX - 2;
    gateway_feed(g, 0);
    gateway_feed_for(g, GATEWAY_SETTLED_MS);
    gateway_expect_online(g);
}

/* ---- energy ---- */

TEST_CASE("energy that was kept over a restart is there again", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    const battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    const energy_totals_t kept = {.in_mwh = INT64_C(12345678901), .out_mwh = INT64_C(11111111111), .full_count = 7};
    const battery_pipeline_kept_t before = {.energy = &kept};
    battery_pipeline_init(&g->pipeline, &config, &before);
    gateway_feed(g, 0);
    TEST_ASSERT_EQUAL_INT64(kept.in_mwh, battery_pipeline_energy(&g->pipeline)->in_mwh);
    TEST_ASSERT_EQUAL_INT64(kept.out_mwh, battery_pipeline_energy(&g->pipeline)->out_mwh);
    TEST_ASSERT_EQUAL_UINT32(kept.full_count, battery_pipeline_energy(&g->pipeline)->full_count);
}
