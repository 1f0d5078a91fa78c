/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>

/* Sizes of the structs that a caller in another language has to make room for. */
#define SIZE_OF(name, type)                                                                                            \
    extern const size_t tinybms_pure_size_of_##name;                                                                   \
    const size_t tinybms_pure_size_of_##name = sizeof(type)
