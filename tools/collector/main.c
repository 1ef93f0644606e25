/* sipcnn-collector: receives incidents over REST, keeps them in SQLite and shows them on a web page.
 * Relies on: tools/collector/server, tools/collector/store, infer/token.
 * Relied on by: nobody; it is a command. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#include "infer/token.h"
#include "tools/collector/server.h"

enum { EXIT_USAGE = 2, TICK_MS = 1000, EXPIRE_SECONDS = 3600, EXPIRE_CHUNK = 1000 };

typedef struct Options {
    CollectorServerOptions server;
    const char *database;
    const char *token_file;
    long retain_days; /* 0: for ever */
} Options;

static volatile sig_atomic_t stopped;

static const char help[] =
    "sipcnn-collector: receives incidents from sensors, keeps them and shows them on a web page.\n"
    "\n"
    "usage: sipcnn-collector [options]\n"
    "\n"
    "  --listen ADDRESS[:PORT]  where to listen (127.0.0.1:8700); beyond loopback a token is required\n"
    "  --port PORT              another port; 0 picks a free one\n"
    "  --database FILE          SQLite database, made if missing (sipcnn-collector.db)\n"
    "  --token-file FILE        bearer token that sensors must send; a file that only you can read\n"
    "  --retain DAYS            delete incidents that have not changed for so long (90; 0 keeps all)\n"
    "  --help, --version\n"
    "\n"
    "examples:\n"
    "  sipcnn-collector\n"
    "      then sipcnn-infer ... --report http://127.0.0.1:8700, and open that address in a browser\n"
    "  (umask 077; openssl rand -hex 32 > token)\n"
    "  sipcnn-collector --listen 192.0.2.5 --token-file token --database /var/lib/sipcnn/incidents.db\n"
    "  curl -s 'http://127.0.0.1:8700/v1/incidents?state=open&class=scan'\n"
    "\n"
    "It ends on Ctrl-C or SIGTERM. Exit status: 0 ended, 1 failure, 2 wrong usage.\n";

static void on_signal(int signal_number) {
    (void)signal_number;
    stopped = 1;
}

static int fail(const char *text) {
    fprintf(stderr, "sipcnn-collector: %s\n", text);
    return EXIT_FAILURE;
}

static int usage(const char *what, const char *value) {
    fprintf(stderr, "sipcnn-collector: %s%s%s; see --help\n", what, value != NULL ? ": " : "",
            value != NULL ? value : "");
    return EXIT_USAGE;
}

static bool parse_number(const char *text, long most, long *number) {
    char *end = NULL;
    errno = 0;
    *number = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= 0 && *number <= most;
}

/* -1: go on; else the exit status. */
static int parse_options(int count, char **arguments, Options *options) {
    static const struct option known[] = {
        {"listen", required_argument, NULL, 'l'},   {"port", required_argument, NULL, 'p'},
        {"database", required_argument, NULL, 'd'}, {"token-file", required_argument, NULL, 't'},
        {"retain", required_argument, NULL, 'r'},   {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},        {NULL, 0, NULL, 0}};
    *options = (Options){
        .server = {.listen = "127.0.0.1", .port = -1}, .database = "sipcnn-collector.db", .retain_days = 90};
    long port = 0;
    for (int option; (option = getopt_long(count, arguments, "h", known, NULL)) != -1;) {
        switch (option) {
        case 'l': options->server.listen = optarg; break;
        case 'd': options->database = optarg; break;
        case 't': options->token_file = optarg; break;
        case 'p':
            if (!parse_number(optarg, 65535, &port))
                return usage("--port must be a number from 0 to 65535", optarg);
            options->server.port = (int)port;
            break;
        case 'r':
            if (!parse_number(optarg, 36500, &options->retain_days))
                return usage("--retain must be a number of days", optarg);
            break;
        case 'h': fputs(help, stdout); return EXIT_SUCCESS;
        case 'V': puts("sipcnn-collector " SIPCNN_VERSION); return EXIT_SUCCESS;
        default: return usage("wrong usage", NULL);
        }
    }
    return optind < count ? usage("unexpected argument", arguments[optind]) : -1;
}

/* Prints a database problem when it appears and when it is gone, not for each request. */
static void log_problem(const CollectorServer *server) {
    static char shown[sizeof((CoreError *)0)->text];
    const char *problem = collector_server_problem(server);
    if (strcmp(problem != NULL ? problem : "", shown) == 0) return;
    if (problem != NULL)
        fprintf(stderr, "sipcnn-collector: %s\n", problem);
    else
        fprintf(stderr, "sipcnn-collector: the database works again\n");
    snprintf(shown, sizeof shown, "%s", problem != NULL ? problem : "");
}

/* Deletes a chunk of what is too old, so that requests wait only briefly. True: more may be left. */
static bool expire(CollectorStore *store, long retain_days) {
    CoreError error;
    int64_t removed = 0;
    double before = (double)time(NULL) - (double)retain_days * 86400.0;
    if (collector_store_expire(store, before, EXPIRE_CHUNK, &removed, &error) != CORE_OK) {
        fprintf(stderr, "sipcnn-collector: deleting old incidents: %s\n", error.text);
        return false;
    }
    return removed == EXPIRE_CHUNK;
}

/* Waits for requests. Signals are let in only here, so that none is missed between the check and the wait. */
static void wait_for_work(const CollectorServer *server, const sigset_t *signals) {
    uint64_t wait_ms = 0;
    int descriptor = collector_server_descriptor(server, TICK_MS, &wait_ms);
    struct timespec timeout = {.tv_sec = (time_t)(wait_ms / 1000),
                               .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    fd_set ready;
    FD_ZERO(&ready);
    FD_SET(descriptor, &ready);
    pselect(descriptor + 1, &ready, NULL, NULL, &timeout, signals);
}

static void serve(CollectorServer *server, CollectorStore *store, long retain_days, const sigset_t *signals) {
    time_t next_expiry = 0;
    while (!stopped) {
        wait_for_work(server, signals);
        collector_server_run(server);
        log_problem(server);
        if (retain_days > 0 && time(NULL) >= next_expiry && !expire(store, retain_days))
            next_expiry = time(NULL) + EXPIRE_SECONDS;
    }
}

/* From here on SIGINT and SIGTERM are blocked; `before` is the mask that lets them in. */
static void catch_signals(sigset_t *before) {
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t blocked;
    sigemptyset(&action.sa_mask);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, before);
    sigdelset(before, SIGINT);
    sigdelset(before, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a limit on file sizes is a full disk, not death */
}

int main(int count, char **arguments) {
    Options options;
    CoreError error;
    char token[SIPCNN_TOKEN_SIZE];
    CollectorStore *store = NULL;
    CollectorServer *server = NULL;
    sigset_t signals;
    int status = parse_options(count, arguments, &options);
    if (status >= 0) return status;
    catch_signals(&signals);
    if (options.token_file != NULL) {
        if (sipcnn_token_read(options.token_file, token, &error) != CORE_OK) return fail(error.text);
        options.server.token = token;
    }
    if (collector_store_open(options.database, &store, &error) != CORE_OK) return fail(error.text);
    CoreStatus started = collector_server_new(&options.server, store, &server, &error);
    explicit_bzero(token, sizeof token);
    if (started == CORE_OK) {
        printf("collector: %s\n", collector_server_url(server));
        fflush(stdout);
        serve(server, store, options.retain_days, &signals);
    }
    collector_server_free(server);
    collector_store_close(store);
    if (started == CORE_OK) return EXIT_SUCCESS;
    return started == CORE_ARGUMENT ? usage(error.text, NULL) : fail(error.text);
}
