/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Base paths, the console, and the calls that the linker sends here. */
#include "host_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#define CONSOLE    "/dev/console" /* UART0 on the chip; on Linux that of the machine, which is not ours */
#define MOUNTS_MAX 8              /* as on the chip */
#define FILES_MAX  32

typedef struct {
    char base_path[HOST_VFS_BASE_LONGEST + 1]; /* "" = free */
    char dir[PATH_MAX];
    size_t max_files;
    size_t open_files;
} mount_t;

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static mount_t s_mounts[MOUNTS_MAX];
static struct {
    int fd;
    mount_t *mount; /* NULL = free */
} s_files[FILES_MAX];

/* Names that --wrap makes. */
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
int __real_stat(const char *path, struct stat *info);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_stat(const char *restrict path, struct stat *restrict info);

/** Under the lock. */
static mount_t *mounted(const char *base_path)
{
    for (size_t i = 0; i < MOUNTS_MAX; i++) {
        if (strcmp(s_mounts[i].base_path, base_path) == 0) {
            return &s_mounts[i];
        }
    }
    return NULL;
}

/** Under the lock. The base path that `path` is below, and what is behind it. */
static mount_t *mount_of(const char *path, const char **name)
{
    for (size_t i = 0; i < MOUNTS_MAX; i++) {
        const size_t length = strlen(s_mounts[i].base_path);
        if (length > 0 && strncmp(path, s_mounts[i].base_path, length) == 0 && path[length] == '/') {
            *name = &path[length];
            return &s_mounts[i];
        }
    }
    return NULL;
}

/** SPIFFS knows no directories: ".." is part of a name, and no file has such a name. */
static bool is_flat(const char *name)
{
    for (const char *part = name; part != NULL; part = strchr(&part[1], '/')) {
        const size_t length = strcspn(&part[1], "/");
        if (length == 0 || (length == 1 && part[1] == '.') || (length == 2 && strncmp(&part[1], "..", 2) == 0)) {
            return false;
        }
    }
    return true;
}

/** Opens the next part of `name` in a directory; the last part has to be a regular file. Symbolic links are not
 * followed: the image for the chip is made without them. */
static int open_part(int directory, const char *name, size_t length)
{
    char part[HOST_VFS_NAME_LONGEST + 1];
    struct stat info;
    memcpy(part, name, length);
    part[length] = '\0';
    if (name[length] == '/') {
        return openat(directory, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    const int fd = openat(directory, part, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))) {
        (void)__real_close(fd);
        return -1;
    }
    return fd;
}

/** The file of that name, part by part, with little stack: it is that of a task. -1: none, and errno says why. */
static int open_name(const char *dir, const char *name)
{
    if (strlen(name) > HOST_VFS_NAME_LONGEST) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = is_flat(name) ? __real_open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    for (const char *part = name; part[0] == '/' && fd >= 0;) {
        const int directory = fd;
        const size_t length = strcspn(&part[1], "/");
        fd = open_part(directory, &part[1], length);
        (void)__real_close(directory);
        part += 1 + length;
    }
    errno = fd < 0 ? ENOENT : errno;
    return fd;
}

esp_err_t host_vfs_mount(const char *base_path, const char *dir, size_t max_files)
{
    const size_t length = strlen(base_path);
    struct stat info;
    esp_err_t err = ESP_OK;
    if (length < 2 || length > HOST_VFS_BASE_LONGEST || base_path[0] != '/' || base_path[length - 1] == '/') {
        return ESP_ERR_INVALID_ARG;
    }
    (void)pthread_mutex_lock(&s_lock);
    mount_t *const mount = mounted("");
    if (mounted(base_path) != NULL) {
        err = ESP_ERR_INVALID_STATE;
    } else if (mount == NULL) {
        err = ESP_ERR_NO_MEM;
    } else if (strlen(dir) >= sizeof(mount->dir) || __real_stat(dir, &info) != 0 || !S_ISDIR(info.st_mode)) {
        err = ESP_ERR_NOT_FOUND;
    } else {
        (void)snprintf(mount->dir, sizeof(mount->dir), "%s", dir);
        memcpy(mount->base_path, base_path, length + 1);
        mount->max_files = max_files;
        mount->open_files = 0;
    }
    (void)pthread_mutex_unlock(&s_lock);
    return err;
}

bool host_vfs_unmount(const char *base_path)
{
    (void)pthread_mutex_lock(&s_lock);
    mount_t *const mount = base_path[0] == '\0' ? NULL : mounted(base_path);
    if (mount != NULL) {
        mount->base_path[0] = '\0';
        for (size_t i = 0; i < FILES_MAX; i++) {
            s_files[i].mount = s_files[i].mount == mount ? NULL : s_files[i].mount;
        }
    }
    (void)pthread_mutex_unlock(&s_lock);
    return mount != NULL;
}

/** Under the lock. */
static int open_file(mount_t *mount, const char *name, int flags)
{
    size_t place = 0;
    while (place < FILES_MAX && s_files[place].mount != NULL) {
        place++;
    }
    if ((flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != O_RDONLY) {
        errno = EROFS;
        return -1;
    }
    if (mount->open_files >= mount->max_files || place == FILES_MAX) {
        errno = ENFILE;
        return -1;
    }
    const int fd = open_name(mount->dir, name);
    if (fd >= 0) {
        s_files[place].fd = fd;
        s_files[place].mount = mount;
        mount->open_files++;
    }
    return fd;
}

/** Standard input is opened anew: O_NONBLOCK would else count for the shell that has the same terminal. Without the
 * option --console it is not read, as a program in the background would be stopped for that. */
static int open_console(int flags)
{
    return __real_open(host_options.console ? "/proc/self/fd/0" : "/dev/null", flags | O_CLOEXEC | O_NOCTTY);
}

int __wrap_open(const char *path, int flags, ...)
{
    const char *name = NULL;
    mode_t mode = 0;
    int fd = -1;
    if (strcmp(path, CONSOLE) == 0) {
        return open_console(flags);
    }
    (void)pthread_mutex_lock(&s_lock);
    mount_t *const mount = mount_of(path, &name);
    if (mount != NULL) {
        fd = open_file(mount, name, flags);
    }
    (void)pthread_mutex_unlock(&s_lock);
    if (mount != NULL) {
        return fd;
    }
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    return __real_open(path, flags, mode);
}

int __wrap_close(int fd)
{
    (void)pthread_mutex_lock(&s_lock);
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (s_files[i].mount != NULL && s_files[i].fd == fd) {
            s_files[i].mount->open_files--;
            s_files[i].mount = NULL;
        }
    }
    (void)pthread_mutex_unlock(&s_lock);
    return __real_close(fd);
}

int __wrap_stat(const char *restrict path, struct stat *restrict info)
{
    const char *name = NULL;
    int fd = -1;
    (void)pthread_mutex_lock(&s_lock);
    const mount_t *const mount = mount_of(path, &name);
    if (mount != NULL) {
        fd = open_name(mount->dir, name);
    }
    (void)pthread_mutex_unlock(&s_lock);
    if (mount == NULL) {
        return __real_stat(path, info);
    }
    const int result = fd < 0 ? -1 : fstat(fd, info);
    if (fd >= 0) {
        (void)__real_close(fd);
    }
    return result;
}
