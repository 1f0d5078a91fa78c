/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "gateway.h"

#include <string.h>

#include "unity.h"

static gateway_t s_gateway; /* too large for the stack of a chip */

gateway_t *gateway_started_at(int64_t now_ms)
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
        ROW("settings[%zu]", i);
        s->settings[settings[i][0] - 300] = settings[i][1];
    }
    return g;
}

void gateway_step(gateway_t *g, const tinybms_snapshot_t *snapshot)
{
    (void)battery_pipeline_step(&g->pipeline, snapshot, g->now_ms, &g->state, g->changes);
}

void gateway_feed(gateway_t *g, int32_t after_ms)
{
    g->now_ms += after_ms;
    g->snapshot.taken_ms = g->now_ms;
    g->snapshot.sequence++;
    gateway_step(g, &g->snapshot);
}

void gateway_feed_for(gateway_t *g, int32_t duration_ms)
{
    for (int32_t ms = 0; ms < duration_ms; ms += GATEWAY_POLL_MS) {
        gateway_feed(g, GATEWAY_POLL_MS);
    }
}

void gateway_wait(gateway_t *g, int32_t after_ms)
{
    g->now_ms += after_ms;
    gateway_step(g, &g->snapshot);
}

gateway_t *gateway_settled_at(int64_t now_ms)
{
    gateway_t *const g = gateway_started_at(now_ms);
    gateway_feed(g, 0);
    gateway_feed_for(g, GATEWAY_SETTLED_MS);
    return g;
}

void gateway_expect(const battery_limit_t *limit, int32_t value, battery_limit_reason_t reason)
{
    TEST_ASSERT_TRUE(limit->known);
    TEST_ASSERT_EQUAL_INT32(value, limit->value);
    TEST_ASSERT_EQUAL_STRING(battery_limit_reason_text(reason), battery_limit_reason_text(limit->reason));
}

void gateway_expect_online(const gateway_t *g)
{
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_ONLINE, g->state.status);
    gateway_expect(&g->state.cvl_mv, GATEWAY_CVL_MV, BATTERY_REASON_BULK);
    gateway_expect(&g->state.ccl_ma, GATEWAY_CCL_MA, BATTERY_REASON_BMS_SETTING);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
}

void gateway_expect_stage_one(const gateway_t *g)
{
    TEST_ASSERT_TRUE(g->state.publish);
    TEST_ASSERT_EQUAL(BATTERY_STATUS_OFFLINE, g->state.status);
    gateway_expect(&g->state.cvl_mv, GATEWAY_CVL_MV, BATTERY_REASON_BULK);
    gateway_expect(&g->state.ccl_ma, 0, BATTERY_REASON_STALE_DATA);
    TEST_ASSERT_TRUE(g->state.ccl_limiter_ma[BATTERY_REASON_STALE_DATA].known);
    TEST_ASSERT_EQUAL_INT32(0, g->state.ccl_limiter_ma[BATTERY_REASON_STALE_DATA].value);
    gateway_expect(&g->state.dcl_ma, GATEWAY_DCL_MA, BATTERY_REASON_BMS_SETTING);
}
