/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "../row.h"
#include "device.h"

#include <string.h>

static device_t s_device; /* too large for the stack of a chip */

device_t *device_healthy(void)
{
    device_t *const d = &s_device;
    memset(d, 0, sizeof(*d));
    battery_belief_init(&d->belief, 0);
    d->s.settings_known = true;
    for (size_t i = 2; i < 16; i++) {
        d->s.live[i] = 39800;
    }
    d->s.live[36] = 0xE148; /* 55.72 V */
    d->s.live[37] = 0x425E;
    d->s.live[40] = 3980;
    d->s.live[41] = 3980;
    d->s.live[42] = 200;
    d->s.live[43] = 0x8000;
    d->s.live[46] = 61960;
    d->s.live[47] = 1274;
    d->s.live[48] = 250;
    d->s.live[50] = 0x97;
    d->s.live[53] = 14;
    static const uint16_t settings[][2] = {{300, 4150}, {301, 3000}, {303, 3900}, {306, 6600}, {307, 14}, {315, 4200},
                                           {316, 2900}, {317, 60},   {318, 20},   {319, 60},   {320, 5}};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        ROW("settings[%zu]", i);
        d->s.settings[settings[i][0] - 300] = settings[i][1];
    }
    return d;
}

bool device_block(device_t *d)
{
    d->s.sequence++;
    return battery_belief_take(&d->belief, &d->s, &d->bms, &d->state);
}

void device_blocks(device_t *d, int count)
{
    for (int i = 0; i < count; i++) {
        (void)device_block(d);
    }
}

void device_set(device_t *d, uint16_t address, int32_t value)
{
    d->s.settings[address - 300] = (uint16_t)value;
    d->s.settings_alike = 1;
}

void device_read_again(device_t *d)
{
    d->s.settings_alike = 2;
    (void)device_block(d);
}
