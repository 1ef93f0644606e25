"""Writes kamailio.cfg of a registrar and proxy with digest authentication, alone or behind a front, without a database.
Relies on: the settings that plan.py draws (`server` of a plan).
Relied on by: servers.py, kamailio_front.py.
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
WEBSOCKET_MODULES = ["xhttp", "websocket"]
PRESENCE_MODULES = ["presence", "presence_xml"]

HEAD = """#!KAMAILIO
# Written by tools/lab/kamailio_config.py for one session.
debug=-1
log_stderror=yes
fork=yes
children=2
{transports}
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
{options}
"""

WEBSOCKET = """
event_route[xhttp:request] {
    if ($hdr(Upgrade) =~ "websocket" && $rm =~ "GET") {
        if (ws_handle_handshake()) exit;
    }
    xhttp_reply("404", "Not Found", "", "");
}
"""

PRESENCE = """
event_route[tm:local-request] {{
    if (is_method("NOTIFY")) handle_ruri_alias();
}}

route[PRESENCE] {{
    if (is_method("PUBLISH")) {{
        if ($hdr(Event) == "presence") handle_publish();
        else {{
            {reply_489}
        }}
        exit;
    }}
    if (is_method("SUBSCRIBE") && ({presence})) {{
        if ($hdr(Event) == "presence") handle_subscribe();
        else {{
            {reply_489}
        }}
        exit;
    }}
}}
"""

ROUTES = """
request_route {{
    {force_rport}
    if ({outside} && nat_uac_test("{nat_tests}")) {{
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
    if ({presence} && uri == myself) route(PRESENCE);
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
    {ping}
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
        if ({presence}) route(PRESENCE);
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
    if (!({outside})) exit;
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


def yes(flag):
    """A condition that always or never holds."""
    return "($rm == $rm)" if flag else "($rm != $rm)"


def listen(server, ip, ports):
    """The listen lines: UDP, and TCP and WebSocket where the server has them."""
    host = "[%s]" % ip if ":" in ip else ip
    lines = ["listen=udp:%s:%d" % (host, p) for p in ports]
    if server["tcp"]:
        lines += ["listen=tcp:%s:%d" % (host, p) for p in ports]
    if server["ws_port"]:
        lines.append("listen=tcp:%s:%d" % (host, server["ws_port"]))
    return "\n".join(lines)


def transports(server):
    if not server["tcp"] and not server["ws_port"]:
        return "disable_tcp=yes"
    lines = ["tcp_children=2", "tcp_accept_no_cl=yes", "tcp_connection_lifetime=600"]
    return "\n".join(lines + ["tcp_connect_timeout=2", "tcp_send_timeout=2"])


def head(server, modules, ip, ports, salt, options=""):
    """Everything before the routes."""
    domain, own = server["domain"], server["ip"]
    aliases = sorted({domain, "[%s]" % own if ":" in own else own})
    return HEAD.format(
        mpath=server.get("mpath", "/usr/lib/x86_64-linux-gnu/kamailio/modules/"),
        signature="yes" if server["server_header"] else "no",
        server_header='server_header="Server: %s"\nuser_agent_header="User-Agent: %s"'
        % ((server["server_header"],) * 2)
        if server["server_header"]
        else "",
        transports=transports(server),
        listen=listen(server, ip, ports),
        alias="\n".join('alias="%s"' % a for a in aliases),
        load="\n".join('loadmodule "%s.so"' % m for m in modules),
        max_contacts=server["max_contacts"],
        fr_timer=server["fr_timer"],
        fr_inv_timer=server["fr_inv_timer"],
        auto_100=int(server["auto_100"]),
        nonce_expire=server["nonce_expire"],
        salt=salt,
        options=options,
    )


def nat_tests(server):
    """nat_uac_test's flags: address or port differ from Via's; a WebSocket never has an address of its own."""
    return "82" if server["ws_port"] else "18"


def _presence(server, address, on):
    if not on:
        return "route[PRESENCE] { return; }\n", ""
    host = "[%s]" % address[0] if ":" in address[0] else address[0]
    options = [
        'modparam("presence", "subs_db_mode", 0)',
        'modparam("presence", "publ_cache", 2)',
        'modparam("presence", "server_address", "sip:%s:%d")' % (host, address[1]),
        'modparam("presence_xml", "force_active", 1)',
    ]
    text = PRESENCE.format(reply_489=_reply(server, 489, "Bad Event"), presence=yes(True))
    return text, "\n".join(options)


def _pings(server):
    """nathelper's own OPTIONS to every phone that registered from behind a NAT."""
    if not server["natping"]:
        return ""
    return "\n".join(
        [
            'modparam("usrloc", "nat_bflag", 6)',
            'modparam("nathelper", "natping_interval", %d)' % server["natping"],
            'modparam("nathelper", "sipping_bflag", 7)',
            'modparam("nathelper", "sipping_method", "OPTIONS")',
            'modparam("nathelper", "sipping_from", "sip:pinger@%s")' % server["domain"],
        ]
    )


def write(server, users, weak, salt, behind=None):
    """The text of kamailio.cfg. `server` is documented in docs/lab.md. `behind`: index of the registrar behind a
    front that has taken the phones' NAT upon itself (kamailio_front.py)."""
    alone = behind is None
    ip, ports = server["ip"], server["ports"]
    if not alone:
        ip, port = server["cores"][behind]
        server, ports = dict(server, tcp=False, ws_port=0), [port]
    presence, options = _presence(server, (ip, ports[0]), server["presence"])
    options += "\n" + _pings(server)
    if not alone:
        options += '\nmodparam("registrar", "use_path", 1)\nmodparam("registrar", "path_mode", 0)'
    routes = _routes(server, users, weak, salt, alone)
    text = head(server, _modules(server), ip, ports, salt, options) + routes + presence
    return text + (WEBSOCKET if server["ws_port"] else "")


def _modules(server):
    extra = {"natping": ["kex"], "ws_port": WEBSOCKET_MODULES, "presence": PRESENCE_MODULES}
    return MODULES + [name for setting, names in extra.items() if server[setting] for name in names]


def _routes(server, users, weak, salt, alone):
    if alone:
        trusted = " || ".join('$si == "%s"' % t for t in server["trusted"]) or '$si == "0.0.0.0"'
    else:
        trusted = '$si == "%s" && $hdr(X-Trunk) == "yes"' % server["ip"]
    wrong = (
        'if ($retcode == -2) { sl_send_reply("403", "Forbidden"); exit; }'
        if server["wrong_password"] == 403
        else ""
    )
    return ROUTES.format(
        force_rport="force_rport();" if server["force_rport"] else "",
        outside=yes(True) if alone else '$si != "%s"' % server["ip"],
        nat_tests=nat_tests(server),
        ping="setbflag(6); setbflag(7);" if server["natping"] else "",
        presence=yes(server["presence"]),
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
