"""Writes kamailio.cfg of what stands in front of registrars: an edge that hides the topology, or a dispatcher.
Relies on: kamailio_config.py (head, pieces).
Relied on by: servers.py.

The front takes the phones' connections and NATs upon itself: it adds a Path to every REGISTER, so that calls to a
phone come back through it, and it says in X-Trunk which calls came from a trunk.
"""
import kamailio_config as core

MODULES = ["tm", "tmx", "sl", "rr", "pv", "maxfwd", "textops", "siputils", "xlog", "nathelper", "path"]
SKIPPED = ("usrloc", "registrar", "auth")  # modules of a registrar only

ROUTES = """
request_route {{
    {force_rport}
    if (!mf_process_maxfwd_header("10")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (!({inside}) && nat_uac_test("{nat_tests}")) {{
        force_rport();
        if (is_method("INVITE|SUBSCRIBE|UPDATE|REFER|OPTIONS")) set_contact_alias();
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
    if ({inside}) {{
        if (!is_method("REGISTER")) record_route();
        loose_route();
        handle_ruri_alias();
        t_relay();
        exit;
    }}
    if (is_method("OPTIONS") && ($rU == $null || uri != myself)) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    remove_hf("X-Trunk");
    if ({trusted}) append_hf("X-Trunk: yes\\r\\n");
    if (is_method("REGISTER")) {{
        if (!add_path_received()) {{
            sl_send_reply("503", "Internal Path Error");
            exit;
        }}
    }} else record_route();
    route(INWARD);
}}

route[INWARD] {{
    $var(key) = $rU;
    if (is_method("REGISTER") || $rU == $null) $var(key) = $tU;
    {choose}
    if (!t_relay()) sl_reply_error();
    exit;
}}

route[IN_DIALOG] {{
    if (loose_route()) {{
        handle_ruri_alias();
        t_relay();
        exit;
    }}
    if (is_method("ACK")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (uri == myself) {{
        if (is_method("SUBSCRIBE|PUBLISH")) route(INWARD);
        sl_send_reply("481", "Call/Transaction Does Not Exist");
        exit;
    }}
    handle_ruri_alias();
    t_relay();
}}

onreply_route {{
    if (!({inside}) && is_method("INVITE|SUBSCRIBE|UPDATE") && status =~ "(18|2)[0-9]") {{
        if (nat_uac_test("{reply_tests}")) set_contact_alias();
    }}
}}
"""

DISPATCHER = """
    if (!ds_select_dst("1", "7")) {
        sl_send_reply("503", "Service Unavailable");
        exit;
    }"""


def _options(server, salt):
    lines = ['modparam("path", "use_received", 1)']
    if server["kind"] == "edge" and server["hide"]:
        lines += [
            'modparam("topoh", "mask_key", "%s")' % salt,
            'modparam("topoh", "mask_ip", "%s")' % server["mask_ip"],
            'modparam("topoh", "mask_callid", %d)' % (server["hide"] == "callid"),
        ]
    if server["kind"] == "dispatcher":
        lines += [
            'modparam("dispatcher", "list_file", "%s")' % server["dispatcher_list"],
            'modparam("dispatcher", "hash_pvar", "$var(key)")',
            'modparam("dispatcher", "ds_ping_interval", %d)' % server["probe"],
            'modparam("dispatcher", "ds_probing_mode", 1)',
            'modparam("dispatcher", "ds_ping_from", "sip:balancer@%s")' % server["domain"],
        ]
    return "\n".join(lines)


def dispatcher_list(server):
    """The file that names the registrars behind a dispatcher."""
    return "".join("1 sip:%s:%d\n" % (_host(ip), port) for ip, port in server["cores"])


def _host(ip):
    return "[%s]" % ip if ":" in ip else ip


def write(server, salt):
    """The text of the front's kamailio.cfg."""
    modules = MODULES + core.WEBSOCKET_MODULES * bool(server["ws_port"])
    if server["kind"] == "dispatcher":
        modules = modules + ["dispatcher"]
        choose = DISPATCHER
    else:
        modules = modules + ["topoh"] * bool(server["hide"])
        choose = '$du = "sip:%s:%d";' % (_host(server["cores"][0][0]), server["cores"][0][1])
    head = core.head(server, modules, server["ip"], server["ports"], salt, _options(server, salt))
    head = "\n".join(
        line for line in head.split("\n") if not any('modparam("%s' % name in line for name in SKIPPED)
    ).replace('"nathelper|registrar"', '"nathelper"')
    return (
        head
        + ROUTES.format(
            force_rport="force_rport();" if server["force_rport"] else "",
            nat_tests=core.nat_tests(server),
            reply_tests="66" if server["ws_port"] else "2",
            inside=" || ".join('$si == "%s"' % ip for ip, _ in server["cores"]),
            trusted=" || ".join('$si == "%s"' % t for t in server["trusted"]) or '$si == "0.0.0.0"',
            choose=choose,
        )
        + (core.WEBSOCKET if server["ws_port"] else "")
    )
