/* The command line of sipcnn-infer.
 * Relies on: getopt_long, data/features/features.h (address ranges).
 * Relied on by: infer/main. */
#include "infer/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: sipcnn-infer --read FILE|- | --interface IF  [options]\n"
    "\n"
    "Reads SIP from a capture or an interface, judges every message and reports attacks.\n"
    "\n"
    "  -r, --read FILE        a pcap or pcapng file; - is standard input\n"
    "  -i, --interface IF     a live interface (needs CAP_NET_RAW)\n"
    "  -f, --filter EXPR      with --interface: a libpcap filter, as for tcpdump\n"
    "  -m, --model FILE       the model [" SIPCNN_DEFAULT_MODEL "]\n"
    "      --rules-only       no model: only the simple rules\n"
    "  -l, --local CIDR       addresses of your own hosts, never blamed; may be repeated\n"
    "  -v, --verdicts FILE    one JSON line per message; - is standard output (not with --json)\n"
    "  -j, --json             incidents as JSON lines instead of text\n"
    "      --report URL       deliver incidents to a collector, e.g. http://127.0.0.1:8700\n"
    "      --token-file FILE  bearer token for the collector; mode 0600\n"
    "      --ca-file FILE     certificates to trust instead of the system's\n"
    "      --insecure         allow http:// to another host\n"
    "      --sensor NAME      name of this sensor in incidents [the host's name]\n"
    "  -w, --workers N        threads that encode messages; 0: a single thread for everything\n"
    "                         [processors - 1, at most 4]\n"
    "  -q, --quiet            no progress, no summary\n"
    "  -h, --help             this text\n"
    "  -V, --version          the version\n"
    "\n"
    "SIGUSR1 prints the summary, SIGINT and SIGTERM end cleanly.\n"
    "Exit: 0 done; 1 input, output or delivery failed; 2 wrong command line.\n"
    "\n"
    "Examples:\n"
    "  sipcnn-infer --read calls.pcap\n"
    "  sipcnn-infer --read calls.pcap --verdicts calls.verdicts.jsonl --json > calls.incidents.jsonl\n"
    "  sipcnn-infer --interface eth0 --local 192.0.2.0/24 --report http://127.0.0.1:8700\n"
    "  tcpdump -i eth0 -w - udp or tcp | sipcnn-infer --read -\n";

enum { OPT_RULES_ONLY = 256, OPT_REPORT, OPT_TOKEN_FILE, OPT_CA_FILE, OPT_INSECURE, OPT_SENSOR };

static const struct option long_options[] = {
    {"read", required_argument, NULL, 'r'},
    {"interface", required_argument, NULL, 'i'},
    {"filter", required_argument, NULL, 'f'},
    {"model", required_argument, NULL, 'm'},
    {"rules-only", no_argument, NULL, OPT_RULES_ONLY},
    {"local", required_argument, NULL, 'l'},
    {"verdicts", required_argument, NULL, 'v'},
    {"json", no_argument, NULL, 'j'},
    {"report", required_argument, NULL, OPT_REPORT},
    {"token-file", required_argument, NULL, OPT_TOKEN_FILE},
    {"ca-file", required_argument, NULL, OPT_CA_FILE},
    {"insecure", no_argument, NULL, OPT_INSECURE},
    {"sensor", required_argument, NULL, OPT_SENSOR},
    {"workers", required_argument, NULL, 'w'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static bool complain(int *exit_code, const char *format, ...) CORE_PRINTF(2, 3);
static bool complain(int *exit_code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("sipcnn-infer: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs(" (--help shows how)\n", stderr);
    va_end(arguments);
    *exit_code = EXIT_USAGE;
    return false;
}

static unsigned default_workers(void) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors <= 1) return 0;
    return processors > 5 ? 4 : (unsigned)processors - 1;
}

static bool read_workers(const char *text, unsigned *workers) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value > WORKERS_MAX) return false;
    *workers = (unsigned)value;
    return true;
}

/* The sensor's name is part of incident ids, which are part of URLs. */
static bool read_sensor(const char *text, char *sensor) {
    size_t length = strlen(text);
    if (length == 0 || length >= SENSOR_NAME_MAX) return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                    c == '_' || c == '.';
        if (!fits) return false;
    }
    memcpy(sensor, text, length + 1);
    return true;
}

static void default_sensor(char *sensor) {
    char name[SENSOR_NAME_MAX] = "";
    if (gethostname(name, sizeof name - 1) != 0 || !read_sensor(name, sensor)) read_sensor("sensor", sensor);
}

/* The model that was installed with this very program, wherever both were moved; else the configured place.
 */
static const char *default_model(void) {
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    while (length > 0 && path[length - 1] != '/')
        length--;
    if (length <= 0 || (size_t)length + sizeof SIPCNN_MODEL_FROM_PROGRAM > sizeof path)
        return SIPCNN_DEFAULT_MODEL;
    memcpy(path + length, SIPCNN_MODEL_FROM_PROGRAM, sizeof SIPCNN_MODEL_FROM_PROGRAM);
    return access(path, R_OK) == 0 ? path : SIPCNN_DEFAULT_MODEL;
}

static bool take_local(const char *text, Options *options, int *exit_code) {
    CoreError error;
    if (options->n_local == LOCALS_MAX)
        return complain(exit_code, "--local: more than %d ranges", LOCALS_MAX);
    if (feature_local_parse(text, &options->local[options->n_local], &error) != CORE_OK)
        return complain(exit_code, "--local: %s", error.text);
    options->n_local++;
    return true;
}

static bool take_option(int option, char *value, Options *options, int *exit_code) {
    switch (option) {
    case 'r': options->read = value; return true;
    case 'i': options->interface = value; return true;
    case 'f': options->filter = value; return true;
    case 'm': options->model = value; return true;
    case OPT_RULES_ONLY: options->rules_only = true; return true;
    case 'l': return take_local(value, options, exit_code);
    case 'v': options->verdicts = value; return true;
    case 'j': options->json = true; return true;
    case OPT_REPORT: options->report = value; return true;
    case OPT_TOKEN_FILE: options->token_file = value; return true;
    case OPT_CA_FILE: options->ca_file = value; return true;
    case OPT_INSECURE: options->insecure = true; return true;
    case OPT_SENSOR:
        if (read_sensor(value, options->sensor)) return true;
        return complain(exit_code, "--sensor %s: at most %d letters, digits and -_.", value,
                        SENSOR_NAME_MAX - 1);
    case 'w':
        if (read_workers(value, &options->workers)) return true;
        return complain(exit_code, "--workers %s: not a number of 0 to %d", value, WORKERS_MAX);
    case 'q': options->quiet = true; return true;
    case 'h': fputs(help, stdout); break;
    case 'V': puts("sipcnn-infer " SIPCNN_VERSION); break;
    default: *exit_code = EXIT_USAGE; return false; /* getopt has complained */
    }
    *exit_code = fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
    return false;
}

static bool check_together(const Options *options, int *exit_code) {
    if (options->read == NULL && options->interface == NULL)
        return complain(exit_code, "give --read FILE or --interface IF");
    if (options->read != NULL && options->interface != NULL)
        return complain(exit_code, "--read and --interface exclude each other");
    if (options->filter != NULL && options->interface == NULL)
        return complain(exit_code, "--filter belongs to --interface");
    if (options->json && options->verdicts != NULL && strcmp(options->verdicts, "-") == 0)
        return complain(exit_code, "--json and --verdicts - both want standard output");
    if (options->rules_only && options->model != NULL)
        return complain(exit_code, "--rules-only and --model exclude each other");
    if (options->rules_only && options->verdicts != NULL)
        return complain(exit_code, "--verdicts needs a model, without --rules-only");
    if (options->report == NULL &&
        (options->token_file != NULL || options->ca_file != NULL || options->insecure))
        return complain(exit_code, "--token-file, --ca-file and --insecure belong to --report");
    return true;
}

bool options_read(int argc, char **argv, Options *options, int *exit_code) {
    *options = (Options){.workers = default_workers()};
    default_sensor(options->sensor);
    int option;
    while ((option = getopt_long(argc, argv, "r:i:f:m:l:v:jw:qhV", long_options, NULL)) != -1)
        if (!take_option(option, optarg, options, exit_code)) return false;
    if (optind < argc) return complain(exit_code, "what is %s for?", argv[optind]);
    if (!check_together(options, exit_code)) return false;
    if (options->model == NULL && !options->rules_only) options->model = default_model();
    return true;
}
