/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Random numbers of the kernel. */
#include "esp_random.h"

#include <stdlib.h>
#include <sys/random.h>

void esp_fill_random(void *buf, size_t len)
{
    unsigned char *at = buf;
    while (len > 0) {
        const ssize_t got = getrandom(at, len, 0);
        if (got < 0) {
            abort(); /* the chip's source cannot fail either */
        }
        at += got;
        len -= (size_t)got;
    }
}

uint32_t esp_random(void)
{
    uint32_t value = 0;
    esp_fill_random(&value, sizeof(value));
    return value;
}
