/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "battery_alarms.h"

#include <string.h>

void battery_alarms_init(battery_alarms_t *alarms, const battery_alarms_config_t *config)
{
    memset(alarms, 0, sizeof(*alarms));
    alarms->config = *config;
}

size_t battery_alarms_step(battery_alarms_t *alarms, const battery_alarms_input_t *input, battery_state_t *state,
                           battery_alarm_change_t *changes)
{
    (void)alarms;
    (void)input;
    (void)state;
    (void)changes;
    return 0;
}

const char *battery_alarm_cause_text(battery_alarm_cause_t cause)
{
    (void)cause;
    return "";
}
