/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** A serial device, raw, locked for one program. */
#include "serial_device.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static int set_raw(int fd)
{
    struct termios settings;
    if (tcgetattr(fd, &settings) != 0) {
        return -1;
    }
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    (void)cfsetispeed(&settings, B115200);
    (void)cfsetospeed(&settings, B115200);
    return tcsetattr(fd, TCSANOW, &settings);
}

int serial_device_open(const char *path)
{
    const int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) { /* a second program on the same line would steal answers */
        (void)close(fd);
        errno = EBUSY;
        return -1;
    }
    if (set_raw(fd) != 0) {
        const int reason = errno;
        (void)close(fd);
        errno = reason;
        return -1;
    }
    (void)tcflush(fd, TCIOFLUSH);
    return fd;
}

bool serial_device_is(int fd, const char *path)
{
    struct stat open_one;
    struct stat named_one;
    return fstat(fd, &open_one) == 0 && stat(path, &named_one) == 0 && open_one.st_rdev == named_one.st_rdev &&
           open_one.st_ino == named_one.st_ino;
}
