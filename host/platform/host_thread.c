/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Threads of the Linux build's own. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "host.h"

void host_name_thread(const char *name)
{
    (void)prctl(PR_SET_NAME, name);
}

void host_start_thread(const char *name, void *(*run)(void *), void *argument)
{
    sigset_t before;
    pthread_t thread;
    host_block_signals(&before);
    const int error = pthread_create(&thread, NULL, run, argument);
    if (error != 0) {
        (void)fprintf(stderr, "cannot start the thread %s: %s\n", name, strerror(error));
        abort();
    }
    (void)pthread_setname_np(thread, name); /* else it would have that of its starter */
    (void)pthread_detach(thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
