"""Writes kamailio.cfg for a session: registrar and proxy with digest authentication, without a database.
Relies on: the settings that plan.py draws (`server` of a plan).
Relied on by: run.py.
"""

MODULES = [
    "tm",
    "tmx",
    "sl",
    "rr",
    "pv",
    "maxfwd",
    "usrloc",
    "registrar",
    "textops",
    "siputils",
    "xlog",
    "auth",
    "nathelper",
]

HEAD = """#!KAMAILIO
# Written by tools/lab/kamailio_config.py for one session.
debug=-1
log_stderror=yes
fork=yes
children=2
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
dns_retr_no=1
dns_retr_time=1
use_dns_cache=off
mhomed=0
mpath="{mpath}"
server_signature={signature}
{server_header}
{listen}
{alias}
{load}
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_contacts", {max_contacts})
modparam("registrar", "default_expires", 60)
modparam("registrar", "min_expires", 5)
modparam("registrar", "max_expires", 600)
modparam("tm", "fr_timer", {fr_timer})
modparam("tm", "fr_inv_timer", {fr_inv_timer})
modparam("tm", "auto_inv_100", {auto_100})
modparam("nathelper|registrar", "received_avp", "$avp(RECEIVED)")
modparam("rr", "append_fromtag", 1)
modparam("auth", "nonce_expire", {nonce_expire})
modparam("auth", "qop", "auth")
modparam("auth", "secret", "{salt}")
"""

ROUTES = """
request_route {{
    {force_rport}
    if (nat_uac_test("18")) {{
        force_rport();
        if (is_method("REGISTER")) fix_nated_register();
        else if (is_method("INVITE|SUBSCRIBE|UPDATE|REFER|OPTIONS")) set_contact_alias();
    }}
    if (!mf_process_maxfwd_header("10")) {{
        {reply_483}
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        route(IN_DIALOG);
        exit;
    }}
    if (is_method("ACK")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    t_check_trans();
    if (is_method("REGISTER")) {{
        route(REGISTER);
        exit;
    }}
    if (is_method("OPTIONS") && ($rU == $null || uri != myself)) {{
        {reply_options}
        exit;
    }}
    route(AUTHENTICATE);
    if (is_method("PUBLISH") || (is_method("SUBSCRIBE") && $hdr(Event) =~ "^(message-summary|dialog)")) {{
        {reply_489}
        exit;
    }}
    {record_route}
    if ($rU =~ "^([+]|00|011|900|0011)[0-9]{{8,}}$") {{
        $du = "sip:{gateway}";
        route(RELAY);
        exit;
    }}
    if (uri != myself) {{
        {reply_relay}
        exit;
    }}
    if (!($rU =~ "^({users})$")) {{
        {reply_unknown}
        exit;
    }}
    if (!lookup("location")) {{
        {reply_offline}
        exit;
    }}
    route(RELAY);
}}

route[PASSWORD] {{
    $var(password) = $(var(seed){{s.md5}}{{s.substr,0,10}});
    if ($au =~ "^({weak})$") $var(password) = $(au{{s.substr,-3,0}}) + "1";
}}

route[AUTHENTICATE] {{
    if ({trusted}) return;
    if (!{challenge}) return;
    if (from_uri != myself && uri == myself && {open_inbound}) return;
    $var(seed) = $au + "{salt}";
    route(PASSWORD);
    if (!pv_proxy_authenticate("{realm}", "$var(password)", "0")) {{
        proxy_challenge("{realm}", "{qop}");
        exit;
    }}
    consume_credentials();
}}

route[REGISTER] {{
    if (!($tU =~ "^({users})$") && {unknown_register_refused}) {{
        {reply_unknown_register}
        exit;
    }}
    $var(seed) = $au + "{salt}";
    route(PASSWORD);
    if (!pv_www_authenticate("{realm}", "$var(password)", "0")) {{
        {wrong_password}
        www_challenge("{realm}", "{qop}");
        exit;
    }}
    if (!($au == $tU) || !($tU =~ "^({users})$")) {{
        sl_send_reply("403", "Forbidden");
        exit;
    }}
    if (!save("location")) sl_reply_error();
    exit;
}}

route[IN_DIALOG] {{
    if (loose_route()) {{
        handle_ruri_alias();
        if (is_method("ACK")) {{
            t_relay();
            exit;
        }}
        route(RELAY);
        exit;
    }}
    if (is_method("ACK")) {{
        if (t_check_trans()) {{
            t_relay();
            exit;
        }}
        if (uri != myself) {{
            handle_ruri_alias();
            t_relay();
        }}
        exit;
    }}
    if (uri == myself) {{
        {reply_481}
        exit;
    }}
    handle_ruri_alias();
    route(RELAY);
}}

route[RELAY] {{
    if (is_method("INVITE")) t_on_failure("FAILED");
    if (!t_relay()) sl_reply_error();
    exit;
}}

onreply_route {{
    if (nat_uac_test("2") || $(ct{{nameaddr.uri}}{{uri.host}}) != $si) {{
        if (is_method("INVITE|SUBSCRIBE|UPDATE") && status =~ "(18|2)[0-9]") set_contact_alias();
    }}
}}

failure_route[FAILED] {{
    if (t_is_canceled()) exit;
    if (t_check_status("408") && {offline_after_timeout}) t_reply("480", "Temporarily Unavailable");
}}
"""


def _regex(users):
    return "|".join("".join("[%s]" % c if c in ".+*" else c for c in u) for u in users) or "[^a-z]nobody"


def _reply(server, code, reason):
    if server["replies"] == "tm":
        return 't_newtran(); t_reply("%d", "%s");' % (code, reason)
    return 'sl_send_reply("%d", "%s");' % (code, reason)


REASONS = {
    404: "Not Found",
    403: "Forbidden",
    480: "Temporarily Unavailable",
    604: "Does Not Exist Anywhere",
    410: "Gone",
    503: "Service Unavailable",
}


def write(server, users, weak, salt):
    """The text of kamailio.cfg. `server` is documented in docs/lab.md."""
    ip, ports = server["ip"], server["ports"]
    listen = "\n".join("listen=udp:%s:%d" % ("[%s]" % ip if ":" in ip else ip, p) for p in ports)
    alias = "\n".join('alias="%s"' % a for a in sorted({server["domain"], "[%s]" % ip if ":" in ip else ip}))
    head = HEAD.format(
        mpath=server.get("mpath", "/usr/lib/x86_64-linux-gnu/kamailio/modules/"),
        signature="yes" if server["server_header"] else "no",
        server_header='server_header="Server: %s"\nuser_agent_header="User-Agent: %s"'
        % ((server["server_header"],) * 2)
        if server["server_header"]
        else "",
        listen=listen,
        alias=alias,
        load="\n".join('loadmodule "%s.so"' % m for m in MODULES),
        max_contacts=server["max_contacts"],
        fr_timer=server["fr_timer"],
        fr_inv_timer=server["fr_inv_timer"],
        auto_100=int(server["auto_100"]),
        nonce_expire=server["nonce_expire"],
        salt=salt,
    )
    trusted = " || ".join('$si == "%s"' % t for t in server["trusted"]) or '$si == "0.0.0.0"'

    def yes(flag):
        return "($rm == $rm)" if flag else "($rm != $rm)"

    wrong = (
        'if ($retcode == -2) { sl_send_reply("403", "Forbidden"); exit; }'
        if server["wrong_password"] == 403
        else ""
    )
    return head + ROUTES.format(
        force_rport="force_rport();" if server["force_rport"] else "",
        realm=server["realm"],
        qop="1" if server["qop"] else "0",
        salt=salt,
        users=_regex(users),
        weak=_regex(weak),
        trusted=trusted,
        challenge=yes(server["challenge_invite"]),
        open_inbound=yes(server["open_inbound"]),
        gateway=server["gateway"],
        record_route="record_route();" if server["record_route"] else "",
        wrong_password=wrong,
        unknown_register_refused=yes(server["unknown_register"] != 401),
        offline_after_timeout=yes(server["offline_after_timeout"]),
        reply_483=_reply(server, 483, "Too Many Hops"),
        reply_options='sl_send_reply("200", "OK");',
        reply_489=_reply(server, 489, "Bad Event"),
        reply_relay=_reply(server, 403, "Relay Denied"),
        reply_unknown=_reply(server, server["unknown"], REASONS[server["unknown"]]),
        reply_unknown_register=_reply(
            server, server["unknown_register"], REASONS.get(server["unknown_register"], "Forbidden")
        ),
        reply_offline=_reply(server, server["offline"], REASONS[server["offline"]]),
        reply_481=_reply(server, 481, "Call/Transaction Does Not Exist"),
    )
