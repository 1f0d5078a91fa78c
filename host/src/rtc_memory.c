/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The domain of the chip that a restart does not reset: RTC_NOINIT memory, and a clock that runs through. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "esp_rtc_time.h"
#include "host.h"

#define MEMORY_ENV       "TINYBMS_RTC_MEMORY" /**< descriptor of the file that holds it during a restart */
#define AFTER_A_POWER_ON 0xA5                 /**< undefined on the chip */

/* Named by the linker after the section; without a variable in it there is none. */
extern char __start_rtc_noinit[] __attribute__((weak)); // NOLINT
extern char __stop_rtc_noinit[] __attribute__((weak));  // NOLINT

static size_t memory_size(void)
{
    return (uintptr_t)__stop_rtc_noinit - (uintptr_t)__start_rtc_noinit;
}

void host_rtc_memory_load(void)
{
    const char *const descriptor = getenv(MEMORY_ENV); // NOLINT(concurrency-mt-unsafe): before any thread is started
    const int file = descriptor == NULL ? -1 : (int)strtol(descriptor, NULL, 10);
    if (__start_rtc_noinit == NULL) {
        return;
    }
    memset(__start_rtc_noinit, AFTER_A_POWER_ON, memory_size());
    if (file >= 0) {
        if (pread(file, __start_rtc_noinit, memory_size(), 0) < 0) {
            memset(__start_rtc_noinit, AFTER_A_POWER_ON, memory_size());
        }
        (void)close(file);
        (void)unsetenv(MEMORY_ENV); // NOLINT(concurrency-mt-unsafe)
    }
}

void host_rtc_memory_pass_on(void)
{
    char descriptor[16];
    const int file = __start_rtc_noinit == NULL ? -1 : memfd_create("rtc_noinit", 0);
    if (file >= 0 && write(file, __start_rtc_noinit, memory_size()) == (ssize_t)memory_size()) {
        (void)snprintf(descriptor, sizeof(descriptor), "%d", file);
        (void)setenv(MEMORY_ENV, descriptor, 1); // NOLINT(concurrency-mt-unsafe): the program is replaced next
    }
}

uint64_t esp_rtc_get_time_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const double real_us = (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
    return (uint64_t)(real_us * host_options.time_scale);
}
