/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The kernel's random numbers need no noise of a converter; whoever begins twice, or ends what did not begin, is told.
 */
#include "bootloader_random.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>

static atomic_bool s_enabled;

void bootloader_random_enable(void)
{
    const bool was = atomic_exchange(&s_enabled, true);
    assert(!was);
    (void)was;
}

void bootloader_random_disable(void)
{
    const bool was = atomic_exchange(&s_enabled, false);
    assert(was);
    (void)was;
}
