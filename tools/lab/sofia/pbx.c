// A B2BUA on the Sofia-SIP stack as a session's server: registrar, digest, every call answered and made anew.
// Relies on: libsofia-sip-ua (nua, auth_module, tport's log of what is sent).
// Relied on by: stacks.py (builds it), servers.py (writes its settings).
//
// Argument: a file of lines "NAME VALUE" (servers.py, sofia_settings). Transactions, dialogs, digests,
// session timers and reliable answers are Sofia's own; this says who is who and where. Into the file `legs`
// goes, for every request that it makes because of another, a JSON line: Call-ID and branch of that one,
// Call-ID and branch of its own.
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Pbx Pbx;
typedef struct Leg Leg;
#define NUA_MAGIC_T     Pbx
#define NUA_HMAGIC_T    Leg
#define SU_ROOT_MAGIC_T Pbx
#define SU_TIMER_ARG_T  Pbx
#include <sofia-sip/auth_module.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nua.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_alloc.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_tag_io.h>

enum { TEXT = 256, USERS = 512, TRUSTED = 16, EXPECTED = 64, ABROAD_DIGITS = 8, RING_SECONDS = 20 };

typedef enum { LEG_CALL, LEG_TEXT, LEG_PING } LegKind;

// One side of a call; or a text on its way, or the question whether a phone is there.
struct Leg {
    LegKind kind;
    nua_handle_t *handle;
    Leg *peer;
    bool first; // the caller's
    bool talking;
    bool asked;                       // a re-INVITE of its own phone's waits for the other side
    nua_saved_event_t text[1];        // the MESSAGE that waits for its answer
    char call_id[TEXT], branch[TEXT]; // of the request that came in last: what its peer's next follows from
};

typedef struct {
    char name[TEXT], contact[TEXT], route[TEXT];
    time_t until;
    int box; // new messages in its mailbox; -1: none
} User;

typedef struct {
    char call_id[TEXT], method[32], cause_id[TEXT], cause_branch[TEXT];
} Expected;

struct Pbx {
    su_root_t *root;
    nua_t *nua;
    su_home_t home[1];
    auth_mod_t *passwords;
    char listen[TEXT], domain[TEXT], realm[TEXT], gateway[TEXT], agent[TEXT], database[TEXT],
        trusted[TRUSTED][TEXT];
    int trusts, unknown, offline, challenge, qualify, longest, timer, reliable, own_domain_only, lamps,
        unknown_register, qop, nonce_expire, wrong_password;
    User user[USERS];
    int users;
    FILE *legs;
    pthread_mutex_t lock; // guards `expected` and `sending`: the stack's thread reads what this one awaits
    Expected expected[EXPECTED];
    unsigned next;
    struct {
        char method[32], call_id[TEXT], branch[TEXT];
    } sending;
};

static Pbx pbx = {.lock = PTHREAD_MUTEX_INITIALIZER};

// -- what follows from what ------------------------------------------------------------------------------

static void copy(char *out, const char *text) {
    snprintf(out, TEXT, "%s", text ? text : "");
}

// The next request with this method and Call-ID follows from that one.
static void expect(const char *method, const char *call_id, const Leg *cause) {
    pthread_mutex_lock(&pbx.lock);
    Expected *e = &pbx.expected[pbx.next++ % EXPECTED];
    snprintf(e->method, sizeof e->method, "%s", method);
    copy(e->call_id, call_id);
    copy(e->cause_id, cause->call_id);
    copy(e->cause_branch, cause->branch);
    pthread_mutex_unlock(&pbx.lock);
}

// A text from the wire as JSON has it: it may hold anything.
static void put_string(const char *text, const char *end) {
    putc('"', pbx.legs);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        fprintf(pbx.legs, *c < ' ' || *c > '~' || strchr("\"\\", *c) ? "\\u%04x" : "%c", *c);
    fprintf(pbx.legs, "\"%s", end);
}

static void note_sent(void) {
    for (int i = 0; i < EXPECTED; i++) {
        Expected *e = &pbx.expected[i];
        if (!e->method[0] || strcmp(e->method, pbx.sending.method) || strcmp(e->call_id, pbx.sending.call_id))
            continue;
        putc('[', pbx.legs);
        put_string(e->cause_id, ", ");
        put_string(e->cause_branch, ", ");
        put_string(e->call_id, ", ");
        put_string(pbx.sending.branch, "]\n");
        fflush(pbx.legs);
        e->method[0] = '\0';
        return;
    }
}

// A line of the transport's log: a request's start line, its Via, its Call-ID.
static void on_line(const char *line) {
    if (!strncmp(line, "recv ", 5) || !strncmp(line, "SIP/2.0 ", 8)) {
        memset(&pbx.sending, 0, sizeof pbx.sending);
    } else if (strstr(line, " SIP/2.0") && !strstr(line, ": ")) {
        memset(&pbx.sending, 0, sizeof pbx.sending);
        sscanf(line, "%31s", pbx.sending.method);
    } else if (!strncmp(line, "Via:", 4) && !pbx.sending.branch[0] && strstr(line, "branch=")) {
        sscanf(strstr(line, "branch=") + 7, "%255[^;, \r\n]", pbx.sending.branch);
    } else if (!strncmp(line, "Call-ID:", 8) && pbx.sending.method[0]) {
        sscanf(line + 8, " %255[^\r\n]", pbx.sending.call_id);
        note_sent();
    }
}

// The log comes in pieces of lines.
static void on_log(void *stream, char const *format, va_list ap) {
    static char line[4 * TEXT];
    static size_t used;
    char text[16 * TEXT];
    (void)stream;
    vsnprintf(text, sizeof text, format, ap);
    pthread_mutex_lock(&pbx.lock);
    for (const char *c = text; *c; c++) {
        if (*c == '\n') {
            line[used] = '\0';
            on_line(line + strspn(line, " "));
            used = 0;
        } else if (used + 1 < sizeof line) {
            line[used++] = *c;
        }
    }
    pthread_mutex_unlock(&pbx.lock);
}

// -- accounts --------------------------------------------------------------------------------------------

static User *find_user(const char *name) {
    for (int i = 0; name && i < pbx.users; i++)
        if (!strcmp(pbx.user[i].name, name)) return &pbx.user[i];
    return NULL;
}

static bool is_abroad(const char *number) {
    static const char *const prefixes[] = {"+", "00", "011", "900", "0011"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        const char *rest = number + strlen(prefixes[i]);
        if (!strncmp(number, prefixes[i], strlen(prefixes[i])) && strlen(rest) >= ABROAD_DIGITS &&
            strspn(rest, "0123456789") == strlen(rest))
            return true;
    }
    return false;
}

// Where who is called is: the status with which the call is refused, or 0.
static int find_way(const char *number, char *contact, char *route) {
    User *user = find_user(number);
    if (is_abroad(number)) {
        snprintf(contact, TEXT, "sip:%.100s@%.100s", number, pbx.gateway);
        snprintf(route, TEXT, "sip:%.100s", pbx.gateway);
        return 0;
    }
    if (!user) return pbx.unknown;
    if (user->until <= time(NULL)) return pbx.offline;
    copy(contact, user->contact);
    copy(route, user->route);
    return 0;
}

// The address that the request in hand came from, as a host and as a URI's host and port.
static void source(char *host, char *route) {
    msg_t *msg = nua_current_request(pbx.nua);
    su_sockaddr_t *from = msg_addr(msg);
    const sip_t *sip = sip_object(msg);
    bool tcp = sip && sip->sip_via && strstr(sip->sip_via->v_protocol, "TCP");
    su_inet_ntop(from->su_family, SU_ADDR(from), host, TEXT);
    bool v6 = strchr(host, ':');
    snprintf(route, TEXT, "sip:%s%s%s:%u%s", v6 ? "[" : "", host, v6 ? "]" : "", ntohs(from->su_port),
             tcp ? ";transport=tcp" : "");
}

// Whether the request proves to be its From's account; if not, it is answered.
static bool proves(nua_handle_t *handle, const sip_t *sip, int status) {
    auth_challenger_t ask =
        status == 401 ? (auth_challenger_t){SIP_401_UNAUTHORIZED, sip_www_authenticate_class,
                                            sip_authentication_info_class}
                      : (auth_challenger_t){SIP_407_PROXY_AUTH_REQUIRED, sip_proxy_authenticate_class,
                                            sip_proxy_authentication_info_class};
    su_home_t home[1] = {SU_HOME_INIT(home)};
    auth_status_t *as = auth_status_new(home);
    as->as_method = sip->sip_request->rq_method_name;
    as->as_realm = pbx.realm;
    as->as_user_uri = sip->sip_from->a_url;
    if (sip->sip_payload) {
        as->as_body = sip->sip_payload->pl_data;
        as->as_bodylen = (isize_t)sip->sip_payload->pl_len;
    }
    auth_mod_verify(pbx.passwords, as, status == 401 ? sip->sip_authorization : sip->sip_proxy_authorization,
                    &ask);
    bool right = !as->as_status && as->as_user && !strcmp(as->as_user, sip->sip_from->a_url->url_user);
    if (!right)
        nua_respond(handle, as->as_status ? as->as_status : 403, as->as_status ? as->as_phrase : "Forbidden",
                    NUTAG_WITH_THIS(pbx.nua), SIPTAG_HEADER((sip_header_t *)as->as_response), TAG_END());
    su_home_deinit(home);
    return right;
}

// Whether a call or a text may pass; if not, it is answered.
static bool admits(nua_handle_t *handle, const sip_t *sip) {
    char host[TEXT], route[TEXT];
    source(host, route);
    for (int i = 0; i < pbx.trusts; i++)
        if (!strcmp(host, pbx.trusted[i])) return true;
    if (!pbx.challenge) return true;
    if (!pbx.own_domain_only && strcmp(sip->sip_from->a_url->url_host, pbx.domain)) return true;
    if (!sip->sip_from->a_url->url_user) {
        nua_respond(handle, SIP_403_FORBIDDEN, NUTAG_WITH_THIS(pbx.nua), TAG_END());
        return false;
    }
    return proves(handle, sip, pbx.challenge);
}

// The lamp of a phone with a mailbox, unasked.
static void light(const User *user) {
    char body[TEXT], to[TEXT];
    if (!pbx.lamps || user->box < 0) return;
    snprintf(body, sizeof body, "Messages-Waiting: %s\r\nVoice-Message: %d/0 (0/0)\r\n",
             user->box ? "yes" : "no", user->box);
    snprintf(to, sizeof to, "<sip:%.100s@%.100s>", user->name, pbx.domain);
    nua_handle_t *handle = nua_handle(pbx.nua, NULL, NUTAG_URL(user->contact), SIPTAG_TO_STR(to),
                                      SIPTAG_FROM_STR(to), TAG_END());
    nua_set_hparams(handle, NUTAG_PROXY(user->route), TAG_END());
    nua_notify(handle, NUTAG_NEWSUB(1), SIPTAG_EVENT_STR("message-summary"),
               SIPTAG_SUBSCRIPTION_STATE_STR("terminated;reason=noresource"),
               SIPTAG_CONTENT_TYPE_STR("application/simple-message-summary"), SIPTAG_PAYLOAD_STR(body),
               TAG_END());
}

static void registered(nua_handle_t *handle, const sip_t *sip) {
    User *user = find_user(sip->sip_to->a_url->url_user);
    if (!user && pbx.unknown_register != 401) {
        nua_respond(handle, pbx.unknown_register, sip_status_phrase(pbx.unknown_register),
                    NUTAG_WITH_THIS(pbx.nua), TAG_END());
        return;
    }
    if (!sip->sip_from->a_url->url_user || !proves(handle, sip, 401) || !user) return;
    long seconds = sip->sip_expires ? (long)sip->sip_expires->ex_delta : 3600;
    const sip_contact_t *m = sip->sip_contact;
    char host[TEXT], answer[2 * TEXT];
    if (m && m->m_expires) seconds = strtol(m->m_expires, NULL, 10);
    if (seconds > pbx.longest) seconds = pbx.longest;
    bool fresh = user->until <= time(NULL);
    if (m && m->m_url->url_type == url_any) {
        user->until = 0;
    } else if (m) {
        snprintf(user->contact, sizeof user->contact, URL_PRINT_FORMAT, URL_PRINT_ARGS(m->m_url));
        user->until = seconds ? time(NULL) + seconds : 0;
        source(host, user->route);
    }
    snprintf(answer, sizeof answer, "<%s>;expires=%ld", user->contact, seconds);
    bool bound = user->until > time(NULL);
    nua_respond(handle, SIP_200_OK, NUTAG_WITH_THIS(pbx.nua), TAG_IF(bound, SIPTAG_CONTACT_STR(answer)),
                TAG_END());
    if (bound && fresh) light(user);
}

// -- calls and texts -------------------------------------------------------------------------------------

static Leg *new_leg(LegKind kind, nua_handle_t *handle) {
    Leg *leg = calloc(1, sizeof *leg);
    if (!leg) abort();
    leg->kind = kind;
    leg->handle = handle;
    if (handle) nua_handle_bind(handle, leg);
    return leg;
}

static void remember(Leg *leg, const sip_t *sip) {
    copy(leg->call_id, sip->sip_call_id ? sip->sip_call_id->i_id : NULL);
    copy(leg->branch, sip->sip_via ? sip->sip_via->v_branch : NULL);
}

static void drop(Leg *leg) {
    if (leg->peer) leg->peer->peer = NULL;
    nua_handle_destroy(leg->handle);
    free(leg);
}

static Leg *other_side(Leg *leg, const char *method) {
    if (leg->peer) expect(method, leg->peer->call_id, leg);
    return leg->peer;
}

// The handle of a leg of the PBX's own towards who is called.
static Leg *make_leg(Leg *from, const sip_t *sip, const char *contact, const char *route) {
    Leg *leg = new_leg(from->kind, NULL);
    sip_call_id_t *id = sip_call_id_create(pbx.home, NULL);
    char caller[2 * TEXT], callee[2 * TEXT];
    const char *user = sip->sip_from->a_url->url_user, *name = sip->sip_from->a_display;
    snprintf(caller, sizeof caller, "%s <sip:%.200s@%.200s>", name ? name : "", user ? user : "anonymous",
             pbx.domain);
    snprintf(callee, sizeof callee, "<%s>", contact);
    copy(leg->call_id, id->i_id);
    leg->handle = nua_handle(pbx.nua, leg, NUTAG_URL(contact), SIPTAG_FROM_STR(caller), SIPTAG_TO_STR(callee),
                             SIPTAG_CALL_ID(id), TAG_END());
    nua_set_hparams(leg->handle, NUTAG_PROXY(route), TAG_END());
    leg->peer = from;
    from->peer = leg;
    expect(sip->sip_request->rq_method_name, leg->call_id, from);
    su_free(pbx.home, id);
    return leg;
}

// A call or a text from outside of all dialogs: refused, or made anew.
static void opened(nua_handle_t *handle, const sip_t *sip, LegKind kind) {
    char contact[TEXT], route[TEXT];
    const char *number = sip->sip_request->rq_url->url_user;
    if (!admits(handle, sip)) {
        nua_handle_destroy(handle);
        return;
    }
    int refusal = number ? find_way(number, contact, route) : 404;
    if (refusal) {
        nua_respond(handle, refusal, sip_status_phrase(refusal), NUTAG_WITH_THIS(pbx.nua), TAG_END());
        nua_handle_destroy(handle);
        return;
    }
    Leg *leg = new_leg(kind, handle);
    remember(leg, sip);
    leg->first = true;
    Leg *to = make_leg(leg, sip, contact, route);
    if (kind == LEG_CALL) {
        nua_invite(to->handle, SIPTAG_CONTENT_TYPE(sip->sip_content_type), SIPTAG_PAYLOAD(sip->sip_payload),
                   TAG_END());
    } else {
        nua_save_event(pbx.nua, leg->text);
        nua_message(to->handle, SIPTAG_CONTENT_TYPE(sip->sip_content_type), SIPTAG_PAYLOAD(sip->sip_payload),
                    TAG_END());
    }
}

static void invited(nua_handle_t *handle, Leg *leg, const sip_t *sip) {
    if (!leg) {
        opened(handle, sip, LEG_CALL);
        return;
    }
    remember(leg, sip);
    Leg *peer = leg->talking ? other_side(leg, "INVITE") : NULL;
    if (!peer || peer->asked) {
        nua_respond(handle, SIP_491_REQUEST_PENDING, TAG_END());
        return;
    }
    leg->asked = true;
    nua_invite(peer->handle, SIPTAG_CONTENT_TYPE(sip->sip_content_type), SIPTAG_PAYLOAD(sip->sip_payload),
               TAG_END());
}

static void pass_answer(Leg *to, int status, const sip_t *sip) {
    nua_respond(to->handle, status, sip_status_phrase(status),
                TAG_IF(sip, SIPTAG_CONTENT_TYPE(sip ? sip->sip_content_type : NULL)),
                TAG_IF(sip, SIPTAG_PAYLOAD(sip ? sip->sip_payload : NULL)), TAG_END());
}

static void call_answered(Leg *leg, int status, const sip_t *sip) {
    Leg *peer = leg->peer;
    if (!peer || status <= 100) return;
    if (leg->talking) { // what the other side asked within the call
        if (status >= 200 && peer->asked) {
            peer->asked = false;
            pass_answer(peer, status, sip);
        }
        return;
    }
    pass_answer(peer, status == 401 || status == 407 ? 480 : status, sip);
    if (status >= 300) {
        leg->peer = peer->peer = NULL;
    } else if (status >= 200) {
        leg->talking = peer->talking = true;
    }
}

static void text_answered(Leg *leg, int status) {
    if (status < 200) return;
    if (leg->peer) {
        nua_respond(leg->peer->handle, status, sip_status_phrase(status), NUTAG_WITH_SAVED(leg->peer->text),
                    TAG_END());
        drop(leg->peer);
    }
    drop(leg);
}

// A side has gone; so goes the other.
static void ended(Leg *leg) {
    Leg *peer = leg->kind == LEG_CALL ? other_side(leg, leg->talking ? "BYE" : "CANCEL") : NULL;
    if (peer && peer->talking)
        nua_bye(peer->handle, TAG_END());
    else if (peer && peer->first)
        nua_respond(peer->handle, SIP_480_TEMPORARILY_UNAVAILABLE, TAG_END());
    else if (peer)
        nua_cancel(peer->handle, TAG_END());
    if (peer) peer->peer = leg->peer = NULL;
}

static void referred(Leg *leg, const sip_t *sip) {
    remember(leg, sip);
    Leg *peer = other_side(leg, "REFER");
    if (peer) nua_refer(peer->handle, SIPTAG_REFER_TO(sip->sip_refer_to), TAG_END());
    nua_notify(leg->handle, SIPTAG_CONTENT_TYPE_STR("message/sipfrag"),
               SIPTAG_PAYLOAD_STR("SIP/2.0 200 OK\r\n"), NUTAG_SUBSTATE(nua_substate_terminated), TAG_END());
}

static void informed(Leg *leg, const sip_t *sip) {
    remember(leg, sip);
    Leg *peer = other_side(leg, "INFO");
    if (peer)
        nua_info(peer->handle, SIPTAG_CONTENT_TYPE(sip->sip_content_type), SIPTAG_PAYLOAD(sip->sip_payload),
                 TAG_END());
}

static void subscribed(nua_handle_t *handle, const sip_t *sip) {
    const char *event = sip->sip_event ? sip->sip_event->o_type : "";
    User *user = find_user(sip->sip_from->a_url->url_user);
    if (!admits(handle, sip)) {
        nua_handle_destroy(handle);
    } else if (pbx.lamps && user && !strcmp(event, "message-summary")) {
        nua_respond(handle, SIP_202_ACCEPTED, NUTAG_WITH_THIS(pbx.nua), SIPTAG_EXPIRES_STR("60"), TAG_END());
        light(user);
    } else {
        nua_respond(handle, SIP_489_BAD_EVENT, NUTAG_WITH_THIS(pbx.nua), TAG_END());
        nua_handle_destroy(handle);
    }
}

static void on_state(Leg *leg, tagi_t tags[]) {
    int state = 0;
    tl_gets(tags, NUTAG_CALLSTATE_REF(state), TAG_END());
    if (leg && state == nua_callstate_terminated) {
        ended(leg);
        drop(leg);
    }
}

static void on_event(nua_event_t event, int status, char const *phrase, nua_t *nua, Pbx *self,
                     nua_handle_t *handle, Leg *leg, sip_t const *sip, tagi_t tags[]) {
    (void)nua, (void)self, (void)phrase;
    bool request = sip && sip->sip_request && sip->sip_from && sip->sip_to;
    if (event == nua_i_invite && request) {
        invited(handle, leg, sip);
    } else if (event == nua_i_message && request && !leg) {
        opened(handle, sip, LEG_TEXT);
    } else if (event == nua_i_register && request) {
        registered(handle, sip);
        nua_handle_destroy(handle);
    } else if (event == nua_i_subscribe && request) {
        subscribed(handle, sip);
    } else if (event == nua_i_refer && request && leg) {
        referred(leg, sip);
    } else if (event == nua_i_info && request && leg) {
        informed(leg, sip);
    } else if ((event == nua_i_bye || event == nua_i_cancel) && request && leg) {
        remember(leg, sip);
        ended(leg);
    } else if (event == nua_i_state) {
        on_state(leg, tags);
    } else if (event == nua_r_invite && leg) {
        call_answered(leg, status, sip);
    } else if (event == nua_r_message && leg) {
        text_answered(leg, status);
    } else if (event == nua_r_options && leg && status >= 200) {
        drop(leg);
    } else if ((event == nua_r_notify || event == nua_i_options) && !leg &&
               (status >= 200 || event == nua_i_options)) {
        nua_handle_destroy(handle);
    }
}

// Asks every phone whether it is there.
static void qualify(Pbx *self, su_timer_t *timer, Pbx *arg) {
    (void)timer, (void)arg;
    char from[TEXT];
    snprintf(from, sizeof from, "<sip:%.200s>", self->domain);
    for (int i = 0; i < self->users; i++) {
        User *user = &self->user[i];
        if (user->until <= time(NULL)) continue;
        Leg *leg = new_leg(LEG_PING, NULL);
        leg->handle = nua_handle(self->nua, leg, NUTAG_URL(user->contact), SIPTAG_FROM_STR(from), TAG_END());
        nua_set_hparams(leg->handle, NUTAG_PROXY(user->route), TAG_END());
        nua_options(leg->handle, TAG_END());
    }
}

// -- settings --------------------------------------------------------------------------------------------

static void set(const char *name, const char *value) {
    struct {
        const char *name;
        int *number;
        char *text;
    } known[] = {
        {"listen", NULL, pbx.listen},
        {"domain", NULL, pbx.domain},
        {"realm", NULL, pbx.realm},
        {"gateway", NULL, pbx.gateway},
        {"agent", NULL, pbx.agent},
        {"database", NULL, pbx.database},
        {"unknown", &pbx.unknown, NULL},
        {"offline", &pbx.offline, NULL},
        {"challenge", &pbx.challenge, NULL},
        {"qualify", &pbx.qualify, NULL},
        {"longest", &pbx.longest, NULL},
        {"timer", &pbx.timer, NULL},
        {"reliable", &pbx.reliable, NULL},
        {"lamps", &pbx.lamps, NULL},
        {"unknown_register", &pbx.unknown_register, NULL},
        {"own_domain_only", &pbx.own_domain_only, NULL},
        {"qop", &pbx.qop, NULL},
        {"nonce_expire", &pbx.nonce_expire, NULL},
        {"wrong_password", &pbx.wrong_password, NULL},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!strcmp(known[i].name, name)) {
            if (known[i].number)
                *known[i].number = (int)strtol(value, NULL, 10);
            else
                copy(known[i].text, value);
        }
    }
    if (!strcmp(name, "trusted") && pbx.trusts < TRUSTED) copy(pbx.trusted[pbx.trusts++], value);
    if (!strcmp(name, "user") && pbx.users < USERS) {
        User *user = &pbx.user[pbx.users++];
        sscanf(value, "%255s %d", user->name, &user->box);
    }
    if (!strcmp(name, "legs")) pbx.legs = fopen(value, "a");
}

static bool read_settings(const char *path) {
    FILE *f = fopen(path, "r");
    char line[3 * TEXT];
    while (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *value = line;
        const char *name = strsep(&value, " ");
        set(name, value ? value : "");
    }
    if (f) fclose(f);
    return f && pbx.legs;
}

// Sofia's digest module and user agent, as the settings want them; false if one will not start.
static bool open_pbx(void) {
    pbx.root = su_root_create(&pbx);
    pbx.passwords = auth_mod_create(pbx.root, AUTHTAG_METHOD("Digest"), AUTHTAG_REALM(pbx.realm),
                                    AUTHTAG_DB(pbx.database), AUTHTAG_QOP(pbx.qop ? "auth" : NULL),
                                    AUTHTAG_EXPIRES((unsigned)pbx.nonce_expire),
                                    AUTHTAG_FORBIDDEN(pbx.wrong_password == 403), TAG_END());
    pbx.nua =
        nua_create(pbx.root, on_event, &pbx, NUTAG_URL(pbx.listen), NUTAG_MEDIA_ENABLE(0),
                   TAG_IF(pbx.agent[0], SIPTAG_USER_AGENT_STR(pbx.agent)),
                   NUTAG_SESSION_TIMER((unsigned)pbx.timer), NUTAG_EARLY_MEDIA(pbx.reliable),
                   SIPTAG_SUPPORTED_STR(pbx.reliable ? "timer, 100rel" : "timer"), NUTAG_AUTOALERT(0),
                   NUTAG_AUTOANSWER(0), NUTAG_ENABLEMESSAGE(1), NUTAG_INVITE_TIMER(RING_SECONDS), TAG_END());
    if (!pbx.nua || !pbx.passwords) return false;
    nua_set_params(pbx.nua, NUTAG_ALLOW("REGISTER"), NUTAG_ALLOW("INFO"), NUTAG_ALLOW("REFER"),
                   NUTAG_ALLOW("SUBSCRIBE"), NUTAG_APPL_METHOD("REGISTER"), NUTAG_APPL_METHOD("MESSAGE"),
                   NUTAG_APPL_METHOD("SUBSCRIBE"), TAG_END());
    if (pbx.qualify) {
        su_timer_t *timer = su_timer_create(su_root_task(pbx.root), 1000 * pbx.qualify);
        su_timer_set_for_ever(timer, qualify, &pbx);
    }
    return true;
}

int main(int argc, char **argv) {
    if (argc != 2 || !read_settings(argv[1])) {
        fprintf(stderr, "usage: pbx SETTINGS (a file with \"legs FILE\" among them)\n");
        return 2;
    }
    setenv("TPORT_LOG", "1", 1);
    su_init();
    su_home_init(pbx.home);
    su_log_redirect(NULL, on_log, NULL); // the transport tells there what it sends
    if (!open_pbx()) {
        fprintf(stderr, "pbx: cannot listen on %s\n", pbx.listen);
        return 1;
    }
    su_root_run(pbx.root);
    return 0;
}
