/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** Feeds files, and all files of directories, to a fuzz target: regressions and corpus without libFuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1024L * 1024L)

static int refuse(const char *path, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", path, why);
    return 2;
}

static int replay_file(const char *path)
{
    FILE *const file = fopen(path, "rbe");
    if (file == NULL) {
        return refuse(path, strerror(errno));
    }
    uint8_t *const bytes = malloc(INPUT_MAX);
    if (bytes == NULL) {
        (void)fclose(file);
        return refuse(path, "no memory");
    }
    const size_t size = fread(bytes, 1, INPUT_MAX, file);
    (void)fclose(file);
    (void)printf("%s\n", path);
    (void)fflush(stdout); /* the last name that is printed is that of the file that crashes */
    (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return 0;
}

static int replay_directory(const char *path)
{
    struct dirent **entries = NULL;
    int status = 0;
    const int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) {
        return refuse(path, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        char name[512];
        const int length = snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && status == 0) {
            status = length < (int)sizeof(name) ? replay_file(name) : refuse(path, "name too long");
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    int status = argc < 2 ? refuse(argv[0], "usage: replay FILE|DIRECTORY...") : 0;
    for (int i = 1; i < argc && status == 0; i++) {
        struct stat info;
        if (stat(argv[i], &info) != 0) {
            status = refuse(argv[i], strerror(errno));
        } else {
            status = S_ISDIR(info.st_mode) ? replay_directory(argv[i]) : replay_file(argv[i]);
        }
    }
    return status;
}
