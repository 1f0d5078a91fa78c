/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The heap by kinds of memory: here there is one kind. */
#include "esp_heap_caps.h"

#include "esp_system.h"

size_t heap_caps_get_largest_free_block(uint32_t caps)
{
    (void)caps;
    return esp_get_free_heap_size();
}

size_t heap_caps_get_free_size(uint32_t caps)
{
    (void)caps;
    return esp_get_free_heap_size();
}
