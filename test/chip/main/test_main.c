/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unity.h"

/** Shows the menu of the cases that are in this program, on the console, and runs what is chosen there. */
void app_main(void)
{
    unity_run_menu();
}
