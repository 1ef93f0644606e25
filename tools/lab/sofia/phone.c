// A SIP phone on the Sofia-SIP stack, told line by line what to do: the honest softphone and the attack tool
// alike. Relies on: libsofia-sip-ua (nua and its offer/answer). Relied on by: stacks.py (builds it),
// softphones.py and console_attacker.py (drive it).
//
// Arguments: bind URI, proxy URI ("" for none), domain, media port, User-Agent ("" for Sofia's own), seconds
// of session timers, 100rel (0 or 1). Commands come on standard input, one a line, fields separated by tabs:
//   as USER PASSWORD [NAME]    who speaks from now on
//   register SECONDS           binds that account here; 0 takes the binding away
//   guess                      the same once, with its challenge answered once
//   call URI | answer | hangup | hold | resume | transfer URI
//   message URI TEXT | options URI | subscribe URI EVENT | publish TEXT
//   probe METHOD URI           a request whose challenge stays unanswered
//   forge METHOD URI CALL-ID CSEQ FROM TO ROUTE MORE
//                              a request of somebody's dialog; MORE is a Refer-To's URI; ROUTE and MORE may
//                              be empty
//   quit
// Standard output says "incoming", "talking", "ended" and "METHOD STATUS".
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Phone Phone;
typedef struct Dialog Dialog;
#define NUA_MAGIC_T     Phone
#define NUA_HMAGIC_T    Dialog
#define SU_WAKEUP_ARG_T Phone
#define SU_ROOT_MAGIC_T Phone
#include <sofia-sip/nua.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/soa_tag.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/url.h>

enum { FIELDS = 12, NAME = 128, LINE = 4096, TRIES = 2 };

// What one nua handle is for.
struct Dialog {
    nua_handle_t *handle;
    char user[NAME], password[NAME];
    int tries;     // challenges that may still be answered
    bool call;     // else one request, or a registration
    bool keeps;    // lives on after its final response
    bool incoming; // a call from somebody
    bool talking;
};

struct Phone {
    su_root_t *root;
    nua_t *nua;
    Dialog *current;      // the call that commands are about
    Dialog *registration; // of `user`
    const char *proxy, *domain;
    char host[NAME]; // the own address
    char user[NAME], password[NAME], name[NAME];
    char line[LINE];
    size_t length;
    bool leaves;
};

static void say(const char *text) {
    puts(text);
    fflush(stdout);
}

// An identity as From or To writes it.
static void address(const Phone *phone, const char *user, char *out, size_t size) {
    if (phone->name[0] && !strcmp(user, phone->user))
        snprintf(out, size, "\"%s\" <sip:%s@%s>", phone->name, user, phone->domain);
    else
        snprintf(out, size, "<sip:%s@%s>", user, phone->domain);
}

static void forget(Phone *phone, Dialog *dialog) {
    if (phone->current == dialog) phone->current = NULL;
    if (phone->registration == dialog) phone->registration = NULL;
    nua_handle_destroy(dialog->handle);
    free(dialog);
}

// A handle for requests of whoever speaks now; NULL when memory is short.
static Dialog *open_dialog(Phone *phone, const char *to) {
    Dialog *dialog = calloc(1, sizeof *dialog);
    char from[3 * NAME], target[LINE];
    if (!dialog) return NULL;
    address(phone, phone->user, from, sizeof from);
    snprintf(target, sizeof target, strchr(to, '<') ? "%s" : "<%s>", to);
    snprintf(dialog->user, sizeof dialog->user, "%s", phone->user);
    snprintf(dialog->password, sizeof dialog->password, "%s", phone->password);
    dialog->tries = TRIES;
    dialog->handle = nua_handle(phone->nua, dialog, SIPTAG_FROM_STR(from), SIPTAG_TO_STR(target),
                                NUTAG_M_USERNAME(phone->user), TAG_END());
    if (dialog->handle) return dialog;
    free(dialog);
    return NULL;
}

// -- commands -----------------------------------------------------------------------------------------

static void do_as(Phone *phone, char **field) {
    snprintf(phone->user, sizeof phone->user, "%s", field[1]);
    snprintf(phone->password, sizeof phone->password, "%s", field[2]);
    snprintf(phone->name, sizeof phone->name, "%s", field[3]);
    phone->registration = NULL;
}

static void do_register(Phone *phone, char **field) {
    char self[3 * NAME], registrar[2 * NAME];
    address(phone, phone->user, self, sizeof self);
    snprintf(registrar, sizeof registrar, "sip:%s", phone->domain);
    bool guess = !strcmp(field[0], "guess");
    Dialog *dialog = guess ? NULL : phone->registration;
    if (!dialog) dialog = open_dialog(phone, self);
    if (!dialog) return;
    dialog->tries = guess ? 1 : TRIES;
    dialog->keeps = !guess;
    if (!guess) phone->registration = dialog;
    if (!guess && !strcmp(field[1], "0"))
        nua_unregister(dialog->handle, NUTAG_REGISTRAR(registrar), TAG_END());
    else
        nua_register(dialog->handle, NUTAG_REGISTRAR(registrar), SIPTAG_EXPIRES_STR(guess ? "60" : field[1]),
                     TAG_END());
}

static void do_call(Phone *phone, char **field) {
    Dialog *dialog = open_dialog(phone, field[1]);
    if (!dialog) return;
    dialog->call = true;
    phone->current = dialog;
    nua_invite(dialog->handle, NUTAG_URL(field[1]), TAG_END());
}

static void do_answer(Phone *phone, char **field) {
    (void)field;
    if (phone->current && phone->current->incoming && !phone->current->talking)
        nua_respond(phone->current->handle, SIP_200_OK, TAG_END());
}

static void do_hang_up(Phone *phone, char **field) {
    Dialog *dialog = phone->current;
    if (!dialog) return;
    if (dialog->talking)
        nua_bye(dialog->handle, TAG_END());
    else if (!dialog->incoming)
        nua_cancel(dialog->handle, TAG_END());
    else if (!strcmp(field[1], "603"))
        nua_respond(dialog->handle, SIP_603_DECLINE, TAG_END());
    else
        nua_respond(dialog->handle, SIP_486_BUSY_HERE, TAG_END());
}

static void do_hold(Phone *phone, char **field) {
    if (phone->current && phone->current->talking)
        nua_invite(phone->current->handle, SOATAG_HOLD(strcmp(field[0], "hold") ? NULL : "*"), TAG_END());
}

static void do_transfer(Phone *phone, char **field) {
    if (phone->current && phone->current->talking)
        nua_refer(phone->current->handle, SIPTAG_REFER_TO_STR(field[1]), TAG_END());
}

static void do_message(Phone *phone, char **field) {
    Dialog *dialog = open_dialog(phone, field[1]);
    if (dialog)
        nua_message(dialog->handle, NUTAG_URL(field[1]), SIPTAG_CONTENT_TYPE_STR("text/plain"),
                    SIPTAG_PAYLOAD_STR(field[2]), TAG_END());
}

static void do_options(Phone *phone, char **field) {
    Dialog *dialog = open_dialog(phone, field[1]);
    if (dialog) nua_options(dialog->handle, NUTAG_URL(field[1]), TAG_END());
}

static void do_subscribe(Phone *phone, char **field) {
    Dialog *dialog = open_dialog(phone, field[1]);
    if (!dialog) return;
    dialog->keeps = true;
    nua_subscribe(dialog->handle, NUTAG_URL(field[1]), SIPTAG_EVENT_STR(field[2]), SIPTAG_EXPIRES_STR("60"),
                  TAG_END());
}

static void do_publish(Phone *phone, char **field) {
    char self[2 * NAME];
    snprintf(self, sizeof self, "sip:%s@%s", phone->user, phone->domain);
    Dialog *dialog = open_dialog(phone, self);
    if (dialog)
        nua_publish(dialog->handle, NUTAG_URL(self), SIPTAG_EVENT_STR("presence"), SIPTAG_EXPIRES_STR("60"),
                    SIPTAG_CONTENT_TYPE_STR("application/pidf+xml"), SIPTAG_PAYLOAD_STR(field[1]), TAG_END());
}

static void do_probe(Phone *phone, char **field) {
    bool registers = !strcmp(field[1], "REGISTER");
    Dialog *dialog = open_dialog(phone, field[2]);
    char registrar[LINE];
    const char *at = strchr(field[2], '@');
    snprintf(registrar, sizeof registrar, "%s%s", at ? "sip:" : "", at ? at + 1 : field[2]);
    if (!dialog) return;
    dialog->tries = 0;
    dialog->call = !strcmp(field[1], "INVITE");
    if (dialog->call)
        nua_invite(dialog->handle, NUTAG_URL(field[2]), TAG_END());
    else if (registers)
        nua_register(dialog->handle, NUTAG_REGISTRAR(registrar), SIPTAG_EXPIRES_STR("60"), TAG_END());
    else if (!strcmp(field[1], "SUBSCRIBE"))
        nua_subscribe(dialog->handle, NUTAG_URL(field[2]), SIPTAG_EVENT_STR("presence"), TAG_END());
    else if (!strcmp(field[1], "MESSAGE"))
        nua_message(dialog->handle, NUTAG_URL(field[2]), SIPTAG_CONTENT_TYPE_STR("text/plain"),
                    SIPTAG_PAYLOAD_STR("?"), TAG_END());
    else if (!strcmp(field[1], "OPTIONS"))
        nua_options(dialog->handle, NUTAG_URL(field[2]), TAG_END());
    else
        nua_method(dialog->handle, NUTAG_METHOD(field[1]), NUTAG_URL(field[2]), TAG_END());
}

static void do_forge(Phone *phone, char **field) {
    Dialog *dialog = calloc(1, sizeof *dialog);
    char cseq[NAME], sdp[5 * NAME], kind = strchr(phone->host, ':') ? '6' : '4';
    if (!dialog) return;
    bool media = !strcmp(field[1], "INVITE") || !strcmp(field[1], "UPDATE");
    snprintf(cseq, sizeof cseq, "%s %s", field[4], field[1]);
    snprintf(sdp, sizeof sdp,
             "v=0\r\no=- 1 2 IN IP%c %s\r\ns=-\r\nc=IN IP%c %s\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n",
             kind, phone->host, kind, phone->host);
    dialog->handle = nua_handle(phone->nua, dialog, TAG_END());
    if (!dialog->handle) {
        free(dialog);
        return;
    }
    nua_method(dialog->handle, NUTAG_METHOD(field[1]), NUTAG_URL(field[2]), SIPTAG_CALL_ID_STR(field[3]),
               SIPTAG_CSEQ_STR(cseq), SIPTAG_FROM_STR(field[5]), SIPTAG_TO_STR(field[6]),
               TAG_IF(field[7][0], SIPTAG_ROUTE_STR(field[7])),
               TAG_IF(field[8][0], SIPTAG_REFER_TO_STR(field[8])),
               TAG_IF(media, SIPTAG_CONTENT_TYPE_STR("application/sdp")),
               TAG_IF(media, SIPTAG_PAYLOAD_STR(sdp)), TAG_END());
}

static void do_quit(Phone *phone, char **field) {
    (void)field;
    phone->leaves = true;
    if (phone->registration) nua_unregister(phone->registration->handle, TAG_END());
    nua_shutdown(phone->nua);
}

static const struct {
    const char *name;
    void (*run)(Phone *phone, char **field);
} COMMANDS[] = {
    {"as", do_as},           {"register", do_register}, {"guess", do_register},
    {"call", do_call},       {"answer", do_answer},     {"hangup", do_hang_up},
    {"hold", do_hold},       {"resume", do_hold},       {"transfer", do_transfer},
    {"message", do_message}, {"options", do_options},   {"subscribe", do_subscribe},
    {"publish", do_publish}, {"probe", do_probe},       {"forge", do_forge},
    {"quit", do_quit},
};

// Runs one line; fields that are not there are empty.
static void obey(Phone *phone, char *line) {
    static char empty[] = "";
    char *field[FIELDS];
    for (int i = 0; i < FIELDS; i++)
        field[i] = line ? strsep(&line, "\t") : empty;
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++)
        if (!strcmp(field[0], COMMANDS[i].name)) COMMANDS[i].run(phone, field);
}

static int read_commands(Phone *phone, su_wait_t *wait, Phone *arg) {
    (void)wait, (void)arg;
    ssize_t got = read(STDIN_FILENO, phone->line + phone->length, sizeof phone->line - phone->length);
    if (got <= 0) {
        su_root_break(phone->root);
        return 0;
    }
    phone->length += (size_t)got;
    char *start = phone->line, *end;
    while ((end = memchr(start, '\n', phone->length - (size_t)(start - phone->line)))) {
        *end = '\0';
        obey(phone, start);
        start = end + 1;
    }
    phone->length -= (size_t)(start - phone->line);
    memmove(phone->line, start, phone->length);
    if (phone->length == sizeof phone->line) phone->length = 0; // longer than any command
    return 0;
}

// -- events -------------------------------------------------------------------------------------------

// Answers a challenge; false if there is none, or if this was answered before.
static bool authenticate(Dialog *dialog, const sip_t *sip) {
    const sip_www_authenticate_t *challenge = sip ? sip->sip_www_authenticate : NULL;
    if (!challenge && sip) challenge = (const sip_www_authenticate_t *)sip->sip_proxy_authenticate;
    const char *realm = challenge ? msg_params_find(challenge->au_params, "realm=") : NULL;
    if (!realm || dialog->tries-- <= 0) return false;
    char auth[4 * NAME];
    snprintf(auth, sizeof auth, "%s:%s:%s:%s", challenge->au_scheme, realm, dialog->user, dialog->password);
    nua_authenticate(dialog->handle, NUTAG_AUTH(auth), TAG_END());
    return true;
}

static void responded(Phone *phone, Dialog *dialog, int status, const sip_t *sip) {
    char line[NAME];
    const char *method = sip && sip->sip_cseq ? sip->sip_cseq->cs_method_name : "request";
    snprintf(line, sizeof line, "%s %d", method, status);
    say(line);
    if ((status == 401 || status == 407) && authenticate(dialog, sip)) return;
    if (status >= 200 && !dialog->call && !dialog->keeps) forget(phone, dialog);
}

static void called(Phone *phone, nua_handle_t *handle) {
    Dialog *dialog = calloc(1, sizeof *dialog);
    if (!dialog || (phone->current && phone->current->handle)) {
        free(dialog);
        nua_respond(handle, SIP_486_BUSY_HERE, TAG_END());
        nua_handle_destroy(handle);
        return;
    }
    dialog->handle = handle;
    dialog->call = dialog->incoming = true;
    snprintf(dialog->user, sizeof dialog->user, "%s", phone->user);
    snprintf(dialog->password, sizeof dialog->password, "%s", phone->password);
    dialog->tries = TRIES;
    nua_handle_bind(handle, dialog);
    phone->current = dialog;
    nua_respond(handle, SIP_180_RINGING, TAG_END());
    say("incoming");
}

static void changed(Phone *phone, Dialog *dialog, tagi_t tags[]) {
    int state = 0;
    tl_gets(tags, NUTAG_CALLSTATE_REF(state), TAG_END());
    if (!dialog || !dialog->call) return;
    if (state == nua_callstate_ready && !dialog->talking) {
        dialog->talking = true;
        say("talking");
    } else if (state == nua_callstate_terminated) {
        say("ended");
        forget(phone, dialog);
    }
}

// Calls whom the other side of a call sends us to.
static void follow(Phone *phone, const sip_refer_to_t *to) {
    char line[LINE];
    snprintf(line, sizeof line, "call\t" URL_PRINT_FORMAT, URL_PRINT_ARGS(to->r_url));
    obey(phone, line);
}

static void on_event(nua_event_t event, int status, char const *phrase, nua_t *nua, Phone *phone,
                     nua_handle_t *handle, Dialog *dialog, sip_t const *sip, tagi_t tags[]) {
    (void)phrase, (void)nua;
    switch (event) {
    case nua_r_shutdown:
        if (status >= 200) su_root_break(phone->root);
        break;
    case nua_i_invite:
        if (!dialog) called(phone, handle);
        break;
    case nua_i_state: changed(phone, dialog, tags); break;
    case nua_i_message:
    case nua_i_options:
    case nua_i_notify:
        if (!dialog) nua_handle_destroy(handle);
        break;
    case nua_i_refer:
        if (dialog && sip && sip->sip_refer_to) follow(phone, sip->sip_refer_to);
        break;
    default:
        if (event >= nua_r_set_params && dialog && status >= 100) responded(phone, dialog, status, sip);
    }
}

int main(int argc, char **argv) {
    if (argc != 8) {
        fprintf(stderr, "usage: phone BIND PROXY DOMAIN MEDIA-PORT AGENT TIMER 100REL\n");
        return 2;
    }
    Phone phone = {.proxy = argv[2], .domain = argv[3]};
    char media[NAME], *host = phone.host;
    sscanf(argv[1], "sip:[%127[^]]", host);
    if (!host[0]) sscanf(argv[1], "sip:%127[^:;]", host);
    snprintf(media, sizeof media, "m=audio %s RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
             argv[4]);
    bool reliable = argv[7][0] == '1';
    su_init();
    phone.root = su_root_create(&phone);
    phone.nua =
        nua_create(phone.root, on_event, &phone, NUTAG_URL(argv[1]), SOATAG_USER_SDP_STR(media),
                   SOATAG_ADDRESS(host), TAG_IF(argv[5][0], SIPTAG_USER_AGENT_STR(argv[5])),
                   NUTAG_SESSION_TIMER((unsigned)strtoul(argv[6], NULL, 10)), NUTAG_EARLY_MEDIA(reliable),
                   SIPTAG_SUPPORTED_STR(reliable ? "timer, 100rel" : "timer"),
                   TAG_IF(argv[2][0], NUTAG_PROXY(argv[2])), NUTAG_ENABLEMESSAGE(1), NUTAG_AUTOALERT(0),
                   NUTAG_OUTBOUND("no-validate no-options-keepalive"), TAG_END());
    if (!phone.nua) {
        fprintf(stderr, "phone: cannot listen on %s\n", argv[1]);
        return 1;
    }
    nua_set_params(phone.nua, NUTAG_ALLOW("REFER"), TAG_END());
    su_wait_t wait[1];
    su_wait_create(wait, STDIN_FILENO, SU_WAIT_IN);
    su_root_register(phone.root, wait, read_commands, &phone, 0);
    su_root_run(phone.root);
    return 0; // the stack's thread ends with the process
}
