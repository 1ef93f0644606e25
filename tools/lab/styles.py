"""How SIP stacks write: user-agent families and the pools that every builder of the lab draws from.
Relies on: the standard library.
Relied on by: sip.py, phones.py, sipp_scenarios.py, sipvicious_disguise.py, plan.py, the attackers' builders.

Honest clients and attackers draw from the same pools, so that nothing here separates them.
"""
import dataclasses
import uuid

COMPACT = {
    "Via": "v",
    "From": "f",
    "To": "t",
    "Call-ID": "i",
    "Contact": "m",
    "Content-Length": "l",
    "Content-Type": "c",
    "Supported": "k",
    "Subject": "s",
    "Event": "o",
    "Allow-Events": "u",
    "Refer-To": "r",
    "Session-Expires": "x",
}

# Orders in which deployed stacks write their headers. Headers that a message lacks are skipped, headers that
# the order does not name follow before Content-Length.
ORDERS = [
    "Via From To Call-ID CSeq Contact Max-Forwards User-Agent Authorization Expires Allow Supported Content-Type",
    "Via Max-Forwards From To Call-ID CSeq User-Agent Contact Expires Allow Authorization Content-Type",
    "Via Max-Forwards Contact To From Call-ID CSeq Expires Allow Content-Type Supported User-Agent Authorization",
    "Via From To CSeq Call-ID Contact Authorization Max-Forwards Expires User-Agent Supported Allow Accept",
    "Via Route From To Call-ID CSeq Contact Supported Authorization User-Agent Max-Forwards Allow Expires Content-Type",
    "Via Max-Forwards To From User-Agent Call-ID Contact CSeq Accept Content-Length Content-Type Authorization",
    "Via From To Call-ID CSeq Max-Forwards User-Agent X-Serialnumber Supported Contact Expires Authorization Allow",
    "Via Max-Forwards From To Contact Call-ID CSeq User-Agent Date Allow Supported Content-Type",
    "Via To From Call-ID CSeq Max-Forwards Contact Expires Supported Allow User-Agent Authorization Accept",
    "Via Route Max-Forwards From To Call-ID CSeq Contact User-Agent Allow Supported Session-Expires Content-Type",
    "Via Call-ID From To CSeq Contact Allow Max-Forwards Supported User-Agent Authorization Expires",
    "Via CSeq From Call-ID To Contact Max-Forwards Authorization Expires User-Agent Supported Content-Type",
    "Max-Forwards Via From To Call-ID CSeq Contact Content-Type User-Agent",
    "Via From To Contact Call-ID CSeq Content-Type Content-Length Max-Forwards User-Agent Allow Authorization",
    "To From Via CSeq Call-ID Contact Max-Forwards User-Agent Content-Type Authorization",
    "Call-ID CSeq From To Via Contact Max-Forwards Expires User-Agent Content-Type",
]

# name, index of the order, user agents, Call-ID form, branch form, tag form
FAMILIES = [
    (
        "desk-a",
        0,
        ["Yealink SIP-T46S 66.85.0.5", "Yealink SIP-T21P_E2 52.84.0.15", "Yealink W60B 77.85.0.25"],
        "digits@ip",
        "digits",
        "digits",
    ),
    (
        "desk-b",
        1,
        ["PolycomVVX-VVX_411-UA/5.9.3.2857", "PolycomSoundPointIP-SPIP_335-UA/3.3.4.0085"],
        "hex-parts@ip",
        "hex",
        "hex-parts",
    ),
    (
        "desk-c",
        0,
        ["Cisco/SPA504G-7.6.2c", "Cisco-CP7841-3PCC/11.3.1", "Linksys/SPA942-6.1.5(a)"],
        "hex-parts@ip",
        "dash-hex",
        "hex-o0",
    ),
    (
        "desk-d",
        0,
        ["Grandstream GXP2160 1.0.9.132", "Grandstream HT802 1.0.17.5", "Grandstream GXP1625 1.0.4.152"],
        "digits-parts@ip",
        "digits",
        "digits",
    ),
    (
        "desk-e",
        6,
        ["snom370/8.7.5.35", "snomD725/10.1.54.13", "snom320/7.3.14"],
        "hex-parts",
        "dash-short",
        "short",
    ),
    (
        "soft-a",
        9,
        ["Linphone/3.12.0 (belle-sip/1.6.3)", "LinphoneiOS/4.4.0 (iPhone)", "Linphone Desktop/4.2.5"],
        "short",
        "dot",
        "short",
    ),
    (
        "soft-b",
        4,
        ["MicroSIP/3.20.5", "PJSUA v2.10 Linux-5.4/x86_64", "Blink 3.2.1 (Linux)"],
        "pj",
        "pj",
        "pj",
    ),
    (
        "soft-c",
        2,
        ["Zoiper rv2.10.11.4", "Z 5.4.12 v2.10.13.2", "Bria 6 release 6.1.2", "X-Lite release 5.0.1"],
        "base64",
        "resip",
        "hex",
    ),
    (
        "server-a",
        7,
        ["Asterisk PBX 16.2.1~dfsg-1", "FPBX-15.0.17(16.15.1)", "Asterisk PBX 18.10.0"],
        "hex32@ip",
        "hex",
        "as",
    ),
    (
        "server-b",
        9,
        ["FreeSWITCH-mod_sofia/1.10.7-release", "FreeSWITCH-mod_sofia/1.8.2"],
        "uuid",
        "alnum",
        "alnum",
    ),
    ("soft-d", 3, ["Jitsi2.10.5550Linux", "Jitsi2.11.20200408Windows 10"], "hex32@host", "resip", "hex"),
    ("tester", 12, ["", "SIPp", "sipsak 0.9.7"], "sipp", "sipp", "sipp"),
    (
        "script",
        5,
        ["friendly-scanner", "sipcli/v1.8", "VaxSIPUserAgent/3.5", "eyeBeam release 1011d stamp 40820"],
        "digits",
        "dash-digits",
        "hex-of-digits",
    ),
    (
        "soft-e",
        8,
        ["baresip v1.0.0 (x86_64/linux)", "Telephone 1.5.2", "CSipSimple_2.4"],
        "hex-short",
        "hex",
        "hex",
    ),
    (
        "gateway",
        13,
        ["AVM FRITZ!Box 7590 154.07.29", "Cisco-SIPGateway/IOS-15.2.4.M3", "OpenStage_60_V3"],
        "hex-parts@host",
        "hex",
        "hex-o0",
    ),
    ("embedded", 10, ["", "2N Helios IP 2.32", "Akuvox E11R", "dahua-vto"], "digits", "digits", "digits"),
    ("mobile", 11, ["GS Wave 1.0.3.34", "Acrobits/5.8.1", "Ooma-Mobile/7.2"], "uuid", "alnum", "uuid"),
]

CALL_ID_FORMS = sorted({f[3] for f in FAMILIES} | {"digits@ip", "short@ip", "uuid@ip", "hex32", "hex-short@ip"})
BRANCH_FORMS = sorted({f[4] for f in FAMILIES})
TAG_FORMS = sorted({f[5] for f in FAMILIES} | {"long-hex"})

ALLOW = [
    "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO, MESSAGE, SUBSCRIBE",
    "INVITE,ACK,OPTIONS,CANCEL,BYE,SUBSCRIBE,NOTIFY,INFO,REFER,UPDATE",
    "PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS",
    "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO",
    "",
]
SUPPORTED = ["replaces, outbound, path", "replaces,timer", "replaces, 100rel, timer, norefersub", "path", ""]
ACCEPT = ["application/sdp", "application/sdp, application/dtmf-relay", "", "", ""]
CONTACT_PARAMS = ["", "", ";transport=udp", ";ob", ";line=k2j4h1", ";transport=UDP;user=phone"]
CODECS = ["0 8 101", "8 0 18 101", "9 0 8 101", "18 101", "0", "3 101", "96 97 8 0 101", "8 101 13"]
CODEC_NAMES = {
    "0": "PCMU/8000",
    "8": "PCMA/8000",
    "9": "G722/8000",
    "18": "G729/8000",
    "3": "GSM/8000",
    "96": "opus/48000/2",
    "97": "SILK/16000",
    "101": "telephone-event/8000",
    "13": "CN/8000",
}

FIRST_NAMES = [
    "Alice",
    "Bob",
    "Carol",
    "Dave",
    "Eve",
    "Frank",
    "José",
    "Zoë",
    "Björn",
    "Noël",
    "Siân",
    "Renée",
    "Maya",
    "Li",
    "Omar",
    "Ana",
    "Tom",
    "Ulla",
    "Ivan",
    "Nadia",
    "Seán",
    "Łukasz",
    "Mónica",
    "Günther",
    "D'Arcy",
]
LAST_NAMES = [
    "O'Brien",
    "O'Neill",
    "Smith",
    "Müller",
    "García",
    "Dubois",
    "Rossi",
    "Novák",
    "D'Angelo",
    "Jensen",
    "Brown; Sales",
    "Lee (2nd floor)",
    "Nguyễn",
    "van der Berg",
    "Ødegård",
    "Select",
    "Union",
    "Drop",
    "Scripter",
]
WORDS = [
    "Reception",
    "Front Desk",
    "Sales & Support",
    "R&D -- Lab 3",
    "Meeting Room <B>",
    "100% Office",
    "Fax #2",
    "Door/Gate",
    "Warehouse",
    "it's me",
    "Café",
    "Help@Desk",
    "C:Level",
    "24x7 NOC",
    "Accounts=Payable",
]
MESSAGE_TEXTS = [
    "Running 5 minutes late",
    "ok",
    "See you at 14:30 in room 2.",
    "Can you call me back? It's urgent",
    "Die Rechnung über 1.200 € ist da",
    "link: https://example.net/?q=1&r=2",
    "select a slot and drop by :)",
    "100% agreed; let's do it",
    "meet <b>now</b>?",
    "ping",
    "¿Vienes a comer?",
    "cat pictures in /tmp/share",
]

ADVERTISEMENTS = [
    "You have won a prize! Call +882 1234 now",
    "Cheap loans, answer YES",
    "Your account is blocked, visit http://bank.example",
    "Great holiday offer, press 1",
]

AGENTS = [agent for family in FAMILIES for agent in family[2]]


def hexes(rng, n):
    return "%0*x" % (n, rng.getrandbits(4 * n))


def digits(rng, n):
    return str(rng.randrange(10 ** (n - 1), 10**n))


def alnum(rng, n):
    return "".join(
        rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789") for _ in range(n)
    )


def random_uuid(rng):
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def make_call_id(rng, form, ip):
    """A Call-ID of one of CALL_ID_FORMS."""
    host = {"@ip": "@" + ip, "ost": "@" + alnum(rng, 6).lower() + ".local"}.get(form[-3:], "")
    base = form.split("@")[0]
    return {
        "digits": lambda: digits(rng, rng.choice([9, 10, 24])),
        "hex32": lambda: hexes(rng, 32),
        "hex-parts": lambda: "-".join(hexes(rng, n) for n in (8, 8, 8)),
        "digits-parts": lambda: "%s-5060-%d" % (digits(rng, 9), rng.randrange(1, 40)),
        "short": lambda: alnum(rng, 10),
        "pj": lambda: hexes(rng, 32),
        "uuid": lambda: random_uuid(rng),
        "base64": lambda: alnum(rng, 22) + "..",
        "hex-short": lambda: hexes(rng, 16),
        "sipp": lambda: "%d-%d@%s" % (rng.randrange(1, 400), rng.randrange(300, 32000), ip),
    }[base]() + host


def make_branch(rng, form):
    """A Via branch of one of BRANCH_FORMS, with RFC 3261's magic cookie."""
    return (
        "z9hG4bK"
        + {
            "digits": lambda: digits(rng, 10),
            "hex": lambda: hexes(rng, rng.choice([8, 16])),
            "dash-hex": lambda: "-" + hexes(rng, 8),
            "dash-short": lambda: "-" + alnum(rng, 12).lower(),
            "dot": lambda: "." + alnum(rng, 9),
            "pj": lambda: "Pj" + hexes(rng, 32),
            "resip": lambda: "-524287-1---" + hexes(rng, 16),
            "alnum": lambda: alnum(rng, 13),
            "sipp": lambda: "-%d-%d-%d"
            % (rng.randrange(300, 32000), rng.randrange(1, 400), rng.randrange(9)),
            "dash-digits": lambda: "-" + str(rng.getrandbits(32)),
        }[form]()
    )


def make_tag(rng, form):
    """A From or To tag of one of TAG_FORMS."""
    return {
        "digits": lambda: digits(rng, rng.choice([9, 10])),
        "hex": lambda: hexes(rng, 8),
        "hex-parts": lambda: "%s-%s" % (hexes(rng, 8), hexes(rng, 8)),
        "hex-o0": lambda: hexes(rng, 16) + "o0",
        "short": lambda: alnum(rng, 10).lower(),
        "pj": lambda: hexes(rng, 32),
        "as": lambda: "as" + hexes(rng, 8),
        "alnum": lambda: alnum(rng, 13),
        "uuid": lambda: random_uuid(rng),
        "sipp": lambda: "%dSIPpTag00%d" % (rng.randrange(300, 32000), rng.randrange(1, 99)),
        "hex-of-digits": lambda: "".join("%02x" % ord(c) for c in digits(rng, rng.choice([8, 12, 16, 20]))),
        "long-hex": lambda: hexes(rng, rng.choice([20, 40, 56])),
    }[form]()


@dataclasses.dataclass
class Style:
    """How one stack writes its messages. Drawn per client, never per label."""

    family: str
    order: list
    user_agent: str
    call_id_form: str
    branch_form: str
    tag_form: str
    compact: bool = False  # compact header names
    fold: bool = False  # folds long headers
    lower: bool = False  # odd capitals of names
    colon: str = ": "
    rport: str = "last"  # last, first, none
    sent_by_port: bool = True  # writes :5060 in Via
    max_forwards: int = 70
    allow: str = ""
    supported: str = ""
    accept: str = ""
    contact_params: str = ""
    codecs: str = "0 8 101"
    name_form: str = "quoted"  # quoted, token, none, bare
    first_cseq: int = 1
    domain_port: bool = False  # writes :5060 behind the domain
    expires_in_contact: bool = False
    extra: tuple = ()  # further legal headers
    preauthorise: bool = True  # reuses the last nonce
    private_ip: str = ""  # behind a NAT: the address it writes into Via, Contact and SDP
    acks: bool = True  # attackers: acknowledges final replies of INVITE


def draw_style(rng):
    """A family's style with some of its traits taken from others (firmware versions, operators' settings)."""
    name, order, agents, call_id, branch, tag = rng.choice(FAMILIES)

    def other(value, pool, p=0.12):
        return rng.choice(pool) if rng.random() < p else value

    extra = []
    if rng.random() < 0.12:
        extra.append(("X-Serialnumber", hexes(rng, 12).upper()))
    if rng.random() < 0.08:
        extra.append(("P-Preferred-Identity", "<sip:%s@example.net>" % digits(rng, 4)))
    if rng.random() < 0.08:
        extra.append(("Organization", rng.choice(["Example GmbH", "O'Brien & Sons", "ACME"])))
    if rng.random() < 0.06:
        extra.append(("Privacy", "none"))
    if rng.random() < 0.06:
        extra.append(("Allow-Events", "talk,hold,conference,refer,check-sync"))
    agent = rng.choice(agents)
    if rng.random() < 0.25:
        agent = rng.choice(rng.choice(FAMILIES)[2])
    return Style(
        family=name,
        order=ORDERS[other(order, range(len(ORDERS)))].split(),
        user_agent=agent,
        call_id_form=other(call_id, CALL_ID_FORMS),
        branch_form=other(branch, BRANCH_FORMS),
        tag_form=other(tag, TAG_FORMS),
        compact=rng.random() < 0.08,
        fold=rng.random() < 0.04,
        lower=rng.random() < 0.05,
        colon=rng.choice([": "] * 12 + [":", " : ", ":  "]),
        rport=rng.choice(["last"] * 5 + ["first"] * 2 + ["none"] * 2),
        sent_by_port=rng.random() < 0.8,
        max_forwards=rng.choice([70] * 8 + [69, 30, 20, 16]),
        allow=rng.choice(ALLOW),
        supported=rng.choice(SUPPORTED),
        accept=rng.choice(ACCEPT),
        contact_params=rng.choice(CONTACT_PARAMS),
        codecs=rng.choice(CODECS),
        name_form=rng.choice(["quoted"] * 4 + ["token", "none", "none", "bare"]),
        first_cseq=rng.choice([1, 1, 1, 2, 20, 101, 102, rng.randrange(1, 60000)]),
        domain_port=rng.random() < 0.1,
        expires_in_contact=rng.random() < 0.3,
        extra=tuple(extra),
        preauthorise=rng.random() < 0.6,
        private_ip="192.168.%d.%d" % (rng.choice([0, 1, 2, 178]), rng.randrange(2, 250))
        if rng.random() < 0.12
        else "",
        acks=rng.random() < 0.65,
    )


def draw_display(rng):
    """A display name as people have them: apostrophes, accents, punctuation."""
    r = rng.random()
    if r < 0.25:
        return rng.choice(WORDS)
    if r < 0.35:
        return "%d" % rng.randrange(100, 9999)
    return "%s %s" % (rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES))


def draw_users(rng, count, form):
    """`count` different account names: ext3, ext4, names, e164 or mixed."""
    out = []
    start = {"ext3": rng.choice([100, 200, 300]), "ext4": rng.choice([1000, 2000, 3100, 7000])}.get(form, 0)
    while len(out) < count:
        kind = rng.choice(["ext4", "names", "e164"]) if form == "mixed" else form
        if kind in ("ext3", "ext4"):
            user = str((start or 4000) + len(out) + (rng.randrange(0, 3) if form == "mixed" else 0))
        elif kind == "names":
            user = rng.choice(["%s.%s", "%s_%s", "%s%s"]) % (
                rng.choice(["alice", "bob", "carol", "dave", "maya", "omar", "ana", "tom", "ivan", "nadia"]),
                rng.choice(
                    ["smith", "brown", "lee", "rossi", "novak", "jensen", "khan", "o'brien", "%23desk"]
                ),
            )
            if "%" in user and rng.random() < 0.7:
                user = user.replace("%23", "")
        else:
            user = "49%s" % digits(rng, 8)
        if user not in out:
            out.append(user)
        elif form != "mixed":
            out.append(user + str(len(out)))
    return out[:count]


def draw_number(rng):
    """An international number in one of the forms that people and machines dial."""
    prefix = rng.choice(["+", "00", "011", "900", "0011"])
    return (
        prefix
        + rng.choice(["44", "49", "33", "1", "972", "882", "53", "216", "960", "371"])
        + digits(rng, rng.choice([8, 9, 10]))
    )


def draw_port(rng):
    """A local port. The same odds for phones and for attackers."""
    return rng.choice([5060] * 5 + [5062, 5064, 5070, 5080] + [rng.randrange(1024, 65000) for _ in range(6)])
