/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "../row.h"
#include "energy_meter.h"
#include "unity.h"

static void assert_within(int64_t tolerance, int64_t wanted, int64_t found)
{
    TEST_ASSERT_GREATER_OR_EQUAL(wanted - tolerance, found);
    TEST_ASSERT_LESS_OR_EQUAL(wanted + tolerance, found);
}

static battery_quantity_t quantity(int32_t value)
{
    return (battery_quantity_t){.known = true, .value = value};
}

/* 200 Ah installed, 180 Ah usable, half full. */
static battery_state_t pack(int32_t mv, int32_t ma)
{
    return (battery_state_t){
        .pack_voltage_mv = quantity(mv),
        .pack_current_ma = quantity(ma),
        .soc_ppm = quantity(500000),
        .installed_capacity_mah = quantity(200000),
        .usable_capacity_mah = quantity(180000),
    };
}

/* A meter and its clock, fed with samples. */
typedef struct {
    energy_meter_t meter;
    battery_bms_t bms;
    battery_state_t state;
    int64_t now_ms;
} world_t;

static void sample(world_t *world, int32_t after_ms, int32_t mv, int32_t ma)
{
    world->state = pack(mv, ma);
    world->now_ms += after_ms;
    energy_meter_step(&world->meter, &world->bms, world->now_ms, &world->state);
}

static void fresh(world_t *world)
{
    *world = (world_t){.now_ms = 123456};
    energy_meter_init(&world->meter, NULL);
}

static void run(world_t *world, int32_t seconds, int32_t mv, int32_t ma)
{
    for (int32_t i = 0; i < seconds; i++) {
        sample(world, 1000, mv, ma);
    }
}

TEST_CASE("an hour of charging at 50 V and 10 A is 500 Wh and 10 Ah in, nothing out", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 10000);
    run(&world, 3600, 50000, 10000);
    TEST_ASSERT_EQUAL(500000, world.meter.totals.in_mwh);
    TEST_ASSERT_EQUAL(10000, world.meter.totals.in_mah);
    TEST_ASSERT_EQUAL(0, world.meter.totals.out_mwh);
    TEST_ASSERT_EQUAL(0, world.meter.totals.out_mah);
    TEST_ASSERT_EQUAL(60, world.meter.totals.metered_min);
    TEST_ASSERT_EQUAL(500, world.state.energy_in_wh.value);
    TEST_ASSERT_TRUE(world.state.energy_out_wh.known);
    TEST_ASSERT_EQUAL(0, world.state.energy_out_wh.value);
}

TEST_CASE("an hour of discharging goes to the other counters and gives cycles", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 48000, -50000);
    run(&world, 3600, 48000, -50000);
    TEST_ASSERT_EQUAL(2400000, world.meter.totals.out_mwh);
    TEST_ASSERT_EQUAL(50000, world.meter.totals.out_mah);
    TEST_ASSERT_EQUAL(0, world.meter.totals.in_mwh);
    TEST_ASSERT_EQUAL(0, world.meter.totals.in_mah);
    TEST_ASSERT_TRUE(world.state.cycles_milli.known);
    TEST_ASSERT_EQUAL(250, world.state.cycles_milli.value); /* 50 Ah of 200 Ah */
}

TEST_CASE("what a sample leaves below 1 mWh is not lost", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 7);
    for (int i = 0; i < 5 * 7200; i++) { /* two hours at 0.35 W: a step of 200 ms is 0.02 mWh */
        sample(&world, 200, 50000, 7);
    }
    TEST_ASSERT_EQUAL(700, world.meter.totals.in_mwh);
    TEST_ASSERT_EQUAL(14, world.meter.totals.in_mah);
}

TEST_CASE("a ramp counts as a trapezoid", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    for (int i = 0; i < 3600; i++) { /* each time 0 to 20 A and back to 0, 2 s each way */
        sample(&world, 2000, 50000, 0);
        sample(&world, 2000, 50000, 20000);
    }
    TEST_ASSERT_EQUAL(1999722, world.meter.totals.in_mwh); /* 7199 * 2 s at a mean of 500 W and 10 A */
    TEST_ASSERT_EQUAL(39994, world.meter.totals.in_mah);
}

TEST_CASE("where the current changes its sign each part goes to its own counter", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, -30000);
    for (int i = 0; i < 1800; i++) {
        sample(&world, 4000, 50000, 10000); /* 3 s out at 15 A mean, 1 s in at 5 A mean */
        sample(&world, 4000, 50000, -30000);
    }
    /* 3600 crossings: out 3600 * 3 s * 15 A = 45 Ah, in 3600 * 1 s * 5 A = 5 Ah, at 50 V */
    assert_within(1, 45000, world.meter.totals.out_mah);
    assert_within(1, 5000, world.meter.totals.in_mah);
    assert_within(50, 2250000, world.meter.totals.out_mwh);
    assert_within(50, 250000, world.meter.totals.in_mwh);
}

TEST_CASE("a gap of 5 s is integrated, a longer one is not", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 72000);
    sample(&world, 5000, 50000, 72000);
    TEST_ASSERT_EQUAL(100, world.meter.totals.in_mah);
    sample(&world, 5001, 50000, 72000);
    TEST_ASSERT_EQUAL(100, world.meter.totals.in_mah);
    sample(&world, 5000, 50000, 72000);
    TEST_ASSERT_EQUAL(200, world.meter.totals.in_mah);
}

TEST_CASE("a clock that stands still or goes back counts nothing", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 72000);
    sample(&world, 0, 50000, 72000);
    sample(&world, -4000, 50000, 72000);
    TEST_ASSERT_EQUAL(0, world.meter.totals.in_mah);
    TEST_ASSERT_EQUAL(0, world.meter.rest_nas[1]);
}

TEST_CASE("nothing is counted next to a sample that is not known or impossible", "[energy_meter]")
{
    static const int32_t impossible[][2] = {
        {0, 72000}, {-1, 72000}, {80001, 72000}, {INT32_MAX, 72000}, {50000, 1000001}, {50000, INT32_MIN},
    };
    world_t world;
    fresh(&world);
    for (size_t i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++) {
        sample(&world, 1000, impossible[i][0], impossible[i][1]);
        sample(&world, 1000, 50000, 72000);
    }
    for (int missing = 0; missing < 2; missing++) {
        ROW("missing %d", missing);
        world.state = pack(50000, 72000);
        (missing == 0 ? &world.state.pack_voltage_mv : &world.state.pack_current_ma)->known = false;
        world.now_ms += 1000;
        energy_meter_step(&world.meter, &world.bms, world.now_ms, &world.state);
        TEST_ASSERT_FALSE(world.state.time_to_full_min.known);
        sample(&world, 1000, 50000, 72000);
    }
    TEST_ASSERT_EQUAL(0, world.meter.totals.in_mah + world.meter.totals.out_mah);
    TEST_ASSERT_EQUAL(0, world.meter.rest_nas[0] + world.meter.rest_nas[1]);
    sample(&world, 5000, 50000, 72000);
    TEST_ASSERT_EQUAL(100, world.meter.totals.in_mah);
}

TEST_CASE("the largest plausible power does not overflow", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 80000, -1000000);
    sample(&world, 5000, 80000, -1000000);
    sample(&world, 5000, 80000, 1000000);                          /* 2.5 s each way at half the power */
    TEST_ASSERT_EQUAL(111111 + 27777, world.meter.totals.out_mwh); /* 80 kW * 5 s and * 1.25 s */
    TEST_ASSERT_EQUAL(27777, world.meter.totals.in_mwh);
}

TEST_CASE("counters go on from what was kept", "[energy_meter]")
{
    const energy_totals_t kept = {.in_mwh = 9000000000000,
                                  .out_mwh = 8000000000000,
                                  .out_mah = 430000000,
                                  .full_count = 3,
                                  .metered_min = 1000,
                                  .full_at_min = 400};
    world_t world = {.now_ms = 5};
    energy_meter_init(&world.meter, &kept);
    sample(&world, 0, 50000, 0);
    TEST_ASSERT_EQUAL_INT64(9000000000, world.state.energy_in_wh.value);
    TEST_ASSERT_EQUAL_INT64(8000000000, world.state.energy_out_wh.value);
    TEST_ASSERT_EQUAL(2150000, world.state.cycles_milli.value);
    TEST_ASSERT_EQUAL(600, world.state.since_full_min.value);
}

TEST_CASE("cycles need an installed capacity and stop at the largest number", "[energy_meter]")
{
    const energy_totals_t kept = {.out_mah = INT64_MAX / 2000};
    world_t world;
    fresh(&world);
    energy_meter_init(&world.meter, &kept);
    sample(&world, 0, 50000, 0);
    TEST_ASSERT_EQUAL(INT32_MAX, world.state.cycles_milli.value);
    world.state = pack(50000, 0);
    world.state.installed_capacity_mah.known = false;
    energy_meter_step(&world.meter, &world.bms, world.now_ms, &world.state);
    TEST_ASSERT_FALSE(world.state.cycles_milli.known);
    world.state.installed_capacity_mah = quantity(0);
    energy_meter_step(&world.meter, &world.bms, world.now_ms, &world.state);
    TEST_ASSERT_FALSE(world.state.cycles_milli.known);
}

TEST_CASE("becoming full is counted once, and the minutes since begin when it ends", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 1000);
    TEST_ASSERT_FALSE(world.state.since_full_min.known);
    world.bms.fully_charged = true;
    run(&world, 600, 50000, 1000);
    TEST_ASSERT_EQUAL(1, world.meter.totals.full_count);
    TEST_ASSERT_TRUE(world.state.since_full_min.known);
    TEST_ASSERT_EQUAL(0, world.state.since_full_min.value);
    world.bms.fully_charged = false;
    run(&world, 180, 50000, -1000);
    TEST_ASSERT_EQUAL(3, world.state.since_full_min.value);
    world.bms.fully_charged = true;
    run(&world, 2, 50000, 1000);
    TEST_ASSERT_EQUAL(2, world.meter.totals.full_count);
}

TEST_CASE("a battery that is still full after a restart has not become full once more", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    world.bms.fully_charged = true;
    run(&world, 100, 50000, 1000);
    const energy_totals_t kept = world.meter.totals;
    energy_meter_init(&world.meter, &kept);
    run(&world, 2, 50000, 1000);
    TEST_ASSERT_EQUAL(1, world.meter.totals.full_count);
}

TEST_CASE("times go by state of charge, usable capacity and current", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 30000);
    TEST_ASSERT_TRUE(world.state.time_to_full_min.known);
    TEST_ASSERT_EQUAL(180, world.state.time_to_full_min.value); /* 90 Ah at 30 A */
    TEST_ASSERT_FALSE(world.state.time_to_empty_min.known);
    fresh(&world);
    sample(&world, 0, 50000, -45000);
    TEST_ASSERT_EQUAL(120, world.state.time_to_empty_min.value);
    TEST_ASSERT_FALSE(world.state.time_to_full_min.known);
}

TEST_CASE("times are not known below 1 % of the capacity per hour or without what they need", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 1800); /* 1 % of 180 Ah */
    TEST_ASSERT_TRUE(world.state.time_to_full_min.known);
    fresh(&world);
    sample(&world, 0, 50000, 1799);
    TEST_ASSERT_FALSE(world.state.time_to_full_min.known);
    TEST_ASSERT_FALSE(world.state.time_to_empty_min.known);
    for (int missing = 0; missing < 2; missing++) {
        ROW("missing %d", missing);
        fresh(&world);
        world.state = pack(50000, 30000);
        (missing == 0 ? &world.state.soc_ppm : &world.state.usable_capacity_mah)->known = false;
        energy_meter_step(&world.meter, &world.bms, 0, &world.state);
        TEST_ASSERT_FALSE(world.state.time_to_full_min.known);
    }
}

TEST_CASE("the current that times go by is smoothed over two minutes", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 20000);
    for (int i = 0; i < 600; i++) { /* two minutes: 63 % of the way */
        sample(&world, 200, 50000, 40000);
    }
    assert_within(100000, 32642000, world.meter.mean_ua);
    for (int i = 0; i < 6000; i++) {
        sample(&world, 200, 50000, 40000);
    }
    assert_within(10000, 40000000, world.meter.mean_ua);
}

TEST_CASE("the whole units are exact: 1 nJ less than 130.948 Wh are not yet 130.948 Wh", "[energy_meter]")
{
    world_t world; /* 79.937 V * 990.977 A * 5.951 s = 471412.8 J - 1 nJ: the unit is mV * mA * ms */
    fresh(&world);
    sample(&world, 0, 79937, 990977);
    sample(&world, 5000, 79937, 990977);
    sample(&world, 951, 79937, 990977);
    TEST_ASSERT_EQUAL(130947, world.meter.totals.in_mwh);
    sample(&world, 1, 79937, 990977);
    TEST_ASSERT_GREATER_OR_EQUAL(130948, world.meter.totals.in_mwh);
}

TEST_CASE("the whole units are exact: 1 uAs less than 1.013 Ah are not yet 1.013 Ah", "[energy_meter]")
{
    world_t world; /* 975.341 A * 3.739 s = 3646.799999 As = 1013 mAh - 1 uAs */
    fresh(&world);
    sample(&world, 0, 50000, 975341);
    sample(&world, 3739, 50000, 975341);
    TEST_ASSERT_EQUAL(1012, world.meter.totals.in_mah);
    sample(&world, 1, 50000, 975341);
    TEST_ASSERT_EQUAL(1013, world.meter.totals.in_mah);
}

TEST_CASE("samples of a millisecond are counted", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 72000);
    for (int i = 0; i < 5000; i++) {
        sample(&world, 1, 50000, 72000);
    }
    TEST_ASSERT_EQUAL(100, world.meter.totals.in_mah);
}

TEST_CASE("the smallest current there is is counted, in its direction", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 0);
    for (int i = 0; i < 1440; i++) { /* four hours at a mean of 0.5 mA */
        sample(&world, 5000, 50000, 1);
        sample(&world, 5000, 50000, 0);
    }
    TEST_ASSERT_EQUAL(2, world.meter.totals.in_mah);
    TEST_ASSERT_EQUAL(0, world.meter.totals.out_mah);
    fresh(&world);
    sample(&world, 0, 50000, 1);
    for (int i = 0; i < 1440; i++) { /* to and fro: a quarter of a milliampere each way, for four hours */
        sample(&world, 5000, 50000, -1);
        sample(&world, 5000, 50000, 1);
    }
    TEST_ASSERT_EQUAL(1, world.meter.totals.in_mah);
    TEST_ASSERT_EQUAL(1, world.meter.totals.out_mah);
    TEST_ASSERT_EQUAL(50, world.meter.totals.in_mwh);
    TEST_ASSERT_EQUAL(50, world.meter.totals.out_mwh);
}

TEST_CASE("an idle battery counts minutes and nothing else", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    run(&world, 121, 50000, 0);
    TEST_ASSERT_EQUAL(2, world.meter.totals.metered_min);
    TEST_ASSERT_EQUAL(0, world.meter.totals.in_mah + world.meter.totals.out_mah);
    TEST_ASSERT_EQUAL(0, world.meter.totals.in_mwh + world.meter.totals.out_mwh);
    TEST_ASSERT_TRUE(world.state.energy_in_wh.known && world.state.energy_out_wh.known);
}

TEST_CASE("a metered minute is over after 60000 ms and not before", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    run(&world, 60, 50000, 1000); /* the first one begins the first interval */
    sample(&world, 999, 50000, 1000);
    TEST_ASSERT_EQUAL(0, world.meter.totals.metered_min);
    sample(&world, 1, 50000, 1000);
    TEST_ASSERT_EQUAL(1, world.meter.totals.metered_min);
}

TEST_CASE("1 mV, 80 V and 1000 A each way are still plausible", "[energy_meter]")
{
    static const int32_t plausible[][2] = {{1, 72000}, {80000, 72000}, {50000, 1000000}, {50000, -1000000}};
    static const int32_t mah[] = {100, 100, 1388, 1388}; /* in 5 s: 72 A 0.1 Ah, 1000 A 1.389 Ah */
    for (size_t i = 0; i < sizeof(mah) / sizeof(mah[0]); i++) {
        ROW("mah[%zu]", i);
        world_t world;
        fresh(&world);
        sample(&world, 0, plausible[i][0], plausible[i][1]);
        sample(&world, 5000, plausible[i][0], plausible[i][1]);
        TEST_ASSERT_EQUAL(mah[i], world.meter.totals.in_mah + world.meter.totals.out_mah);
    }
}

TEST_CASE("a battery that becomes full after a restart is counted, whether it ever was or not", "[energy_meter]")
{
    static const energy_totals_t kept[] = {{.metered_min = 0}, {.full_count = 3, .metered_min = 9, .full_at_min = 8}};
    for (size_t i = 0; i < 2; i++) {
        ROW("kept[%zu]", i);
        world_t world;
        fresh(&world);
        energy_meter_init(&world.meter, &kept[i]);
        world.bms.fully_charged = true;
        sample(&world, 0, 50000, 1000);
        TEST_ASSERT_EQUAL(kept[i].full_count + 1, world.meter.totals.full_count);
    }
}

TEST_CASE("a long time is told to the minute, rounded down", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 1800);
    TEST_ASSERT_EQUAL(3000, world.state.time_to_full_min.value); /* 90 Ah at 1.8 A: 50 h */
    world.state.soc_ppm = quantity(500001);                      /* 0.36 s less than 50 h */
    energy_meter_step(&world.meter, &world.bms, world.now_ms, &world.state);
    TEST_ASSERT_EQUAL(2999, world.state.time_to_full_min.value);
}

TEST_CASE("times and cycles of the smallest capacity are known, of one that is 0 they are not", "[energy_meter]")
{
    for (int32_t mah = 0; mah <= 1; mah++) {
        ROW("%d mAh", (int)mah);
        world_t world;
        fresh(&world);
        world.state = pack(50000, 0);
        world.state.usable_capacity_mah = quantity(mah);
        world.state.installed_capacity_mah = quantity(mah);
        energy_meter_step(&world.meter, &world.bms, 0, &world.state);
        TEST_ASSERT_FALSE(world.state.time_to_full_min.known); /* no current: never */
        TEST_ASSERT_FALSE(world.state.time_to_empty_min.known);
        TEST_ASSERT_EQUAL(mah == 1, world.state.cycles_milli.known);
        world.state.pack_current_ma = quantity(-1);
        energy_meter_step(&world.meter, &world.bms, 6000, &world.state);
        TEST_ASSERT_EQUAL(mah == 1, world.state.time_to_empty_min.known);
    }
}

TEST_CASE("each sample moves the mean current by its share of two minutes", "[energy_meter]")
{
    world_t world;
    fresh(&world);
    sample(&world, 0, 50000, 20000);
    sample(&world, 5000, 50000, 44000);
    TEST_ASSERT_EQUAL(21000000, world.meter.mean_ua); /* 24 A * 5 s / 120 s more */
}

TEST_CASE("where samples do not join the mean current begins anew", "[energy_meter]")
{
    static const int32_t after_ms[] = {5001, 0, -1000}; /* a gap, a clock that stands still, one that goes back */
    for (size_t i = 0; i < sizeof(after_ms) / sizeof(after_ms[0]); i++) {
        ROW("after_ms[%zu]", i);
        world_t world;
        fresh(&world);
        run(&world, 10, 50000, -45000);
        sample(&world, after_ms[i], 50000, 30000);
        TEST_ASSERT_TRUE(world.state.time_to_full_min.known);
        TEST_ASSERT_EQUAL(180, world.state.time_to_full_min.value); /* 90 Ah at 30 A */
    }
}
