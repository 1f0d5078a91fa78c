/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** How often somebody may guess: the size of its state. */
#include "access_throttle.h"
#include "pure_library.h"

SIZE_OF(access_throttle, access_throttle_t);
