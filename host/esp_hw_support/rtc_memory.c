/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/**
 * The domain of the chip that a reset leaves alone: RTC_NOINIT memory, why there was a reset, and a clock that runs
 * through. A restart hands it on to the program that takes this one's place; a crash leaves it in a file for whoever
 * starts the program again.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "esp_rtc_time.h"
#include "esp_system.h"
#include "host.h"

#define MEMORY_ENV       "TINYBMS_RTC_MEMORY" /**< descriptor of the file that holds it during a restart */
#define REASON_ENV       "TINYBMS_RESET_REASON"
#define AFTER_A_POWER_ON 0xA5 /**< undefined on the chip */
#define CRASH_FILE       "crash.bin"
#define REASON_SIZE      16
#define BOOT_ID          "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE     36

/** What stands before the memory in the file that a crash leaves. */
typedef struct {
    char reason[REASON_SIZE];
    char boot_id[BOOT_ID_SIZE]; /**< the machine has not been started anew since: that is a power cut */
} crash_header_t;

static const int s_crash_signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
#define CRASH_SIGNALS (sizeof(s_crash_signals) / sizeof(s_crash_signals[0]))

static crash_header_t s_crash = {.reason = "panic"};
static char s_crash_path[PATH_MAX];
static struct sigaction s_actions_before[CRASH_SIGNALS];

/* Named by the linker after the section; without a variable in it there is none. */
extern char __start_rtc_noinit[] __attribute__((weak)); // NOLINT
extern char __stop_rtc_noinit[] __attribute__((weak));  // NOLINT

static size_t memory_size(void)
{
    return (uintptr_t)__stop_rtc_noinit - (uintptr_t)__start_rtc_noinit;
}

esp_reset_reason_t esp_reset_reason(void)
{
    static const struct {
        const char *text;
        esp_reset_reason_t reason;
    } reasons[] = {
        {"restart", ESP_RST_SW},
        {"panic", ESP_RST_PANIC},
        {"task watchdog", ESP_RST_TASK_WDT},
    };
    const char *const text = getenv(REASON_ENV); // NOLINT(concurrency-mt-unsafe): set before any thread is started
    for (size_t i = 0; text != NULL && i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].text, text) == 0) {
            return reasons[i].reason;
        }
    }
    return ESP_RST_POWERON;
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

/** Only what a signal handler may call: not even open() and close(), which take a lock here (vfs). */
static void leave_crash(int number, siginfo_t *info, void *context)
{
    (void)context;
    const int file = openat(AT_FDCWD, s_crash_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file >= 0) {
        if (write(file, &s_crash, sizeof(s_crash)) == (ssize_t)sizeof(s_crash)) {
            /* Not write(): other tasks run on, and a sanitizer would call this a data race, which it is. */
            (void)syscall(SYS_write, file, __start_rtc_noinit, memory_size());
        }
        (void)syscall(SYS_close, file);
    }
    for (size_t i = 0; i < CRASH_SIGNALS; i++) {
        (void)sigaction(s_crash_signals[i], &s_actions_before[i], NULL);
    }
    if (info->si_code <= 0) { /* no fault of an instruction, which would come again by itself */
        (void)raise(number);
    }
}

/** Once: what a crash has left is for the start behind it. */
static void take_crash(void)
{
    crash_header_t found;
    const int file = open(s_crash_path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    if (read(file, &found, sizeof(found)) == (ssize_t)sizeof(found) &&
        memcmp(found.boot_id, s_crash.boot_id, BOOT_ID_SIZE) == 0 && found.reason[REASON_SIZE - 1] == '\0') {
        (void)setenv(REASON_ENV, found.reason, 1); // NOLINT(concurrency-mt-unsafe): before any thread is started
        if (read(file, __start_rtc_noinit, memory_size()) != (ssize_t)memory_size()) {
            memset(__start_rtc_noinit, AFTER_A_POWER_ON, memory_size());
        }
    }
    (void)close(file);
    (void)unlink(s_crash_path);
}

void host_rtc_memory_survive_crashes(void)
{
    const struct sigaction action = {.sa_sigaction = leave_crash, .sa_flags = SA_SIGINFO};
    const int boot_id = open(BOOT_ID, O_RDONLY | O_CLOEXEC);
    if (boot_id < 0 || __start_rtc_noinit == NULL || host_options.data_dir == NULL) {
        return;
    }
    const bool known = read(boot_id, s_crash.boot_id, BOOT_ID_SIZE) == BOOT_ID_SIZE;
    (void)close(boot_id);
    (void)snprintf(s_crash_path, sizeof(s_crash_path), "%s/" CRASH_FILE, host_options.data_dir);
    take_crash();
    for (size_t i = 0; known && i < CRASH_SIGNALS; i++) {
        (void)sigaction(s_crash_signals[i], &action, &s_actions_before[i]);
    }
}

void host_crash_reason(const char *reason)
{
    (void)snprintf(s_crash.reason, sizeof(s_crash.reason), "%s", reason);
}

void host_block_signals(sigset_t *before)
{
    sigset_t all;
    (void)sigfillset(&all);
    for (size_t i = 0; i < CRASH_SIGNALS; i++) {
        (void)sigdelset(&all, s_crash_signals[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &all, before);
}

void host_rtc_memory_pass_on(void)
{
    char descriptor[16];
    const int file = __start_rtc_noinit == NULL ? -1 : memfd_create("rtc_noinit", 0);
    if (file >= 0 && write(file, __start_rtc_noinit, memory_size()) == (ssize_t)memory_size()) {
        (void)snprintf(descriptor, sizeof(descriptor), "%d", file);
        (void)setenv(MEMORY_ENV, descriptor, 1); // NOLINT(concurrency-mt-unsafe): the program is replaced next
    }
    (void)setenv(REASON_ENV, "restart", 1); // NOLINT(concurrency-mt-unsafe)
}

uint64_t esp_rtc_get_time_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const double real_us = (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
    return (uint64_t)(real_us * host_options.time_scale) + (uint64_t)host_options.start_uptime_ms * 1000;
}
