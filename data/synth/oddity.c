/* Text that only looks odd, by grammar: the honest counterpart of attack_payload.c.
 * Relies on: data/synth/oddity.h, grammar.h.
 * Relied on by: data/synth.
 *
 * Every mark that attacks need stands somewhere in honest text: what tells them apart is what stands around
 * it. Here it stands where people, vendors and edges really put it. */
#include "data/synth/oddity.h"

#include "data/synth/grammar.h"

enum { TEXT_ROOM = 900, VALUE_ROOM = 260, TRIES = 5 };

/* clang-format off */
static const SynthRule rules[] = {
    /* names */
    {"first", {"Ana", "Tom", "José", "Zoë", "Björn", "Renée", "Łukasz", "Günther", "Siân", "Ayşe", "Anaïs", "Søren", "Chloë", "Þór", "Ngọc", "İpek",
               "~W~", "~W~", "~W~", "~W~-~W~", "Jo~w~", "Mc~W~", "D'Arcy", "T'Pau", "Ma~w~é", "~W~ü", "Å~w~", "~W~ø"}},
    {"last", {"O'~W~", "O'~W~", "O’~W~", "D'~W~", "d'~W~", "L'~W~", "N'~W~", "M'~W~", "~W~", "~W~", "~W~-~W~", "Mc~W~", "van 't ~W~", "van der ~W~", "de la ~W~",
              "García", "Núñez", "Muñoz", "Müller", "Strauß", "Ødegård", "Horváth", "Dvořák", "Nguyễn", "Yılmaz", "Brânză", "~W~ić", "~W~ová", "~W~ñez", "~W~ß", "~W~é",
              "~W~ç", "al-~W~", "Drop", "Select", "Union", "Script", "Null", "Table", "Root", "Shell", "Grant", "Insert", "Alter", "Sleep", "Exec"}},
    {"script", {"Иван Петров", "Мария", "Приёмная", "Отдел продаж", "Δήμητρα", "Γιώργος Π.", "王小明", "李娜", "前台", "会议室", "山田太郎", "受付", "さくら", "営業部", "김민준", "고객센터",
                "محمد", "مكتب الاستقبال", "דוד כהן", "สมชาย", "अनिल", "நிலா", "Նարե", "გიორგი", "Київ", "Žofie", "Ελένη-Μ."}},
    {"emoji", {"😀", "👍", "☎", "✈", "🎉", "❤", "☕", "🏠", "★", "→", "✓", "™", "®", "🇩🇪"}},
    {"smile", {":-)", ":)", ";-)", ";)", ":D", ":P", "xD", ":-/", ":/", "<3", "^^", ":*", ":'(", "\\o/", "(-:", ">:(", "=)", "8-)", "¯\\_(ツ)_/¯", "m(", "</3", "*g*", ":|", "o_O", "(y)"}},
    {"unit", {"Sales", "Support", "R&D", "HR", "IT", "Lab", "Lobby", "Reception", "Finance", "Fax", "Door", "Gate", "Hall", "Desk", "Shop", "Bar", "Q&A", "B&B", "AT&T", "C++", "C#", "F#",
              ".NET", "Node.js", "P&L", "M&A", "H&M", "QA/Test", "24/7", "NOC", "~W~", "~W~", "~L2-4~", "24x7", "Empfang", "Küche", "Büro", "Accueil", "Caña", "Über", "Bar/Café"}},
    {"company", {"~W~ & Co.", "~W~ & Sons", "~W~ GmbH & Co. KG", "~W~'s ~unit~", "~W~, Inc.", "~W~; ~W~ LLC", "~W~ + ~W~", "~W~ (~W~)", "~W~!", "~W~ S.A.", "#1 ~W~", "~W~ A/S",
                 "O'~W~ & ~W~", "\"~W~\" e.V.", "~W~ <~W~>", "~W~@~W~", "~W~ -- ~W~", "~W~: ~W~", "~W~/~W~", "~W~ d.o.o.", "~W~=~W~", "100% ~W~", "~W~ 'n' ~W~", "~W~ *~W~*", "~W~ [~L2~]", "~W~™"}},
    {"name", {"~first~ ~last~", "~first~ ~last~", "~first~ ~last~", "~first~ ~last~", "~last~, ~first~", "~last~, ~first~ (~unit~)", "~first~ \"~W~\" ~last~", "~first~ '~W~' ~last~", "~first~_~last~", "~w~_o'~w~",
              "~w~.o'~w~", "~first~.~last~", "Dr. ~first~ ~last~", "~first~ ~last~ ~emoji~", "~first~ & ~first~", "~first~ + ~first~", "~first~/~first~", "~first~ ~last~ <~w~@~w~.example>", "~w~@~w~.example",
              "~script~", "~script~", "~script~", "~script~ (~d3~)", "~script~ / ~W~", "~unit~", "~unit~ #~n~", "~unit~ -- ~unit~", "~unit~ & ~unit~", "~unit~ <~L1-2~>", "~unit~; ~unit~", "~unit~: ~first~", "~first~'s ~w~",
              "~first~'s ~unit~", "~first~ ~last~'s desk", "Kids' ~w~", "~unit~ (~d1~%)", "~unit~ @ ~W~", "~unit~ = ~unit~", "~company~", "~company~", "~company~", "~first~ ~smile~", "~emoji~ ~W~", "~d3~ ~first~", "+~d9~ (~W~)",
              "~first~ ~L1~. ~last~, ~L2~.~L1~.", "~last~;~first~", "[~L2-4~] ~first~ ~last~", "*~unit~*", "#~unit~", "~unit~ %~n~", "~L3~\\~w~.~w~", "null", "-- ~first~ --",
              "~first~ ~last~ & Partner", "Rock 'n' Roll", "it's ~first~", "~first~ ~last~ (he/him)", "~unit~ ~d1~.~d1~ / ~d2~", "a < b", "~unit~ > ~unit~", "~unit~~emoji~", "Room ~d1~\""}},

    /* prose */
    {"price", {"50% off", "~n~% off", "~n~ €", "$~n~.~d2~", "£~n~", "~n~,~d2~ EUR", "~n~%", "100 %", "€~n~/~w~", "~n~ x ~n~ = ~d3~", "~n~+~n~", "~n~>~n~", "~n~ < ~n~", "~n~/~n~", "1=1", "#~d3~", "No. ~n~", "~d2~\"", "~n~°C"}},
    {"time", {"~d1~:~d2~", "~d1~:~d2~ pm", "~d2~.~d2~.", "~d1~/~d2~/~d2~", "20~d2~-~d2~-~d2~", "in ~n~ min", "~d2~:~d2~-~d2~:~d2~", "@ ~d1~pm", "8 o'clock", "~~~n~ min", "24/7"}},
    {"verb", {"call", "see", "select", "drop", "update", "insert", "delete", "union", "sleep", "exec", "cat", "ping", "echo", "print", "order", "kill", "find", "grant", "alter", "join", "move", "sort", "exit", "move", "~w~"}},
    {"thing", {"the list", "the table", "a script", "the union menu", "the shell", "the root cause", "the path", "/tmp/share", "the password", "the admin", "group by name", "the user table", "where we met", "that alert",
               "the image", "a cookie", "the log", "order by phone", "the database", "~w~", "my ~w~", "~w~'s ~w~", "~w~.pdf", "~w~/~w~", "\"~w~\"", "'~w~'", "the <~w~> tag", "R&D", "Q&A", "~w~ & ~w~", "~unit~", "~script~",
               "~first~ ~last~", "from ~first~'s desk", "null", "the window", "it all", "~w~@~w~.example", "#~w~", "@~w~", "*~w~*", "_~w~_", "<b>~w~</b>", "<~w~>", "[~w~]", "(~w~)", "~w~[0]", "a -> b",
               "x != y", "i++", "~w~::~w~", "~w~ <-> ~w~", "C:\\Users\\~w~"}},
    {"clause", {"please ~verb~ from ~thing~", "~verb~ ~thing~", "don't ~verb~ ~thing~", "can't ~verb~ ~thing~", "I'll ~verb~ ~thing~", "let's ~verb~ ~thing~", "~verb~ ~thing~ and ~thing~", "it's ~thing~", "we're at ~price~", "~thing~ is ~price~",
                "~price~ for ~thing~", "~thing~ or ~thing~", "~time~ or ~time~", "~time~ ok", "meet <b>~w~</b>", "lunch @ ~time~", "~thing~ & ~thing~", "~thing~ = ~price~", "if a < b", "you're ~w~", "that's ~n~% ~w~", "~first~ said \"~w~\"", "who's ~w~",
                "re ~thing~", "see https://~w~.example/~w~?~w~=~n~&~l1~=~w~#~w~", "http://~w~.example/~w~.php?id=~n~", "pls ~verb~ ~thing~", "qué ~w~", "das wär's für ~W~", "c'est l'~w~ d'~w~", "~script~", "~emoji~ ~w~", "~w~ ~w~ ~w~", "+~d9~",
                "~thing~; ~thing~", "~thing~ -- ~thing~", "~thing~ / ~thing~", "~thing~ (~time~)", "'~w~ ~w~'", "\"~w~ ~w~\"", "~w~ *not* ~w~"}},
    {"mark", {"?", "!", ".", "", "...", "?!", "!!", " ~smile~", " ~smile~", " ~emoji~", "!!!1", " -- ~first~", ";-)", "?)", ", ~first~?", "; ~clause~", ", ~clause~", " & ~clause~", " -> ~w~", " / ~clause~", "~~"}},
    {"prose", {"~clause~~mark~", "~clause~~mark~", "~clause~~mark~", "~clause~~mark~ ~clause~~mark~", "Re: ~clause~~mark~", "RE: AW: ~clause~", "Re: ~price~?", "Fwd: [~w~] ~clause~", "[~W~ #~d4~] ~clause~", "~first~: ~clause~", "~company~: ~clause~",
               "~W~'s ~unit~: ~price~~mark~", "~name~", "~price~", "¿~clause~?", "¡~clause~!", "«~clause~»", "„~clause~“", "~time~: ~clause~", "<~w~> ~clause~", "* ~clause~ *", "#~w~ ~clause~", "~smile~", "~emoji~~emoji~", "> ~clause~",
               "~W~ (~price~): ~clause~", "{\"~w~\":\"~w~\"}", "{\"~w~\":~n~,\"~w~\":[~n~]}", "~w~=~n~&~w~=~w~", "<p>~clause~</p>", "~L2-3~-~d4~: ~clause~", "~clause~ <~w~@~w~.example>"}},

    /* what is written by machines */
    {"version", {"~d1~.~d1~", "~d1~.~d1~.~d1-2~", "~d1~.~d1~.~d1~.~d2-4~", "v~d1~.~d2~", "~d2~.~d2~.~d1~.~d1~", "~d1~.~d1~-~w~~d1~", "~d1~.~d1~~~~w~1", "r~d4-5~", "~d1~.~d1~+git~h7~", "~d1~.~d1~_~L1~", "20~d6~"}},
    {"system", {"Linux; x86_64", "X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "iPhone; iOS ~d2~.~d1~", "Android ~d1~; ~W~ ~L1~~d2~", "armv7l/linux", "Macintosh; Intel Mac OS X 10_~d2~_~d1~", "compatible; +http://~w~.example/~w~", "build ~d4~; #~d2~",
                "~w~@~w~", "Win32/~w~", "OpenSSL ~d1~.~d1~.~d1~~l1~; ~w~/~d1~.~d1~", "MAC=~h12~", "SN:~L2~~d6~", "~W~ & ~W~", "x64/~w~ \"~W~\"", "c) ~W~", "~L2~-~L2~, KHTML, like ~W~", "C++; ~w~", "~w~=~w~; ~w~=~n~"}},
    {"agent", {"~W~/~version~ (~system~)", "~W~ ~L1-3~-~d2-4~~L1~ ~version~", "~W~-~W~/~version~", "~W~ ~version~ (~system~) ~W~/~version~", "Mozilla/5.0 (~system~) ~W~/~version~ ~W~/~version~", "~W~!~W~ ~version~", "~W~ [~system~]", "~W~ PBX ~version~; ~system~",
               "~W~_~W~_~version~ <~w~>", "~W~ & ~W~ ~unit~ ~version~", "~W~'s ~W~/~version~", "~W~ C:\\Program Files\\~W~\\~w~.exe", "~W~ C:\\Program Files (x86)\\~W~ ~version~", "~W~ provisioned=c:\\~w~\\~h12~.cfg", "~W~ /opt/~w~/bin/~w~ ~version~",
               "~W~ sip.js/~version~ (https://~w~.example/?~w~=~n~)", "~W~ {~a8~-~a4~}", "~W~ ~version~ #~d3~ ~~ ~w~", "~W~ ~version~, ~W~: ~version~", "~W~ ~version~ $Rev: ~d4~ $", "~W~ $Id$ ~version~", "~W~® ~W~™ ~version~", "~script~ ~version~",
               "~W~*~version~", "~W~ (~W~ <~w~@~w~.example>)", "~L2-5~ ~L1~~d3~/~version~; ~W~ +~w~"}},
    {"token", {"~a8-24~", "~h8-40~", "~b16-40~", "~b16-30~=", "~b16-30~==", "~h8~-~h4~-4~h3~-a~h3~-~h12~", "~a6-16~*", "~a8~!~a8~", "~a4~.~a6~.~a4~", "~d6-12~", "~a20-40~**", "~h8~'", "~h6~~~~h6~"}},
    {"mask", {"~a8-24~", "~h8-40~", "~b16-40~", "~a6-16~*", "~a8~!~a8~", "~a4~.~a6~.~a4~", "~a20-40~**", "~h6~~~~h6~"}},
    {"parameter", {";line=~mask~", ";line=sr-~a20-44~", ";line=sr-~a20-40~*", ";line=sr-~a10~.~a16~*-", ";ob", ";rinstance=~h16~", ";transport=UDP;user=phone", ";x-~w~=~mask~", ";alias=192.0.2.~d2~~~d4~~1", ";gr=urn:uuid:~h8~-~h4~-4~h3~-a~h3~-~h12~",
                   ";gr=~a6-16~;opaque=~h12~", ";gr", ";tgrp=~w~;trunk-context=~w~.example", ";~w~=~w~%40~w~.example", ";~w~=%3C~a4~%3E", ";~w~=~w~%3D~n~%3B", ";fs_nat=yes;fs_path=sip%3A192.0.2.~d2~%3A~d4~%3Blr",
                   ";nat=~w~;hp=1", ";pn-provider=apns;pn-prid=~h64~;pn-param=~a10~.~w~.~w~", ";app-id=~w~.~w~.~w~;pn-type=~w~;pn-tok=~a40~:~a40~", ";lr=on;ftag=~h8~;did=~h3~.~h6~", ";~w~=~a8~!!~a8~", ";cpd=~d2~%2C~d2~",
                   ";~w~=~b24~", ";~w~='~w~'", ";~w~=~w~/~w~/~w~", ";~w~=(~w~)", ";~w~=~w~~~~w~", ";sigcomp-id=%22urn%3Auuid%3A~h8~%22", ";~w~=[2001:db8::~h2~]"}},
    {"parameters", {"~parameter~", "~parameter~", "~parameter~~parameter~"}},
    {"feature", {";+sip.instance=\"<urn:uuid:~h8~-~h4~-4~h3~-a~h3~-~h12~>\"", ";+sip.instance=\"<urn:gsma:imei:~d8~-~d6~-0>\"", ";+sip.instance=\"<urn:mac:~h12~>\";reg-id=1", ";reg-id=~d1~", ";+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel\"",
                 ";+g.3gpp.smsip;+g.oma.sip-im", ";+sip.ice", ";methods=\"INVITE, ACK, BYE\"", ";+u.sip!~w~.~w~.example=\"~n~\"", ";+sip.~w~=\"<~w~>\"", ";q=0.~d1~;+~w~=\"~w~;~w~\"", ";description=\"<~W~ & ~W~>\"", ";audio;video;schemes=\"tel,sip\"",
                 ";+g.oma.~w~=\"%26~w~\"", ";~w~=\"~w~'s ~w~\"", ";mobility=\"fixed\";+sip.rendering=\"no\"", ";+sip.pns=\"~w~\"", ";actor=\"msg-taker\";+x-~w~=\"~b20~==\"", ";language=\"en,~l2~;q=0.5\""}},
    {"session", {"~company~", "~name~", "~W~'s call", "~W~ & ~W~", "~W~ Call; ~d4~", "Call %~n~", "~W~/~version~", "~W~ <~version~>", "~script~", "~agent~", "SIP Call #~d3~ (~W~)", "\"~W~\"", "~prose~", "~unit~", "~W~: ~token~"}},
    {"lines", {"i=~prose~\r\n", "i=~company~\r\n", "u=http://~w~.example/~w~?~w~=~n~&~w~=~w~\r\n", "u=https://~w~.example/~w~.php?id=~n~#~w~\r\n", "e=~w~@~w~.example (~name~)\r\n", "e=~first~ ~last~ <~w~@~w~.example>\r\n", "i=~W~ '~w~'\r\np=+~d2~ ~d3~ ~d6~\r\n"}},
    {"dialled", {"*~d2~", "*~d2~~d3~", "**~d3~", "*~d2~*~d6~", "%23~d2~%23", "*%23~d2~%23", "%23%23~d1~", "*~d2~%23~d4~", "%2B~d10~", "+~d10~;phone-context=~w~.example", "~d4~;phone-context=+~d2~", "0~d6~,,~d3~%23", "~d3~;ext=~d3~", "9,~d7~", "+~d2~(~d3~)~d6~",
                 "~d3~-~d4~;npdi;rn=+~d10~", "~w~%40~w~.example", "~w~%20~w~", "o'~w~", "~w~.o'~w~", "~w~&~w~", "~w~+~w~", "~w~=~d3~", "~d4~$~d2~", "~w~~~~w~", "conf-~w~'s", "~d2~%25", "~w~/~w~", "(~d3~)~d4~", "%7E~w~", "M%C3%BC~w~", "~w~%27s"}},
    {"presence", {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:~w~@~w~.example\"><tuple id=\"~a6~\"><status><basic>~basic~</basic></status><note>~note~</note></tuple></presence>\r\n",
                  "<?xml version='1.0'?><presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid'><tuple id='~a4~'><status><basic>~basic~</basic></status></tuple><rpid:person id='~a4~'><rpid:activities><rpid:~w~/></rpid:activities></rpid:person></presence>\r\n"}},
    {"basic", {"open", "open", "closed"}},
    {"note", {"~w~", "~first~", "~time~", "~script~", "R&amp;D", "&lt;3", "it&apos;s ~w~"}},

    /* values of headers */
    {"call", {"sip:~d3-6~@~w~.example", "sip:~w~@192.0.2.~d2~", "tel:+~d10~", "sip:~dialled~@~w~.example;user=phone", "tel:~d4~;phone-context=~w~.example"}},
    {"quoted", {"~W~ & ~W~", "~first~ ~last~", "~W~'s ~w~", "~script~", "~W~ <~L2~>", "~W~; ~W~", "100% ~W~", "~W~ #~n~"}},
    {"link", {"http://~w~.example/~w~?~w~=~n~&~w~=~w~", "https://~w~.example/~w~/~w~.png?~l1~=~token~", "http://192.0.2.~d2~/~w~.cgi?~w~=~w~%20~w~", "http://~w~.example/ring/~w~%20~w~.wav", "http://~w~.example/~w~;~w~=~n~#~w~",
              "http://www.notused.example", "https://~w~.example/~~~w~/", "cid:~a8~@~w~.example"}},
    {"info", {"<~link~>;purpose=icon", "<~link~>;purpose=info", "<~link~>;purpose=card, <~link~>;purpose=icon", "<~call~>;method=\"NOTIFY;Event=telephone-event;Duration=~d4~\"", "<~link~>;answer-after=~d1~", "<~link~>;~w~='~w~'", "<urn:~w~:~w~>;purpose=x-~w~"}},
    {"history", {"<~call~>;index=1", "<sip:~w~@~w~.example?Reason=SIP%3Bcause%3D302>;index=1,<~call~>;index=1.1", "\"~quoted~\" <~call~>;index=1.~n~", "<sip:~w~@~w~.example;cause=302?Privacy=history>;index=1;np=1",
                 "<sip:~w~@~w~.example?Reason=Q.850%3Bcause%3D17%3Btext%3D%22User%20busy%22>;index=1.1"}},
    {"diversion", {"\"~quoted~\" <~call~>;reason=unconditional;counter=~d1~", "<~call~>;reason=\"no-answer\";privacy=off;screen=no", "<~call~>;reason=unknown;~w~=\"~w~;~w~\""}},
    {"identity", {"\"~quoted~\" <~call~>", "<~call~>", "\"~quoted~\" <~call~>, <tel:+~d10~>"}},
    {"cause", {"Q.850;cause=16;text=\"Normal call clearing\"", "Q.850 ;cause=~n~ ;text=\"~reason~\"", "SIP;cause=200;text=\"Call completed elsewhere\"", "SIP ;cause=~d3~ ;text=\"~reason~\"", "Q.850;cause=~n~;text=\"~reason~\";eng-id=\"~w~\"",
               "X.int;reasoncode=0x000000~h2~;add-info=~d4~.~d4~.~d4~", "Q.850;cause=~n~;text=\"~w~;~w~='~w~'\"", "Preemption;cause=~d1~;text=\"~W~ & ~W~\"", "FreeSWITCH;cause=~n~;text=\"~L6~_~L6~\""}},
    {"reason", {"User busy", "No route to destination", "User didn't answer", "Can't ~w~: ~w~", "~W~ (~w~)", "Terminated", "RTP timeout: ~n~s > ~n~s", "~W~/~W~ error #~n~", "No answer; ~w~", "<null>", "Session-Expires < Min-SE", "~w~=~n~, ~w~=~n~", "codec != ~w~",
                "Can't reach '~w~'", "~W~ & ~W~", "100% ~w~"}},
    {"warning", {"399 ~w~.example \"~warn~\"", "3~d2~ 192.0.2.~d2~:5060 \"~warn~\"", "392 192.0.2.~d2~:5060 \"Noisy feedback tells: pid=~d4~ req_src_ip=192.0.2.~d2~ in_uri=sip:~w~.example out_uri=sip:~w~.example via_cnt==1\"", "399 ~w~ \"~warn~\", 304 ~w~ \"~warn~\""}},
    {"warn", {"~reason~", "Incompatible media format: ~w~/~d4~", "~W~: ~reason~", "[~d4~] ~w~.~w~ - ~reason~", "at ~w~::~w~(~w~.cpp:~d3~)", "~w~() failed: '~w~' (~n~)", "See https://~w~.example/?e=~n~&~w~=~w~", "cause=\\\"~w~\\\"", "0x~h8~; ~w~", "C:\\\\~w~\\\\~w~.log"}},
    {"sixty", {"0~d1~", "1~d1~", "2~d1~", "3~d1~", "4~d1~", "5~d1~"}},
    {"date", {"Mon, 30 Nov 2026 0~d1~:~sixty~:~sixty~ GMT", "Tue, 01 Dec 2026 1~d1~:~sixty~:~sixty~ GMT"}},
    {"filler", {"~a60-220~", "~a40-120~", "~b80-200~==", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa~a8-60~", "~h64~~h64~", "~w~;~w~=~a60-160~", ";;,,;;,;", "~d60-120~", "~a30~.~a60~.~a43~"}},
    {"cookie", {"~w~=~token~", "~w~=~token~; ~w~=~token~", "icid-value=~token~;icid-generated-at=192.0.2.~d2~", "icid-value=\"~token~\";orig-ioi=~w~.example", "~h32~;encoding=hex", "~token~;~w~=\"~w~ & ~w~\"", "{\"~w~\":\"~token~\"}", "{\"~w~\":~n~,\"~w~\":\"~w~'s\"}",
                "~w~|~w~|~n~", "~b24~==", "~w~:~w~@~w~.example", "~w~/~w~; rv:~d2~", "[~w~]:~n~", "~w~=~w~&~w~=~w~%20~w~", "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=~h16~", "SBC~a4~!~a6~", "$~w~$~d1~$~b22~", "~w~, '~w~'", "~w~ -> ~w~", "~prose~",
                "mac=~h12~&model=~W~&sn=~d8~", "~token~,~token~", "\"~quoted~\"", "c:\\~w~\\~w~.xml", "~w~ (~w~) #~n~"}},
};

/* Forms of Call-IDs: one stack keeps to one. */
static const char *const identifiers[] = {"!!:~a20-44~", "!!:~a16-24~**", "!!:~a10~.~a20~*-", "!!~a8~-~a20~", "SD~a7~-~h32~-~a6~", "B2B.~d3~.~d7~.~d10~", "urn:uuid:~h8~-~h4~-4~h3~-a~h3~-~h12~", "~b16~/~b10~+~b6~", "{~h8~-~h4~-4~h3~-a~h3~-~h12~}", "<~h16~>",
    "~a12~%~a8~", "~d10~_~d6~*~d3~", "~a6~'~a8~", "~h8~!~h8~", "~w~~~~d10~~~~h4~", "(~d8~)~h8~", "[~h12~]", "~w~:~d4~/~d8~?~d2~"};
/* clang-format on */

static const SynthGrammar grammar = {rules, sizeof rules / sizeof *rules};

/* A derivation into `text`, again while it does not fit. */
static void derive(SynthRandom *random, const char *rule, SynthText *text) {
    char bytes[TEXT_ROOM];
    for (int i = 0; i < TRIES; i++) {
        SynthText drawn = synth_text(bytes, sizeof bytes);
        synth_expand(&grammar, random, rule, &drawn);
        if (drawn.cut || drawn.length >= text->room - text->length) continue;
        synth_put(text, drawn.bytes, drawn.length);
        return;
    }
}

void synth_oddity(SynthRandom *random, SynthOddity oddity, SynthText *text) {
    static const char *const starts[SYNTH_ODDITIES] = {
        [SYNTH_ODD_NAME] = "~name~",         [SYNTH_ODD_PROSE] = "~prose~",
        [SYNTH_ODD_AGENT] = "~agent~",       [SYNTH_ODD_PARAMETERS] = "~parameters~",
        [SYNTH_ODD_FEATURES] = "~feature~",  [SYNTH_ODD_SESSION] = "~session~",
        [SYNTH_ODD_LINES] = "~lines~",       [SYNTH_ODD_DIALLED] = "~dialled~",
        [SYNTH_ODD_PRESENCE] = "~presence~",
    };
    derive(random, starts[oddity], text);
}

void synth_odd_call_id(SynthRandom *random, uint32_t form, SynthText *text) {
    derive(random, identifiers[form % SYNTH_COUNT(identifiers)], text);
}

typedef struct OddHeader {
    uint8_t id;
    const char *name; /* of WIRE_HEADER_OTHER */
    const char *rule;
} OddHeader;

static const OddHeader headers[] = {
    /* of requests and replies */
    {WIRE_HEADER_WARNING, NULL, "~warning~"},
    {WIRE_HEADER_REASON, NULL, "~cause~"},
    {WIRE_HEADER_DATE, NULL, "~date~"},
    {WIRE_HEADER_OTHER, "X-Debug", "~warn~"},
    {WIRE_HEADER_OTHER, "X-Session", "~cookie~"},
    {WIRE_HEADER_OTHER, "P-Charging-Vector", "icid-value=\"~token~\""},
    {WIRE_HEADER_OTHER, "X-Info", "~cookie~"},
    {WIRE_HEADER_OTHER, "X-Note", "~prose~"},
    /* of requests */
    {WIRE_HEADER_SUBJECT, NULL, "~prose~"},
    {WIRE_HEADER_SUBJECT, NULL, "~prose~"},
    {WIRE_HEADER_SUBJECT, NULL, "~prose~"},
    {WIRE_HEADER_ORGANIZATION, NULL, "~company~"},
    {WIRE_HEADER_CALL_INFO, NULL, "~info~"},
    {WIRE_HEADER_ALERT_INFO, NULL, "<~link~>"},
    {WIRE_HEADER_OTHER, "History-Info", "~history~"},
    {WIRE_HEADER_DIVERSION, NULL, "~diversion~"},
    {WIRE_HEADER_P_ASSERTED_IDENTITY, NULL, "~identity~"},
    {WIRE_HEADER_P_PREFERRED_IDENTITY, NULL, "\"~quoted~\" <~call~>"},
    {WIRE_HEADER_REMOTE_PARTY_ID, NULL, "\"~quoted~\" <~call~>;party=calling;screen=yes"},
    {WIRE_HEADER_REFERRED_BY, NULL, "\"~quoted~\" <~call~>"},
    {WIRE_HEADER_OTHER, "User-to-User", "~cookie~"},
    {WIRE_HEADER_OTHER, "X-Client", "~agent~"},
    {WIRE_HEADER_OTHER, "X-Serial", "~token~"},
    {WIRE_HEADER_OTHER, "X-Auth", "~cookie~"},
    {WIRE_HEADER_OTHER, "Comment", "~prose~"},
    {WIRE_HEADER_OTHER, "X-CID", "~token~"},
    {WIRE_HEADER_OTHER, "X-Cookie", "~cookie~"},
    {WIRE_HEADER_OTHER, "P-Access-Network-Info", "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=~h16~"},
    {WIRE_HEADER_OTHER, "X-Provisioning", "~cookie~"},
    {WIRE_HEADER_OTHER, "X-Trace-Context-Of-The-Gateway", "~filler~"},
    {WIRE_HEADER_OTHER, "Unknown-Extension-Header-Of-A-Vendor", "~filler~"},
    {WIRE_HEADER_OTHER, "NewFangledHeader", "~filler~"},
    {WIRE_HEADER_ACCEPT_LANGUAGE, NULL, "~l2~-~L2~,~l2~;q=0.~d1~,*;q=0.1"},
};
const uint32_t synth_odd_request_headers = SYNTH_COUNT(headers), synth_odd_reply_headers = 8;

void synth_add_odd_header(SynthRandom *random, uint32_t which, SynthMessage *message) {
    const OddHeader *header = &headers[which % SYNTH_COUNT(headers)];
    char value[VALUE_ROOM];
    for (uint8_t i = 0; i < message->n_extras; i++)
        if (message->extras[i].id == header->id && header->id != WIRE_HEADER_OTHER) return;
    SynthText text = synth_text(value, sizeof value);
    derive(random, header->rule, &text);
    if (text.length) synth_message_extra(message, header->id, header->name, text.bytes, text.length);
}
