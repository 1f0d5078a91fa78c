/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

/**
 * @file
 * @brief What the parts of host/ share: the clock, the kernel lock, interrupt context, and the options of the program.
 */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "esp_err.h"
#include "freertos/FreeRTOS.h"

/** @brief What the program was told on its command line; set before any API call, constant afterwards. */
typedef struct {
    const char *uart_device; /**< NULL: no device, the line is silent */
    const char *can_backend; /**< NULL: no bus, nobody acknowledges */
    const char *data_dir;
    const char *web_dir; /**< NULL: no files for the web server */
    bool read_only;      /**< another program has data_dir: nothing there is changed */
    bool console;        /**< standard input is the console */
    double time_scale;
    int64_t start_uptime_ms;
} host_options_t;

extern host_options_t host_options;

/** @brief Microseconds since start, in scaled time. */
int64_t host_now_us(void);

/** @brief Waits on a condition until scaled time `deadline_us`; INT64_MAX = for ever. False: timed out. */
bool host_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_us);

/** @brief Sleeps for scaled microseconds. */
void host_sleep_us(int64_t us);

/** @brief Deadline in scaled time for a wait of ticks. */
int64_t host_deadline_us(TickType_t ticks);

/** @brief Condition on the monotonic clock, as host_wait_until() needs it. */
void host_cond_init(pthread_cond_t *cond);

/** @brief The one lock of tasks, queues and notifications. */
void host_kernel_lock(void);
void host_kernel_unlock(void);
bool host_kernel_wait(pthread_cond_t *cond, int64_t deadline_us);

/** @brief Marks the calling thread as an interrupt: an API that may block aborts in it. */
void host_isr_enter(void);
void host_isr_exit(void);
/** @brief Ends the program if a blocking API is called in an interrupt. */
void host_refuse_in_isr(const char *function, TickType_t ticks);

/** @brief Runs what was registered with esp_register_shutdown_handler(), newest first. */
void host_run_shutdown_handlers(void);

/** @brief At the start: fills the RTC_NOINIT memory with what a restart handed over, else with what a power-on leaves.
 */
void host_rtc_memory_load(void);

/** @brief Hands the RTC_NOINIT memory over to the program that takes this one's place. */
void host_rtc_memory_pass_on(void);

/** @brief Ends the program if the calling task changes flash without a turn at the flash gate. */
void host_refuse_without_turn(const char *function);

/** @brief What the boot loader does with the partition otadata: chooses the slot and gives up what was not confirmed.
 */
void host_boot_loader(void);

/** @brief For the boot loader: rewrites the sector at `offset` of a partition, in no time and without a turn. */
esp_err_t host_partition_rewrite(const char *label, size_t offset, const void *bytes, size_t size);

/** @brief From now on a crash leaves RTC_NOINIT memory and its reason in the directory of --data; takes what the last
 * crash left there. After host_rtc_memory_load(). */
void host_rtc_memory_survive_crashes(void);

/** @brief What esp_reset_reason() says after the crash that follows. */
void host_crash_reason(const char *reason);

/** @brief Blocks all signals in the calling thread except those of a crash, which must come through. */
void host_block_signals(sigset_t *before);

/** @brief Names the calling thread, as top and debuggers show it; Linux keeps 15 characters. */
void host_name_thread(const char *name);

/** @brief Starts a detached service thread of that name, with all signals blocked except those of a crash. */
void host_start_thread(const char *name, void *(*run)(void *), void *argument);
