/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/* The real pack: CVL 14 x 4150 mV in bulk, CCL 90 % of 20 A, DCL 90 % of 60 A once the ramps are over. */
#include <string.h>

#include "battery_pipeline.h"
#include "unity.h"

#define POLL_MS    200
#define CVL_MV     (14 * 4150)
#define CCL_CAP_MA 18000
#define DCL_CAP_MA 54000
#define HOUR_MS    INT64_C(3600000)

typedef struct {
    battery_pipeline_t pipeline;
    tinybms_snapshot_t snapshot;
    battery_state_t state;
    battery_alarm_change_t changes[BATTERY_ALARM_CHANGES_MAX];
    int64_t now_ms;
} gateway_t;

static gateway_t s_gateway; /* too large for the stack of a chip */

static gateway_t *started_at(int64_t now_ms)
{
    gateway_t *const g = &s_gateway;
    const battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    memset(g, 0, sizeof(*g));
    g->now_ms = now_ms;
    battery_pipeline_init(&g->pipeline, &config, NULL);
    tinybms_snapshot_t *const s = &g->snapshot;
    s->settings_known = true;
    for (size_t i = 2; i < 16; i++) {
        s->live[i] = 39800;
    }
    s->live[36] = 7864; /* 55.78 V as a float, low word first */
    s->live[37] = 16991;
    s->live[40] = 3980;
    s->live[41] = 3980;
    s->live[42] = 0x8000; /* not connected */
    s->live[43] = 0x8000;
    s->live[46] = 61960; /* 83.55 % */
    s->live[47] = 1274;
    s->live[48] = 250;
    s->live[50] = 0x97;
    s->live[53] = 14;
    static const uint16_t settings[][2] = {{300, 4150}, {301, 3000}, {306, 6600}, {307, 14}, {315, 4200},
                                           {316, 2900}, {317, 60},   {318, 20},   {319, 60}, {320, 0}};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        s->settings[settings[i][0] - 300] = settings[i][1];
    }
    return g;
}

static void step(gateway_t *g, const tinybms_snapshot_t *snapshot)
{
    (void)battery_pipeline_step(&g->pipeline, snapshot, g->now_ms, &g->state, g->changes);
}

/** So much later there is a new snapshot. */
static void feed(gateway_t *g, int32_t after_ms)
{
    g->now_ms += after_ms;
    g->snapshot.taken_ms = g->now_ms;
    g->snapshot.sequence++;
    step(g, &g->snapshot);
}

static void feed_for(gateway_t *g, int32_t duration_ms)
{
    for (int32_t ms = 0; ms < duration_ms; ms += POLL_MS) {
        feed(g, POLL_MS);
    }
}

/** So much later there is still the same one. */
static void wait(gateway_t *g, int32_t after_ms)
{
    g->now_ms += after_ms;
    step(g, &g->snapshot);
}

static gateway_t *settled_at(int64_t now_ms)
{
    gateway_t *const g = started_at(now_ms);
    feed(g, 0);
    feed_for(g, 30000);
    return g;
}

static void expect(const battery_limit_t *limit, int32_t value, battery_limit_reason_t reason)
{
    TEST_ASSERT_TRUE(limit->known);
    TEST_ASSERT_EQUAL_INT32(value, limit->value);
    TEST_ASSERT_EQUAL_STRING(battery_limit_reason_text(reason), battery_limit_reason_text(limit->reason));
}

static void expect_online(const gateway_t *g)
{
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    expect(&g->state.cvl_mv, CVL_MV, BATTERY_REASON_BULK);
    expect(&g->state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    expect(&g->state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

static void expect_stage_one(const gateway_t *g)
{
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, g->state.status);
    expect(&g->state.cvl_mv, CVL_MV, BATTERY_REASON_BULK);
    expect(&g->state.ccl_ma, 0, BATTERY_REASON_STALE_DATA);
    TEST_ASSERT_TRUE(g->state.ccl_limiter_ma[BATTERY_REASON_STALE_DATA].known);
    TEST_ASSERT_EQUAL_INT32(0, g->state.ccl_limiter_ma[BATTERY_REASON_STALE_DATA].value);
    expect(&g->state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

/* ---- the start-up gate ---- */

static void expect_gate_shut(gateway_t *g)
{
    for (int i = 0; i < 3; i++) {
        feed(g, POLL_MS);
        TEST_ASSERT_FALSE(g->state.publish);
        TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, g->state.status);
    }
    wait(g, 3500); /* growing stale does not open it */
    TEST_ASSERT_FALSE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, g->state.status);
    wait(g, 7000);
    TEST_ASSERT_FALSE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, g->state.status);
}

TEST_CASE("nothing is sent before there is a snapshot", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    memset(&g->state, 0xA5, sizeof(g->state));
    step(g, NULL);
    TEST_ASSERT_FALSE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_UNKNOWN, g->state.status);
    TEST_ASSERT_FALSE(g->state.cvl_mv.known || g->state.ccl_ma.known || g->state.dcl_ma.known);
    g->now_ms += HOUR_MS;
    step(g, NULL);
    TEST_ASSERT_FALSE(g->state.publish);
    feed(g, POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
}

TEST_CASE("nothing is sent before the settings have been read", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    g->snapshot.settings_known = false;
    expect_gate_shut(g);
}

TEST_CASE("nothing is sent without a full voltage", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    g->snapshot.settings[0] = 0;
    expect_gate_shut(g);
}

TEST_CASE("nothing is sent without a number of cells; the detected one is enough", "[battery_pipeline]")
{
    gateway_t *g = started_at(1000);
    g->snapshot.settings[7] = 0;
    g->snapshot.live[53] = 0;
    expect_gate_shut(g);
    g = started_at(1000);
    g->snapshot.settings[7] = 0;
    feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    expect(&g->state.cvl_mv, CVL_MV, BATTERY_REASON_BULK);
}

TEST_CASE("nothing is sent without a state of charge, a voltage or a current", "[battery_pipeline]")
{
    gateway_t *g = started_at(1000);
    g->snapshot.live[47] = 0xFFFF;
    expect_gate_shut(g);
    g = started_at(1000);
    g->snapshot.live[37] = 0x7FC0; /* not a number */
    expect_gate_shut(g);
    g = started_at(1000);
    g->snapshot.live[39] = 0x7FC0;
    expect_gate_shut(g);
}

TEST_CASE("the first complete snapshot opens the gate with limits at a tenth, which rise in 30 s", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    expect(&g->state.cvl_mv, CVL_MV, BATTERY_REASON_BULK);
    expect(&g->state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_RAMP);
    expect(&g->state.dcl_ma, DCL_CAP_MA / 10, BATTERY_REASON_RAMP);
    expect(&g->state.dvl_mv, 14 * 3000, BATTERY_REASON_BMS_SETTING);
    feed_for(g, 15000);
    expect(&g->state.ccl_ma, 9900, BATTERY_REASON_RAMP);
    expect(&g->state.dcl_ma, 29700, BATTERY_REASON_RAMP);
    feed_for(g, 15000);
    expect_online(g);
}

static void expect_first_ramp(gateway_t *g)
{
    TEST_ASSERT_TRUE(g->state.publish);
    expect(&g->state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_RAMP);
    expect(&g->state.dcl_ma, DCL_CAP_MA / 10, BATTERY_REASON_RAMP);
}

TEST_CASE("however long the gate was shut, limits begin at a tenth", "[battery_pipeline]")
{
    gateway_t *g = started_at(1000);
    g->snapshot.settings_known = false;
    feed_for(g, 60000);
    g->snapshot.settings_known = true;
    feed(g, POLL_MS);
    expect_first_ramp(g);
    g = started_at(1000);
    g->snapshot.live[47] = 0xFFFF; /* no state of charge */
    feed_for(g, 60000);
    g->snapshot.live[47] = 1274;
    feed(g, POLL_MS);
    expect_first_ramp(g);
}

TEST_CASE("a silence before the gate opened changes nothing of the start", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    g->snapshot.settings_known = false;
    feed(g, 0);
    wait(g, 5000);
    g->snapshot.settings_known = true;
    feed(g, 0);
    expect_first_ramp(g);
}

TEST_CASE("contradictory settings are sent, with no charging", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    g->snapshot.settings[16] = 3000; /* 316 = 301 */
    feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    expect(&g->state.ccl_ma, 0, BATTERY_REASON_SETTINGS_CONTRADICTORY);
    expect(&g->state.cvl_mv, 14 * 4075, BATTERY_REASON_CHARGE_INHIBITED);
}

/* ---- status ---- */

TEST_CASE("a fault of the BMS is offline and still sent", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    g->snapshot.live[50] = 0x9B;
    g->snapshot.fault_event.id = 0x03;
    feed(g, POLL_MS);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, g->state.status);
    expect(&g->state.ccl_ma, 0, BATTERY_REASON_BMS_FAULT);
    expect(&g->state.cvl_mv, 14 * 4075, BATTERY_REASON_CHARGE_INHIBITED);
    expect(&g->state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
    g->snapshot.live[50] = 0x97;
    feed(g, POLL_MS);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
}

TEST_CASE("a fully charged battery is no fault", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    g->snapshot.live[50] = 0x92;
    feed(g, POLL_MS);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    TEST_ASSERT_EQUAL(BATTERY_REASON_FLOAT, g->state.cvl_mv.reason);
    expect(&g->state.ccl_ma, CCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

/* ---- the stages of silence ---- */

TEST_CASE("3000 ms without a snapshot stop charging and hold the rest", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    wait(g, 2999);
    expect_online(g);
    wait(g, 1);
    expect_stage_one(g);
    TEST_ASSERT_EQUAL_INT32(55780, g->state.pack_voltage_mv.value);
}

TEST_CASE("10000 ms without a snapshot stop everything", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    wait(g, 9999);
    expect_stage_one(g);
    wait(g, 1);
    TEST_ASSERT_FALSE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, g->state.status);
    wait(g, 24 * 3600000);
    TEST_ASSERT_FALSE(g->state.publish);
}

TEST_CASE("the times of the stages come from the settings", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    config.stale_ms = 1000;
    config.silent_ms = 20000;
    battery_pipeline_init(&g->pipeline, &config, NULL);
    feed(g, 0);
    wait(g, 999);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    wait(g, 1);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, g->state.status);
    wait(g, 18999);
    TEST_ASSERT_TRUE(g->state.publish);
    wait(g, 1);
    TEST_ASSERT_FALSE(g->state.publish);
}

TEST_CASE("the same snapshot given again is not new data", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    for (int i = 0; i < 29; i++) {
        wait(g, 100);
    }
    expect_online(g);
    wait(g, 100);
    expect_stage_one(g);
}

TEST_CASE("age counts from when the snapshot was taken, not from when it came", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    g->snapshot.taken_ms = g->now_ms + 400;
    g->snapshot.sequence++;
    wait(g, 1000);
    expect_online(g);
    wait(g, 2399);
    expect_online(g);
    wait(g, 1);
    expect_stage_one(g);
}

TEST_CASE("a snapshot that comes when it is stale already does not start charging", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    g->snapshot.taken_ms = g->now_ms + 200;
    g->snapshot.sequence++;
    wait(g, 3200);
    expect_stage_one(g);
    feed(g, POLL_MS);
    expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
}

TEST_CASE("after 3 s of silence CCL rises from zero in 30 s, CVL and DCL are as before", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    wait(g, 9999);
    feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    TEST_ASSERT_FALSE(g->state.ccl_limiter_ma[BATTERY_REASON_STALE_DATA].known);
    for (int s = 0; s < 30; s++) {
        expect(&g->state.cvl_mv, CVL_MV, BATTERY_REASON_BULK);
        TEST_ASSERT_EQUAL(BATTERY_REASON_RAMP, g->state.ccl_ma.reason);
        TEST_ASSERT_EQUAL_INT32(s * 1000 / 30 * CCL_CAP_MA / 1000, g->state.ccl_limiter_ma[BATTERY_REASON_RAMP].value);
        expect(&g->state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
        feed_for(g, 1000);
    }
    expect_online(g);
}

TEST_CASE("after 10 s of silence both currents rise from a tenth in 30 s", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    wait(g, 5000);
    wait(g, 5000);
    feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    expect(&g->state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_RAMP);
    expect(&g->state.dcl_ma, DCL_CAP_MA / 10, BATTERY_REASON_RAMP);
    feed_for(g, 15000);
    expect(&g->state.ccl_ma, 9900, BATTERY_REASON_RAMP);
    expect(&g->state.dcl_ma, 29700, BATTERY_REASON_RAMP);
    feed_for(g, 15000);
    expect_online(g);
}

TEST_CASE("a silence of 3 s after one of 10 s leaves DCL alone", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    wait(g, 10000);
    feed(g, 0);
    feed_for(g, 30000);
    wait(g, 3000);
    feed(g, 0);
    expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
    expect(&g->state.dcl_ma, DCL_CAP_MA, BATTERY_REASON_BMS_SETTING);
}

TEST_CASE("settings that were read before a silence stay valid", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    wait(g, 60000);
    feed(g, 0);
    TEST_ASSERT_TRUE(g->state.publish);
    expect(&g->state.cvl_mv, CVL_MV, BATTERY_REASON_BULK);
}

TEST_CASE("no limiter allows less than nothing when the first snapshot after a silence is not the newest",
          "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    wait(g, 5000);
    g->snapshot.taken_ms = g->now_ms + 100;
    g->snapshot.sequence++;
    wait(g, 1000);
    for (int i = 0; i < BATTERY_LIMITER_COUNT; i++) {
        if (g->state.ccl_limiter_ma[i].known) {
            TEST_ASSERT_GREATER_OR_EQUAL(0, g->state.ccl_limiter_ma[i].value);
        }
    }
    expect(&g->state.ccl_ma, 0, BATTERY_REASON_RAMP);
}

TEST_CASE("a reset of the BMS changes nothing", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(1000);
    for (int i = 0; i < 15; i++) {
        wait(g, 100);
        expect_online(g);
    }
    feed(g, 0);
    expect_online(g);
}

/* ---- the clock ---- */

TEST_CASE("a clock that is set back by an hour changes nothing while data comes", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(2 * HOUR_MS);
    feed(g, POLL_MS - (int32_t)HOUR_MS);
    expect_online(g);
    feed_for(g, 5000);
    expect_online(g);
}

TEST_CASE("a clock that is set back by an hour in a silence does not prolong its stages", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(2 * HOUR_MS);
    wait(g, 1000);
    wait(g, (int32_t)-HOUR_MS);
    expect_online(g);
    wait(g, 1999);
    expect_online(g);
    wait(g, 1);
    expect_stage_one(g);
    wait(g, (int32_t)-HOUR_MS);
    wait(g, 6999);
    TEST_ASSERT_TRUE(g->state.publish);
    wait(g, 1);
    TEST_ASSERT_FALSE(g->state.publish);
    feed(g, POLL_MS);
    expect(&g->state.dcl_ma, DCL_CAP_MA / 10, BATTERY_REASON_RAMP);
}

TEST_CASE("a snapshot that was taken before the clock was set back counts as new", "[battery_pipeline]")
{
    gateway_t *const g = settled_at(2 * HOUR_MS);
    wait(g, 2000);
    g->snapshot.taken_ms = g->now_ms + 100;
    g->snapshot.sequence++;
    wait(g, 200 - (int32_t)HOUR_MS);
    expect_online(g);
    wait(g, 2999);
    expect_online(g);
    wait(g, 1);
    expect_stage_one(g);
}

TEST_CASE("a ramp goes on when the clock is set back", "[battery_pipeline]")
{
    gateway_t *const g = started_at(2 * HOUR_MS);
    feed(g, 0);
    feed_for(g, 10000);
    feed(g, (int32_t)-HOUR_MS);
    feed_for(g, 5000);
    expect(&g->state.ccl_ma, 9900, BATTERY_REASON_RAMP);
    feed_for(g, 15000);
    expect_online(g);
}

static void expect_all_stages_after(int64_t start_ms)
{
    gateway_t *const g = settled_at(start_ms - 30000 - 1500); /* the threshold is passed in the silence */
    expect_online(g);
    wait(g, 2999);
    expect_online(g);
    wait(g, 1);
    expect_stage_one(g);
    wait(g, 7000);
    TEST_ASSERT_FALSE(g->state.publish);
    feed(g, POLL_MS);
    expect(&g->state.ccl_ma, CCL_CAP_MA / 10, BATTERY_REASON_RAMP);
    feed_for(g, 30000);
    expect_online(g);
    settled_at(start_ms - 15000); /* and in a ramp */
    expect_online(g);
}

TEST_CASE("24.9 and 49.7 days of uptime change nothing", "[battery_pipeline]")
{
    expect_all_stages_after(INT64_C(1) << 31);
    expect_all_stages_after(INT64_C(1) << 32);
}

TEST_CASE("a sequence number that wraps is one more", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    g->snapshot.sequence = UINT32_MAX - 2;
    feed(g, 0);
    feed_for(g, 30000);
    expect_online(g);
}

/* ---- energy ---- */

TEST_CASE("energy that was kept over a restart is there again", "[battery_pipeline]")
{
    gateway_t *const g = started_at(1000);
    const battery_pipeline_config_t config = BATTERY_PIPELINE_DEFAULT_CONFIG();
    const energy_totals_t kept = {.in_mwh = INT64_C(12345678901), .out_mwh = INT64_C(11111111111), .full_count = 7};
    battery_pipeline_init(&g->pipeline, &config, &kept);
    feed(g, 0);
    TEST_ASSERT_EQUAL_INT64(kept.in_mwh, battery_pipeline_energy(&g->pipeline)->in_mwh);
    TEST_ASSERT_EQUAL_INT64(kept.out_mwh, battery_pipeline_energy(&g->pipeline)->out_mwh);
    TEST_ASSERT_EQUAL_UINT32(kept.full_count, battery_pipeline_energy(&g->pipeline)->full_count);
}
