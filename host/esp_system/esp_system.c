/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Restart and heap: the program starts itself again; what it allocated counts against the heap of the chip. */
#include "esp_system.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define HEAP_OF_THE_CHIP  (160U * 1024U)
#define SHUTDOWN_HANDLERS 5 /* as on the chip */
#define ARGUMENTS_SIZE    32768
#define ARGUMENTS_MAX     512 /* of the command line: 128 times --set KEY=VALUE among them */

static shutdown_handler_t s_handlers[SHUTDOWN_HANDLERS];
static size_t s_handler_count;

esp_err_t esp_register_shutdown_handler(shutdown_handler_t handle)
{
    esp_err_t err = ESP_ERR_NO_MEM;
    host_kernel_lock();
    if (s_handler_count < SHUTDOWN_HANDLERS) {
        s_handlers[s_handler_count++] = handle;
        err = ESP_OK;
    }
    host_kernel_unlock();
    return err;
}

static shutdown_handler_t take_newest_handler(void)
{
    host_kernel_lock();
    const shutdown_handler_t handler = s_handler_count > 0 ? s_handlers[--s_handler_count] : NULL;
    host_kernel_unlock();
    return handler;
}

void host_run_shutdown_handlers(void)
{
    for (shutdown_handler_t handler = take_newest_handler(); handler != NULL; handler = take_newest_handler()) {
        handler();
    }
}

/** Tasks block all signals, and the mask stays when the program is replaced. */
static void block_what_main_waits_for(void)
{
    sigset_t ending;
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGUSR1);
    (void)pthread_sigmask(SIG_SETMASK, &ending, NULL);
}

/** The program starts itself anew with the same arguments: the kernel keeps them. */
void esp_restart(void)
{
    static char arguments[ARGUMENTS_SIZE];
    static char *argv[ARGUMENTS_MAX + 1];
    host_run_shutdown_handlers();
    FILE *const file = fopen("/proc/self/cmdline", "re");
    const size_t length = file == NULL ? 0 : fread(arguments, 1, sizeof(arguments) - 1, file);
    arguments[length] = '\0';
    size_t count = 0;
    for (size_t at = 0; at < length && count < ARGUMENTS_MAX; at += strlen(&arguments[at]) + 1) {
        argv[count++] = &arguments[at];
    }
    host_rtc_memory_pass_on();
    block_what_main_waits_for();
    (void)execv("/proc/self/exe", argv);
    abort();
}

/** What the program itself allocated, held against the heap that the chip has. */
uint32_t esp_get_free_heap_size(void)
{
    const size_t used = mallinfo2().uordblks;
    return used < HEAP_OF_THE_CHIP ? (uint32_t)(HEAP_OF_THE_CHIP - used) : 0;
}

uint32_t esp_get_minimum_free_heap_size(void)
{
    static uint32_t least = HEAP_OF_THE_CHIP;
    const uint32_t now = esp_get_free_heap_size();
    host_kernel_lock();
    least = now < least ? now : least;
    const uint32_t result = least;
    host_kernel_unlock();
    return result;
}
