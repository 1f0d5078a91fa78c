/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Ends the program when flash is changed without a turn at the flash gate. */
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

/* Of the component flash_gate; a program without it has nobody to ask. */
extern bool flash_gate_is_mine(void) __attribute__((weak));

void host_refuse_without_turn(const char *function)
{
    if (flash_gate_is_mine != NULL && !flash_gate_is_mine()) {
        (void)fprintf(stderr, "%s without a turn at the flash gate\n", function);
        abort();
    }
}
