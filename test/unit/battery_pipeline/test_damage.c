/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* What is lost, stuck or damaged on its way through the pipeline, and what a restart keeps. */
#include <string.h>

#include "gateway.h"
#include "unity.h"

static void set_lifetime(gateway_t *g, uint32_t seconds)
{
    g->snapshot.live[32] = (uint16_t)(seconds & 0xFFFFU);
    g->snapshot.live[33] = (uint16_t)(seconds >> 16);
}

/** Snapshots whose lifetime counter advances every second. */
static void feed_alive(gateway_t *g, int32_t duration_ms)
{
    for (int32_t ms = 0; ms < duration_ms; ms += GATEWAY_POLL_MS) {
        set_lifetime(g, (uint32_t)((g->now_ms + GATEWAY_POLL_MS) / 1000));
        gateway_feed(g, GATEWAY_POLL_MS);
    }
}

/* ---- a BMS that answers and measures no more ---- */

TEST_CASE("a BMS that freezes is stale after 5 s and silent after 10, and comes back as after a silence",
          "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    feed_alive(g, 150000);
    TEST_ASSERT_TRUE(battery_pipeline_watches_freeze(&g->pipeline));
    gateway_expect_online(g);
    set_lifetime(g, 7777777);
    gateway_feed(g, GATEWAY_POLL_MS);
    gateway_feed_for(g, 4800);
    gateway_expect_online(g);
    gateway_feed(g, GATEWAY_POLL_MS);
    gateway_expect_stage_one(g);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, g->state.warning[BATTERY_ALARM_BMS_INTERNAL]);
    gateway_feed_for(g, 4800);
    gateway_expect_stage_one(g);
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_FALSE(g->state.publish);
    gateway_feed_for(g, 3600000);
    TEST_ASSERT_FALSE(g->state.publish);
    set_lifetime(g, 7777778);
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA / 10, BATTERY_REASON_RAMP);
}

TEST_CASE("a BMS that was frozen for less than 10 s charges again from zero", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    feed_alive(g, 150000);
    gateway_feed_for(g, 8000);
    gateway_expect_stage_one(g);
    set_lifetime(g, 7777778);
    gateway_feed(g, GATEWAY_POLL_MS);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("what a frozen BMS tells is not counted as energy", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    g->snapshot.live[39] = 0x4120; /* 10 A */
    feed_alive(g, 150000);         /* the counter has just advanced */
    gateway_feed_for(g, 4800);
    const int64_t in_mwh = battery_pipeline_energy(&g->pipeline)->in_mwh;
    TEST_ASSERT_GREATER_THAN(0, in_mwh);
    gateway_feed_for(g, 3600000);
    TEST_ASSERT_EQUAL_INT64(in_mwh, battery_pipeline_energy(&g->pipeline)->in_mwh);
}

TEST_CASE("a silence is no frozen BMS: its stages come at their own times", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    config.data_stale_ms = 8000;
    config.data_silent_ms = 20000;
    battery_pipeline_init(&g->pipeline, &config, NULL);
    feed_alive(g, 150000);
    TEST_ASSERT_TRUE(battery_pipeline_watches_freeze(&g->pipeline));
    gateway_wait(g, 7999);
    gateway_expect_online(g);
    gateway_wait(g, 1);
    gateway_expect_stage_one(g);
    gateway_wait(g, 11999);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_wait(g, 1);
    TEST_ASSERT_FALSE(g->state.publish);
}

TEST_CASE("a counter that stands while anything else in the block changes is no frozen BMS", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    feed_alive(g, 150000);
    for (uint16_t i = 0; i < 100; i++) {
        g->snapshot.live[34] = i; /* estimated time left */
        gateway_feed_for(g, 4000);
        gateway_expect_online(g);
    }
    for (uint32_t i = 100; i > 0; i--) { /* backwards, every 4 s, in its high word */
        set_lifetime(g, i << 16);
        gateway_feed_for(g, 4000);
        gateway_expect_online(g);
    }
}

TEST_CASE("a counter that advances backwards or by leaps is one that advances", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    for (uint32_t i = 0; i < 32; i++) {
        set_lifetime(g, 4000000 - (i << 16));
        gateway_feed_for(g, 2000);
    }
    TEST_ASSERT_TRUE(battery_pipeline_watches_freeze(&g->pipeline));
}

/** So many windows of 2 s with a change in each, then one without. @return whether the BMS is watched */
static bool watched_after(uint32_t windows)
{
    gateway_t *const g = gateway_started_at(1000);
    gateway_feed(g, 0);
    for (uint32_t i = 0; i < windows; i++) {
        set_lifetime(g, 1000 + i);
        gateway_feed_for(g, 2000);
    }
    gateway_feed_for(g, 4000);
    return battery_pipeline_watches_freeze(&g->pipeline);
}

TEST_CASE("the counter has to change in each of 30 windows of 2 s before it is relied on", "[battery_pipeline]")
{
    TEST_ASSERT_TRUE(watched_after(30));
    TEST_ASSERT_FALSE(watched_after(29));
    gateway_t *const g = gateway_started_at(1000);
    feed_alive(g, 50000);
    gateway_feed_for(g, 4400); /* it stood in one of them */
    feed_alive(g, 50000);
    TEST_ASSERT_FALSE(battery_pipeline_watches_freeze(&g->pipeline));
    gateway_wait(g, 5000); /* or nothing was heard */
    feed_alive(g, 50000);
    TEST_ASSERT_FALSE(battery_pipeline_watches_freeze(&g->pipeline));
    feed_alive(g, 15000);
    TEST_ASSERT_TRUE(battery_pipeline_watches_freeze(&g->pipeline));
}

TEST_CASE("a counter that stands is not relied on, whatever it shows", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    set_lifetime(g, 0x20001); /* more than a day: its high word is not that of its neighbours */
    gateway_feed_for(g, 120000);
    TEST_ASSERT_FALSE(battery_pipeline_watches_freeze(&g->pipeline));
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA, BATTERY_REASON_BMS_SETTING);
}

/** So many snapshots with another counter each. */
static void count_up(gateway_t *g, int snapshots, int32_t after_ms)
{
    for (int i = 0; i < snapshots; i++) {
        set_lifetime(g, (uint32_t)g->snapshot.live[32] + 1);
        gateway_feed(g, after_ms);
    }
}

TEST_CASE("a window of the counter is 2 s: a shorter one goes on, one of 4 s begins the count anew",
          "[battery_pipeline]")
{
    gateway_t *g = gateway_started_at(1000);
    count_up(g, 59, 1999);
    TEST_ASSERT_FALSE(battery_pipeline_watches_freeze(&g->pipeline)); /* two of them make a window */
    g = gateway_started_at(1000);
    count_up(g, 30, 2000); /* the first one only begins */
    TEST_ASSERT_FALSE(battery_pipeline_watches_freeze(&g->pipeline));
    count_up(g, 1, 4000);
    TEST_ASSERT_FALSE(battery_pipeline_watches_freeze(&g->pipeline));
    count_up(g, 29, 2000);
    TEST_ASSERT_FALSE(battery_pipeline_watches_freeze(&g->pipeline));
    count_up(g, 1, 2000);
    TEST_ASSERT_TRUE(battery_pipeline_watches_freeze(&g->pipeline));
}

TEST_CASE("a BMS whose counter never advanced is never called frozen", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    gateway_feed(g, 0);
    gateway_feed_for(g, 3600000);
    gateway_expect_online(g);
}

TEST_CASE("a counter is relied on also when the BMS is read every 2 s", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    for (uint32_t i = 0; i < 35; i++) {
        set_lifetime(g, 1000 + 2 * i);
        gateway_feed(g, 2000);
    }
    TEST_ASSERT_TRUE(battery_pipeline_watches_freeze(&g->pipeline));
}

/* ---- one bad block ---- */

TEST_CASE("one or two blocks whose cells contradict change nothing", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    g->snapshot.live[7] = 0;
    for (int i = 0; i < 2; i++) {
        gateway_feed(g, GATEWAY_POLL_MS);
        gateway_expect_online(g);
        TEST_ASSERT_EQUAL_INT32(3980, g->state.cell_min_mv.value);
    }
    g->snapshot.live[7] = 39800;
    gateway_feed(g, GATEWAY_POLL_MS);
    gateway_expect_online(g);
}

TEST_CASE("cells that contradict for three blocks stop charging, the house stays lit by what the BMS tells",
          "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    memset(g->snapshot.live, 0, 16 * sizeof(g->snapshot.live[0]));
    gateway_feed_for(g, 3 * GATEWAY_POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_CELLS_CONTRADICT);
    gateway_expect(&g->state.cvl_mv, GATEWAY_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, g->state.warning[BATTERY_ALARM_BMS_INTERNAL]);
    gateway_feed_for(g, 60000);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
    g->snapshot.live[40] = 3000; /* an empty one all the same */
    gateway_feed_for(g, 3 * GATEWAY_POLL_MS);
    gateway_expect(&g->state.dcl_ma, 0, BATTERY_REASON_CELL_VOLTAGE);
}

TEST_CASE("blocks that are refused are no data: two of them do not prolong a silence", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    gateway_wait(g, 2800);
    g->snapshot.live[7] = 0;
    gateway_feed(g, 200);
    gateway_expect_stage_one(g);
    g->snapshot.live[7] = 39800;
    gateway_feed(g, 200);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
}

TEST_CASE("blocks that are refused do not count for an alarm, blocks that are taken do", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    const battery_alarm_level_t *const alarm = &g->state.alarm[BATTERY_ALARM_LOW_VOLTAGE];
    TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, *alarm);
    g->snapshot.live[5] = 28000;
    g->snapshot.live[40] = 2800;
    for (int i = 1; i < g->pipeline.alarms.config.alarm_debounce; i++) {
        gateway_feed(g, GATEWAY_POLL_MS);
        TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, *alarm);
    }
    g->snapshot.live[7] = 0;
    for (int i = 0; i < 2; i++) {
        gateway_feed(g, GATEWAY_POLL_MS);
        TEST_ASSERT_EQUAL(BATTERY_ALARM_OK, *alarm);
    }
    g->snapshot.live[7] = 39800;
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, *alarm);
}

TEST_CASE("nothing is sent on a first block whose cells contradict, until it is a fact", "[battery_pipeline]")
{
    gateway_t *const g = gateway_started_at(1000);
    g->snapshot.live[7] = 0;
    gateway_feed(g, 0);
    TEST_ASSERT_FALSE(g->state.publish);
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_FALSE(g->state.publish);
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_CELL_COUNT); /* 13 of 14 as well */
}

/* ---- whenever frames are sent again ---- */

TEST_CASE("after an hour without a full voltage what was measured before counts no more", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    g->snapshot.settings[0] = 0;
    g->snapshot.settings_alike = 2;
    gateway_feed_for(g, 3600000);
    TEST_ASSERT_FALSE(g->state.publish);
    g->snapshot.live[48] = (uint16_t)-80; /* -8 degC by now */
    g->snapshot.settings[0] = 4150;
    gateway_feed(g, GATEWAY_POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_BMS_TEMPERATURE);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.cvl_mv, GATEWAY_FLOAT_MV, BATTERY_REASON_CHARGE_INHIBITED);
}

/* ---- what a restart keeps ---- */

static void restart_with(gateway_t *g, const charge_control_kept_t *limits, int32_t age_ms)
{
    const battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    const battery_pipeline_kept_t kept = {.limits = limits, .limits_age_ms = age_ms, .sensors_seen = 0};
    battery_pipeline_init(&g->pipeline, &config, &kept);
    memset(&g->state, 0, sizeof(g->state));
}

TEST_CASE("limits of an orderly restart go on where they were, as far as they are allowed now", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    const charge_control_kept_t kept = {.cvl_mv = GATEWAY_CVL_MV - 140, .ccl_ma = 12000, .dcl_ma = 60000};
    restart_with(g, &kept, 500);
    gateway_feed(g, 0);
    gateway_expect(&g->state.cvl_mv, GATEWAY_CVL_MV - 140, BATTERY_REASON_RISING);
    gateway_expect(&g->state.ccl_ma, 12000, BATTERY_REASON_RISING);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
    gateway_feed_for(g, GATEWAY_SETTLED_MS);
    gateway_expect_online(g);
}

TEST_CASE("limits that were kept for 3 s count, older ones do not", "[battery_pipeline]")
{
    const charge_control_kept_t kept = {.cvl_mv = GATEWAY_CVL_MV, .ccl_ma = 12000, .dcl_ma = 30000};
    gateway_t *const g = gateway_settled_at(1000);
    restart_with(g, &kept, 2000);
    gateway_step(g, NULL);
    gateway_feed(g, 1000);
    gateway_expect(&g->state.ccl_ma, 12000, BATTERY_REASON_RISING);
    restart_with(g, &kept, 2000);
    gateway_step(g, NULL);
    gateway_feed(g, 1001);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA / 10, BATTERY_REASON_RAMP);
    restart_with(g, &kept, 3001);
    gateway_feed(g, 0);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA / 10, BATTERY_REASON_RAMP);
    gateway_expect(&g->state.cvl_mv, GATEWAY_FLOAT_MV, BATTERY_REASON_RISING);
}

TEST_CASE("a sensor that was there before the restart is missed, and forgotten when a person says so",
          "[battery_pipeline]")
{
    const battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    const battery_pipeline_kept_t kept = {.sensors_seen = 1};
    gateway_t *const g = gateway_started_at(1000);
    battery_pipeline_init(&g->pipeline, &config, &kept);
    gateway_feed(g, 0);
    gateway_feed_for(g, 60000);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_SENSOR_LOST);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, g->state.warning[BATTERY_ALARM_BMS_INTERNAL]);
    battery_pipeline_forget_sensor(&g->pipeline, 0);
    TEST_ASSERT_EQUAL_UINT8(0, battery_pipeline_sensors_seen(&g->pipeline));
    gateway_feed_for(g, 60000);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA, BATTERY_REASON_BMS_SETTING);
    g->snapshot.live[43] = 200;
    gateway_feed_for(g, 3 * GATEWAY_POLL_MS);
    TEST_ASSERT_EQUAL_UINT8(2, battery_pipeline_sensors_seen(&g->pipeline));
}

TEST_CASE("without any temperature nothing is charged and frames go on", "[battery_pipeline]")
{
    gateway_t *const g = gateway_settled_at(1000);
    g->snapshot.live[48] = 0x8000;
    gateway_feed_for(g, 3 * GATEWAY_POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_NO_TEMPERATURE);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
    TEST_ASSERT_EQUAL(BATTERY_ALARM_ACTIVE, g->state.warning[BATTERY_ALARM_BMS_INTERNAL]);
}
