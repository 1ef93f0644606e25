/* The pools that styles are drawn from.
 * Relies on: data/synth/families.h.
 * Relied on by: data/synth/style.c, identifiers.c.
 *
 * Orders, forms of identifiers and agent names are facts, as the stacks' captures show them;
 * tools/lab/styles.py holds those of the lab. */
#include "data/synth/families.h"

#define ID(form) SYNTH_CALL_ID_##form, SYNTH_HOST_NONE
#define IP(form) SYNTH_CALL_ID_##form, SYNTH_HOST_IP
#define HN(form) SYNTH_CALL_ID_##form, SYNTH_HOST_NAME

const Family families[] = {
    {"desk-a",
     "Via From To Call-ID CSeq Contact Max-Forwards User-Agent Authorization Expires Allow Supported "
     "Content-Type",
     {"Yealink SIP-T46S 66.85.0.5", "Yealink SIP-T21P_E2 52.84.0.15", "Yealink W60B 77.85.0.25",
      "Yealink SIP-T54W 96.86.0.100"},
     ID(DIGITS_PARTS),
     SYNTH_BRANCH_DIGITS,
     SYNTH_TAG_DIGITS},
    {"desk-b",
     "Via Max-Forwards From To Call-ID CSeq User-Agent Contact Expires Allow Authorization Content-Type",
     {"PolycomVVX-VVX_411-UA/5.9.3.2857", "PolycomSoundPointIP-SPIP_335-UA/3.3.4.0085",
      "PolyEdge-Edge_E350-UA/8.1.2.1234"},
     IP(HEX_PARTS),
     SYNTH_BRANCH_HEX,
     SYNTH_TAG_HEX_PARTS},
    {"desk-c",
     "Via From To Call-ID CSeq Max-Forwards Contact Expires User-Agent Authorization Allow Supported "
     "Content-Type",
     {"Cisco/SPA504G-7.6.2c", "Cisco-CP7841-3PCC/11.3.1", "Linksys/SPA942-6.1.5(a)", "Cisco/SPA112-1.4.1"},
     IP(HEX_PARTS),
     SYNTH_BRANCH_DASH_HEX,
     SYNTH_TAG_HEX_O},
    {"desk-d",
     "Via From To Call-ID CSeq Contact Max-Forwards User-Agent Authorization Expires Supported Allow "
     "Content-Type",
     {"Grandstream GXP2160 1.0.9.132", "Grandstream HT802 1.0.17.5", "Grandstream GXP1625 1.0.4.152",
      "Grandstream GRP2614 1.0.5.67"},
     IP(DIGITS_PARTS),
     SYNTH_BRANCH_DIGITS,
     SYNTH_TAG_DIGITS},
    {"desk-e",
     "Via From To Call-ID CSeq Max-Forwards User-Agent Contact Supported Allow Allow-Events Expires "
     "Authorization",
     {"snom370/8.7.5.35", "snomD725/10.1.54.13", "snom320/7.3.14", "snomD785/10.1.101.11"},
     ID(HEX_PARTS),
     SYNTH_BRANCH_DASH_SHORT,
     SYNTH_TAG_SHORT},
    {"desk-f",
     "Via From To Call-ID CSeq Contact Authorization Max-Forwards User-Agent Expires Allow Content-Type",
     {"Fanvil X3S 2.12.1.3", "Fanvil X5U 2.2.12", "Htek UC923 V2.0.4.5.42", "VoIP Phone V1.0"},
     IP(DIGITS),
     SYNTH_BRANCH_DASH_DIGITS,
     SYNTH_TAG_HEX_OF_DIGITS},
    {"desk-g",
     "Via Max-Forwards From To Call-ID CSeq Allow Allow-Events Contact Supported Authorization User-Agent "
     "Expires",
     {"Aastra 6757i/2.6.0.2019", "Mitel 6867i/5.1.0.1024", "Mitel-5330-SIP-Phone 06.05.00.11"},
     ID(HEX16),
     SYNTH_BRANCH_HEX,
     SYNTH_TAG_HEX},
    {"desk-h",
     "Via Max-Forwards To From Call-ID CSeq Allow Contact User-Agent Authorization Expires Supported "
     "Content-Type",
     {"Panasonic_KX-HDV130/06.104 (0080f0aabbcc)", "Panasonic-KX-TGP600/11.101", "PanasonicMPR08B"},
     IP(HEX32),
     SYNTH_BRANCH_DASH_HEX,
     SYNTH_TAG_DIGITS},
    {"desk-i",
     "Via From To Call-ID CSeq Max-Forwards Allow Contact Expires User-Agent Authorization Content-Type",
     {"Avaya one-X Deskphone", "Avaya J179 SIP/4.0.7.0", "AVAYA-SM-7.1.3.0.713014", "OpenScape Desk Phone"},
     ID(HEX_PARTS),
     SYNTH_BRANCH_DASH_SHORT,
     SYNTH_TAG_HEX_PARTS},
    {"dect",
     "Via Max-Forwards Route From To Call-ID CSeq Contact Allow Expires User-Agent Authorization Supported",
     {"N510 IP PRO/42.258.00.000.000", "C610 IP/42.247", "S850A GO/42.250", "Gigaset-N720DM/108.01"},
     IP(DIGITS),
     SYNTH_BRANCH_LONG_HEX,
     SYNTH_TAG_DIGITS},
    {"soft-a",
     "Via From To CSeq Call-ID Max-Forwards Supported Allow Contact Expires User-Agent Authorization "
     "Content-Type",
     {"Linphone/3.12.0 (belle-sip/1.6.3)", "LinphoneiOS/4.4.0 (iPhone)", "Linphone Desktop/4.2.5"},
     ID(SHORT),
     SYNTH_BRANCH_DOT,
     SYNTH_TAG_SHORT},
    {"soft-b",
     "Via Route Max-Forwards From To Contact Call-ID CSeq User-Agent Allow Supported Authorization Expires "
     "Content-Type",
     {"MicroSIP/3.20.5", "MicroSIP/3.21.3", "Blink 3.2.1 (Linux)", "CSipSimple_m0-23/r2457"},
     ID(HEX32),
     SYNTH_BRANCH_LONG_HEX,
     SYNTH_TAG_LONG_HEX},
    {"soft-c",
     "Via Max-Forwards Contact To From Call-ID CSeq Expires Allow Content-Type Supported User-Agent "
     "Authorization",
     {"Zoiper rv2.10.11.4", "Z 5.4.12 v2.10.13.2", "Bria 6 release 6.1.2",
      "X-Lite release 5.0.1 stamp 67284"},
     ID(BASE64),
     SYNTH_BRANCH_PARTS,
     SYNTH_TAG_HEX},
    {"soft-d",
     "Call-ID CSeq From To Via Max-Forwards Contact User-Agent Expires Authorization Content-Type",
     {"Jitsi2.10.5550Linux", "Jitsi2.11.20200408Windows 10", "SIP Communicator1.0"},
     HN(HEX32),
     SYNTH_BRANCH_PARTS,
     SYNTH_TAG_HEX},
    {"soft-e",
     "Via Contact Max-Forwards Authorization From To Call-ID CSeq User-Agent Expires Allow Supported",
     {"baresip v1.0.0 (x86_64/linux)", "Telephone 1.5.2", "baresip v2.0.0 (x86_64/Linux)"},
     ID(HEX16),
     SYNTH_BRANCH_HEX,
     SYNTH_TAG_HEX},
    {"mobile",
     "Via CSeq From Call-ID To Contact Max-Forwards Authorization Expires User-Agent Supported Content-Type",
     {"GS Wave 1.0.3.34", "Acrobits/5.8.1", "Ooma-Mobile/7.2", "Groundwire/23.1"},
     ID(UUID),
     SYNTH_BRANCH_LETTERS,
     SYNTH_TAG_UUID},
    {"volte",
     "Via Max-Forwards Route From To Call-ID CSeq Contact Accept Allow P-Preferred-Identity Supported "
     "Require "
     "User-Agent Expires Authorization Content-Type",
     {"Samsung IMS 6.0", "iOS/16.5 (20F66) iPhone", "LG-IMS-client-thinkware 1.0", ""},
     IP(UUID),
     SYNTH_BRANCH_LETTERS,
     SYNTH_TAG_DIGITS},
    {"server-a",
     "Via Max-Forwards From To Contact Call-ID CSeq User-Agent Date Allow Supported Content-Type",
     {"Asterisk PBX 16.2.1~dfsg-1", "FPBX-15.0.17(16.15.1)", "Asterisk PBX 18.10.0", "FPBX-2.11.0(11.7.0)"},
     IP(HEX32),
     SYNTH_BRANCH_HEX,
     SYNTH_TAG_AS},
    {"server-b",
     "Via Max-Forwards From To Call-ID CSeq Contact User-Agent Allow Supported Session-Expires Min-SE "
     "Authorization "
     "Expires Content-Type",
     {"FreeSWITCH-mod_sofia/1.10.7-release", "FreeSWITCH-mod_sofia/1.8.2", "FreeSWITCH"},
     ID(UUID),
     SYNTH_BRANCH_LETTERS,
     SYNTH_TAG_LETTERS},
    {"server-c",
     "Via Call-ID From To CSeq Contact Max-Forwards Supported Allow Authorization User-Agent Expires "
     "P-Asserted-Identity Content-Type",
     {"", "Sonus_UAC", "Oracle Communications SBC", "Mediant SW/v.7.20A.258", "Huawei SoftX3000 V300R600"},
     IP(HEX_PARTS),
     SYNTH_BRANCH_DASH_SHORT,
     SYNTH_TAG_SHORT},
    {"server-d",
     "Via From To Call-ID CSeq Max-Forwards Contact Supported User-Agent Allow Expires Authorization "
     "Content-Type",
     {"3CXPhoneSystem 16.0.5.611", "TE-SYSTEMS anynode/4.0.16", "BroadWorks", "Brekeke PBX"},
     HN(BASE64),
     SYNTH_BRANCH_PARTS,
     SYNTH_TAG_HEX},
    {"gateway",
     "Via From To Date Call-ID Supported Min-SE User-Agent Allow CSeq Max-Forwards Timestamp Contact Expires "
     "Allow-Events Authorization Content-Type",
     {"Cisco-SIPGateway/IOS-15.2.4.M3", "Cisco-SIPGateway/IOS-16.9.4", "Patton SN4528 5BIS MxSF v3.2.8.54"},
     IP(HEX_PARTS),
     SYNTH_BRANCH_DIGITS,
     SYNTH_TAG_HEX_PARTS},
    {"router",
     "Via From To Call-ID CSeq Contact Max-Forwards Expires User-Agent Authorization Supported Allow "
     "Content-Type",
     {"AVM FRITZ!Box 7590 154.07.29", "FRITZ!OS", "Speedport Smart", "OpenStage_60_V3"},
     IP(HEX16),
     SYNTH_BRANCH_HEX,
     SYNTH_TAG_HEX},
    {"tester",
     "Via From To Call-ID CSeq Contact Authorization Max-Forwards Expires Content-Type User-Agent",
     {"", "SIPp", "sipsak 0.9.7", "SIPp v3.6.0"},
     IP(COUNTER),
     SYNTH_BRANCH_COUNTER,
     SYNTH_TAG_COUNTER},
    {"script",
     "Via Max-Forwards To From User-Agent Call-ID Contact CSeq Accept Content-Length Content-Type "
     "Authorization",
     {"friendly-scanner", "sipcli/v1.8", "VaxSIPUserAgent/3.5", "eyeBeam release 1011d stamp 40820"},
     ID(DIGITS),
     SYNTH_BRANCH_DASH_DIGITS,
     SYNTH_TAG_HEX_OF_DIGITS},
    {"embedded",
     "Via Call-ID From To CSeq Contact Allow Max-Forwards Supported User-Agent Authorization Expires",
     {"", "2N Helios IP 2.32", "Akuvox E11R", "dahua-vto", "Hikvision"},
     ID(DIGITS),
     SYNTH_BRANCH_DIGITS,
     SYNTH_TAG_DIGITS},
    {"conference",
     "Via Max-Forwards From To Call-ID CSeq Contact User-Agent Allow Supported Accept Session-Expires "
     "Authorization Expires Content-Type",
     {"PolycomRealPresenceTrio-Trio_8800-UA/5.9.5", "TANDBERG/529 (ce9.15.0)", "LifeSize Icon 600/2.9.1"},
     IP(HEX32),
     SYNTH_BRANCH_HEX,
     SYNTH_TAG_HEX},
    {"alarm",
     "Max-Forwards Via From To Call-ID CSeq Contact Content-Type User-Agent Authorization Expires",
     {"Algo-8180/3.3", "CyberData Intercom", "Zenitel Turbine", ""},
     HN(SHORT),
     SYNTH_BRANCH_DOT,
     SYNTH_TAG_LETTERS},
};
const uint32_t synth_families = SYNTH_COUNT(families);

const char *synth_family_name(uint32_t family) {
    return family < synth_families ? families[family].name : "none";
}

const char *const family_allow[] = {
    "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO, MESSAGE, SUBSCRIBE",
    "INVITE,ACK,OPTIONS,CANCEL,BYE,SUBSCRIBE,NOTIFY,INFO,REFER,UPDATE",
    "PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS",
    "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO",
    "INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, PUBLISH, UPDATE, "
    "MESSAGE",
    "INVITE, ACK, CANCEL, BYE",
    "ACK,BYE,CANCEL,INFO,INVITE,MESSAGE,NOTIFY,OPTIONS,PRACK,REFER,UPDATE",
    "",
    NULL};
const char *const family_supported[] = {"replaces, outbound, path",
                                        "replaces,timer",
                                        "replaces, 100rel, timer, norefersub",
                                        "path",
                                        "100rel,timer,precondition",
                                        "timer, replaces, join",
                                        "outbound, gruu, path",
                                        "",
                                        "",
                                        NULL};
const char *const family_accept[] = {"application/sdp",
                                     "application/sdp, application/dtmf-relay",
                                     "application/sdp, multipart/mixed",
                                     "",
                                     "",
                                     "",
                                     NULL};
const char *const family_contact_params[] = {"",
                                             "",
                                             "",
                                             ";transport=udp",
                                             ";ob",
                                             ";line=k2j4h1",
                                             ";transport=UDP;user=phone",
                                             ";user=phone",
                                             ";rinstance=0b4f6e2c1a7d",
                                             ";uniq=7F3A0C5D",
                                             ";gr=3b7c",
                                             NULL};
const char *const family_codecs[] = {
    "0 8 101",  "8 0 18 101",   "9 0 8 101",          "18 101", "0", "3 101", "96 97 8 0 101",
    "8 101 13", "8 0 9 18 101", "96 9 8 0 18 101 13", "0 101",  NULL};
const char *const family_words[] = {"Reception",
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
                                    "Lobby",
                                    "Dr. Who",
                                    "Kasse 3",
                                    "Empfang (EG)",
                                    "DROP-OFF",
                                    "Union Office",
                                    "Select Wines",
                                    "Table 4",
                                    "Exec VP",
                                    "null",
                                    "Test",
                                    "root cellar",
                                    "a.b.c",
                                    "Zimmer 12*",
                                    "+1 Service",
                                    NULL};
const char *const family_first[] = {
    "Alice",  "Bob",     "Carol",  "Dave",   "Eve",  "Frank", "José",    "Zoë",  "Björn", "Noël", "Siân",
    "Renée",  "Maya",    "Li",     "Omar",   "Ana",  "Tom",   "Ulla",    "Ivan", "Nadia", "Seán", "Łukasz",
    "Mónica", "Günther", "D'Arcy", "Jürgen", "Anh",  "Иван",  "Δήμητρα", "Ayşe", "Kofi",  "Mei",  "Raj",
    "Pilar",  "Oskar",   "Freya",  "Hugo",   "Ines", "Jan",   "Kim",     NULL};
const char *const family_last[] = {
    "O'Brien", "O'Neill",   "Smith",  "Müller",       "García",          "Dubois",  "Rossi",
    "Novák",   "D'Angelo",  "Jensen", "Brown; Sales", "Lee (2nd floor)", "Nguyễn",  "van der Berg",
    "Ødegård", "Select",    "Union",  "Drop",         "Scripter",        "Khan",    "Kowalski",
    "Silva",   "Yılmaz",    "Petrov", "Tanaka",       "Meyer-Schulz",    "Horváth", "Null",
    "Tester",  "Andersson", "Okafor", "Moreau",       "Fischer",         NULL};

const char *const synth_message_texts[] = {
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
    "Lunch?",
    "The build is green again.",
    "Call me when you're back -- T.",
    "thx!!",
    "Bitte Raum 3 absagen",
    "Parcel for you at the front desk",
    "In a meeting, text only please",
    "Did you get the file? (v2, not v1)",
    "brb",
    "The server room alarm went off, please check.",
    "Happy birthday!",
    "rm the old list, I'll send a new one",
};
const uint32_t synth_message_text_count = SYNTH_COUNT(synth_message_texts);

uint32_t family_count(const char *const *list) {
    uint32_t count = 0;
    while (list[count])
        count++;
    return count;
}

const char *family_pick(SynthRandom *random, const char *const *list) {
    return list[synth_below(random, family_count(list))];
}
