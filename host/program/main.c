/*
 * SPDX-FileCopyrightText: 2026 TinyBMS Web Gateway contributors
 *
 * SPDX-License-Identifier: Apache-2.0
 */
/** The Linux program around app_main(): options, start and orderly end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "access_options.h"
#include "battery_state.h"
#include "can_bus.h"
#include "esp_log.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "freertos/task.h"
#include "host.h"
#include "httpd_address.h"
#include "sdkconfig.h"
#include "settings_options.h"

#define USAGE_ERROR       2
#define LARGEST_UPTIME_MS 1e13

void app_main(void);

static const char *s_can_backend;
static const char *s_http_address;
static const char *s_log_level = "info";
static bool s_set;
static bool s_print_settings;
static int s_forget_sensor; /**< 0 = none */
static bool s_confirm;
static bool s_setup;
static bool s_reset_password;

static const char usage[] =
    "Usage: tinybms-web-gateway.elf [OPTION]...\n"
    "Reads a TinyBMS over a serial line and sends the Victron CAN-bus BMS frames.\n\n"
    "  --uart DEVICE         serial device of the BMS (TINYBMS_UART); default: none, a silent line\n"
    "  --can BUS             CAN bus (TINYBMS_CAN); default: none, an empty bus\n"
    "        socketcand:PORT       CAN bus for programs on this machine, on 127.0.0.1:PORT; 0 = any free port\n"
    "        socketcan:INTERFACE   CAN interface of the kernel, such as socketcan:can0\n"
    "        slcan:DEVICE          text adapter such as a CANable, for example slcan:/dev/ttyACM0\n"
    "        slcan:HOST:PORT       text adapter over TCP, for example behind ser2net\n"
    "  --http HOST:PORT      serve HTTP there (TINYBMS_HTTP); port 0 = any free port; default: none, no port is "
    "opened\n"
    "  --web DIR             directory with the files of the web interface (TINYBMS_WEB); default: none\n"
    "  --data DIR            directory for settings and counters (TINYBMS_DATA); default: none, nothing is kept\n"
    "  --set KEY=VALUE       save a setting, then start; can be repeated (needs --data)\n"
    "  --set KEY=@FILE       save a long text from a file, such as mqtt.ca=@ca.pem\n"
    "  --settings            print all settings and exit\n"
    "  --confirm-settings    after a loss, confirm the settings that --settings shows, and exit (needs --data)\n"
    "  --forget-sensor N     forget the external temperature sensor N (1 or 2) and exit (needs --data)\n"
    "  --setup               print the set-up code for the first password and exit; also beside a running gateway "
    "(needs --data)\n"
    "  --reset-password      take back password and tokens, make a new set-up code, and exit (needs --data)\n"
    "  --console             take commands from standard input, as the chip does on UART0: try \"help\" "
    "(TINYBMS_CONSOLE)\n"
    "  --time-scale N        run the program's clock N times as fast, 0.01..1000 (TINYBMS_TIME_SCALE); default: 1\n"
    "  --start-uptime-ms N   start with an uptime of N ms (TINYBMS_START_UPTIME_MS); default: 0\n"
    "  --log-level LEVEL     none, error, warn, info, debug or verbose (TINYBMS_LOG_LEVEL); default: info\n"
    "  --help                show this help and exit\n\n"
    "SIGTERM and SIGINT stop the program cleanly with exit status 0; SIGUSR1 restarts it as an update does.\n"
    "Invalid options end it with exit status 2.\n";

static void refuse(const char *name, const char *value, const char *why)
{
    (void)fprintf(stderr, "tinybms-web-gateway: %s '%s': %s\n", name, value, why);
    exit(USAGE_ERROR); // NOLINT(concurrency-mt-unsafe): before any thread is started
}

static double number_in(const char *name, const char *text, double least, double largest)
{
    char why[96];
    char *end = NULL;
    errno = 0;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno != 0 || !isfinite(value) || value < least || value > largest) {
        (void)snprintf(why, sizeof(why), "must be a number %g..%g", least, largest);
        refuse(name, text, why);
    }
    return value;
}

static void remember_setting(const char *assignment)
{
    if (esp_reset_reason() == ESP_RST_SW) {
        return; /* saved before the restart; it may have been changed since */
    }
    const char *const problem = settings_options_add(assignment);
    if (problem != NULL) { /* the value may be a password: only the key is shown */
        char key[32];
        (void)snprintf(key, sizeof(key), "%.*s", (int)strcspn(assignment, "="), assignment);
        refuse("--set", key, problem);
    }
    s_set = true;
}

static void apply(const char *name, const char *value)
{
    if (strcmp(name, "uart") == 0) {
        host_options.uart_device = value;
    } else if (strcmp(name, "can") == 0) {
        s_can_backend = value;
    } else if (strcmp(name, "http") == 0) {
        s_http_address = value;
    } else if (strcmp(name, "web") == 0) {
        host_options.web_dir = value;
    } else if (strcmp(name, "data") == 0) {
        host_options.data_dir = value;
    } else if (strcmp(name, "time-scale") == 0) {
        host_options.time_scale = number_in("--time-scale", value, 0.01, 1000.0);
    } else if (strcmp(name, "start-uptime-ms") == 0) {
        host_options.start_uptime_ms = (int64_t)number_in("--start-uptime-ms", value, 0.0, LARGEST_UPTIME_MS);
    } else if (strcmp(name, "log-level") == 0) {
        s_log_level = value;
    } else if (strcmp(name, "forget-sensor") == 0) {
        s_forget_sensor = (int)number_in("--forget-sensor", value, 1, BATTERY_SENSORS_MAX);
    } else if (strcmp(name, "set") == 0) {
        remember_setting(value);
    }
}

static void apply_flag(int flag)
{
    switch (flag) {
    case 's':
        s_print_settings = true;
        break;
    case 'c':
        s_confirm = true;
        break;
    case 'u':
        s_setup = true;
        break;
    case 'r':
        s_reset_password = true;
        break;
    case 'o':
        host_options.console = true;
        break;
    default:
        break;
    }
}

static void read_options(int argc, char **argv)
{
    static const struct {
        const char *option;
        const char *variable;
    } names[] = {
        {"uart", "TINYBMS_UART"},
        {"can", "TINYBMS_CAN"},
        {"http", "TINYBMS_HTTP"},
        {"web", "TINYBMS_WEB"},
        {"data", "TINYBMS_DATA"},
        {"time-scale", "TINYBMS_TIME_SCALE"},
        {"start-uptime-ms", "TINYBMS_START_UPTIME_MS"},
        {"log-level", "TINYBMS_LOG_LEVEL"},
    };
    enum {
        COUNT = sizeof(names) / sizeof(names[0]),
    };
    struct option options[COUNT + 9] = {{.name = NULL}};
    int index = 0;
    for (size_t i = 0; i < COUNT; i++) {
        const char *const value = getenv(names[i].variable); // NOLINT(concurrency-mt-unsafe)
        if (value != NULL && value[0] != '\0') {
            apply(names[i].option, value);
        }
        options[i] = (struct option){.name = names[i].option, .has_arg = required_argument};
    }
    host_options.console = getenv("TINYBMS_CONSOLE") != NULL; // NOLINT(concurrency-mt-unsafe)
    options[COUNT] = (struct option){.name = "help", .has_arg = no_argument, .val = 'h'};
    options[COUNT + 1] = (struct option){.name = "settings", .has_arg = no_argument, .val = 's'};
    options[COUNT + 2] = (struct option){.name = "set", .has_arg = required_argument};
    options[COUNT + 3] = (struct option){.name = "forget-sensor", .has_arg = required_argument};
    options[COUNT + 4] = (struct option){.name = "confirm-settings", .has_arg = no_argument, .val = 'c'};
    options[COUNT + 5] = (struct option){.name = "setup", .has_arg = no_argument, .val = 'u'};
    options[COUNT + 6] = (struct option){.name = "reset-password", .has_arg = no_argument, .val = 'r'};
    options[COUNT + 7] = (struct option){.name = "console", .has_arg = no_argument, .val = 'o'};
    for (int found = 0; found != -1;) {
        found = getopt_long(argc, argv, "", options, &index); // NOLINT(concurrency-mt-unsafe)
        if (found == 'h') {
            (void)fputs(usage, stdout);
            exit(EXIT_SUCCESS); // NOLINT(concurrency-mt-unsafe)
        } else if (found == 0) {
            apply(options[index].name, optarg);
        } else if (found == '?') {
            exit(USAGE_ERROR); // NOLINT(concurrency-mt-unsafe): getopt has said what is wrong
        } else {
            apply_flag(found);
        }
    }
    if (optind < argc) {
        refuse("argument", argv[optind], "unexpected; see --help");
    }
}

static void set_log_level(void)
{
    static const char *const levels[] = {"none", "error", "warn", "info", "debug", "verbose"};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(s_log_level, levels[i]) == 0) {
            esp_log_level_set("*", (esp_log_level_t)i);
            return;
        }
    }
    refuse("--log-level", s_log_level, "must be none, error, warn, info, debug or verbose");
}

/** Two programs that write the same files would spoil them. The lock is let go when the program ends or restarts. */
static void lock_data(void)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/lock", host_options.data_dir);
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) {
        refuse("--data", host_options.data_dir, strerror(errno));
    }
    if (flock(file, LOCK_EX | LOCK_NB) == 0) {
        return;
    }
    if (!s_setup || s_set || s_reset_password || s_confirm || s_forget_sensor != 0) {
        refuse("--data", host_options.data_dir, "in use by a running gateway; stop that first");
    }
    host_options.read_only = true;
}

static void open_data(void)
{
    struct stat info;
    if (host_options.data_dir != NULL &&
        ((mkdir(host_options.data_dir, 0777) != 0 && errno != EEXIST) || stat(host_options.data_dir, &info) != 0)) {
        refuse("--data", host_options.data_dir, strerror(errno));
    }
    if (host_options.data_dir != NULL && !S_ISDIR(info.st_mode)) {
        refuse("--data", host_options.data_dir, "not a directory");
    }
    if (host_options.data_dir != NULL && !s_print_settings) {
        lock_data();
    }
}

static void check_web(void)
{
    struct stat info;
    if (host_options.web_dir != NULL && stat(host_options.web_dir, &info) != 0) {
        refuse("--web", host_options.web_dir, strerror(errno));
    }
    if (host_options.web_dir != NULL && !S_ISDIR(info.st_mode)) {
        refuse("--web", host_options.web_dir, "not a directory");
    }
}

static void open_bus(void)
{
    if (s_can_backend == NULL) {
        ESP_LOGW("main", "no CAN bus: no frame will be acknowledged");
        return;
    }
    const char *const problem = can_bus_open(s_can_backend, host_options.data_dir);
    if (problem != NULL) {
        refuse("--can", s_can_backend, problem);
    }
}

static void open_http(void)
{
    const char *const problem =
        s_http_address == NULL ? NULL : httpd_address_open(s_http_address, host_options.data_dir);
    if (problem != NULL) {
        refuse("--http", s_http_address, problem);
    }
    if (s_http_address != NULL && host_options.data_dir == NULL) {
        ESP_LOGW("main",
                 "--http without --data: no password can be saved, so nobody can log in, read or change anything");
    }
}

/** The console of the chip, for a gateway that does not run. Does not come back if there was something to do. */
static void use_access_options(void)
{
    const char *const option = s_reset_password ? "--reset-password" : "--setup";
    access_options_outcome_t outcome = ACCESS_OPTIONS_DONE;
    if (!s_setup && !s_reset_password) {
        return;
    }
    if (host_options.data_dir == NULL) {
        refuse(option, "", "needs --data, where the password is saved");
    }
    esp_log_level_set("*", ESP_LOG_NONE); /* stdout is for the code */
    const char *const problem = s_reset_password ? access_options_reset() : NULL;
    if (problem != NULL) {
        refuse(option, "", problem);
    }
    if (s_setup) {
        outcome = access_options_setup();
    }
    if (outcome == ACCESS_OPTIONS_FAILED) {
        refuse(option, "", "there is no set-up code, and none can be made in the data directory");
    }
    exit(outcome == ACCESS_OPTIONS_DONE ? EXIT_SUCCESS // NOLINT(concurrency-mt-unsafe): before any thread is started
                                        : EXIT_FAILURE);
}

/** Before any task runs: a setting that is refused must not let the gateway start with another one. */
static void use_settings_options(void)
{
    if (s_set && host_options.data_dir == NULL) {
        refuse("--set", "", "needs --data, where settings are saved");
    }
    if (s_forget_sensor != 0 && host_options.data_dir == NULL) {
        refuse("--forget-sensor", "", "needs --data, where known sensors are saved");
    }
    if (s_confirm && host_options.data_dir == NULL) {
        refuse("--confirm-settings", "", "needs --data, where settings are saved");
    }
    if (s_print_settings) {
        esp_log_level_set("*", ESP_LOG_NONE); /* stdout is for the table */
    }
    const char *const problem = s_set ? settings_options_save() : NULL;
    if (problem != NULL) {
        refuse("--set", "", problem);
    }
    if (s_forget_sensor != 0) {
        const char *const why = settings_options_forget_sensor(s_forget_sensor);
        if (why != NULL) {
            refuse("--forget-sensor", "", why);
        }
    }
    if (s_confirm) {
        const char *const why = settings_options_confirm();
        if (why != NULL) {
            refuse("--confirm-settings", "", why);
        }
    }
    if (s_print_settings) {
        settings_options_print();
    }
    if (s_forget_sensor != 0 || s_confirm || s_print_settings) {
        exit(EXIT_SUCCESS); // NOLINT(concurrency-mt-unsafe): before any thread is started
    }
}

static void main_task(void *argument)
{
    (void)argument;
    app_main();
    vTaskDelete(NULL);
}

static void start_firmware(void)
{
    const esp_task_wdt_config_t watchdog = {
        .timeout_ms = CONFIG_ESP_TASK_WDT_TIMEOUT_S * 1000U,
#ifdef CONFIG_ESP_TASK_WDT_PANIC
        .trigger_panic = true,
#endif
    };
    if (esp_task_wdt_init(&watchdog) != ESP_OK ||
        xTaskCreatePinnedToCore(main_task, "main", CONFIG_ESP_MAIN_TASK_STACK_SIZE, NULL, 1, NULL, 0) != pdPASS) {
        refuse("start", "main", "no memory");
    }
}

int main(int argc, char **argv)
{
    sigset_t ending;
    int signal_number = 0;
    read_options(argc, argv);
    host_rtc_memory_load();
    set_log_level();
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGTTIN, SIG_IGN); /* a console in the background has nothing to read, and goes on */
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &ending, NULL);
    open_data();
    check_web();
    use_settings_options();
    use_access_options();
    host_rtc_memory_survive_crashes(); /* not before: a call that only prints something is no start */
    host_boot_loader();
    open_bus();
    open_http();
    start_firmware();
    if (sigwait(&ending, &signal_number) == 0 && signal_number == SIGUSR1) {
        ESP_LOGI("main", "signal %d: restarting", signal_number);
        esp_restart();
    }
    ESP_LOGI("main", "signal %d: stopping", signal_number);
    host_run_shutdown_handlers();
    exit(EXIT_SUCCESS); // NOLINT(concurrency-mt-unsafe): tasks own nothing that exit() takes away
}
