#!/bin/bash
# One launch of an attacker that is a shell loop around socat: a here-document per message, no reply is read.
# Relies on: socat.
# Relied on by: attackers.py, which writes the list of what to send.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: shell_attacker.sh ADDRESS PORT SEED SECONDS GAP LIST

Sends one message for each line of LIST from ADDRESS:PORT, GAP seconds apart, for at most SECONDS.
A line has seven fields, separated by tabs: target address, its port, method, user part (- for none), domain,
caller, and text: a header line to add, "body:" and a text, or "break:" and a kind of broken grammar.

example:
  printf '10.0.0.1\t5060\tOPTIONS\t100\t10.0.0.1\tme\t\n' > list
  ip netns exec east tools/lab/shell_attacker.sh 10.0.0.9 5060 7 10 0.5 list
TEXT
}

hex() { printf '%04x%04x' "$RANDOM" "$RANDOM"; }

write() { # method uri caller domain text
    local branch call from body='' extra='' kind='' cseq="1 $1"
    branch="z9hG4bK-$(hex)"
    from="<sip:$3@$4>;tag=$(hex)"
    call=$(hex)$(hex)
    case $form in
    0) call+="@$host" ;;
    1) call="$RANDOM$RANDOM$RANDOM" ;;
    2) call="$call$(hex)$(hex)" ;;
    3) call="$RANDOM-$$@$host" ;;
    esac
    case $5 in
    body:*) body=${5#body:} ;;
    break:*) kind=${5#break:} ;;
    '') ;;
    *) extra="$5"$'\n' ;;
    esac
    [[ $1 != INVITE ]] || body=$'v=0\r\no=- 1 1 IN '"$family $address"$'\r\ns=-\r\nc=IN '"$family $address"$'\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n'
    local type='' length=${#body} version=SIP/2.0 to="<$2>" gap=': '
    [[ -z $body ]] || type=$'Content-Type: application/sdp\n'
    [[ $1 != MESSAGE ]] || type=$'Content-Type: text/plain\n'
    case $kind in
    length) length="-$RANDOM" ;;
    from) from="<<sip:$3@$4" ;;
    to) to=$(printf '%0*d' $((RANDOM % 2000 + 300)) 0 | tr 0 A) ;;
    cseq) cseq="$RANDOM$RANDOM$RANDOM$RANDOM" ;;
    version) version="SIP/2.$RANDOM.1" ;;
    colon) gap='' ;;
    call) call='' ;;
    nul) extra=$'X\001\002Y: \177\n' ;;
    many) extra=$(printf 'Via: SIP/2.0/UDP %s\n' $(seq 150))$'\n' ;;
    branch) branch=$(printf '%0*d' $((RANDOM % 900 + 100)) 0 | tr 0 ';') ;;
    esac
    sed 's/\r*$/\r/' <<TEXT
$1 $2 $version
Via: SIP/2.0/UDP $host:$port;branch=$branch
From$gap$from
To$gap$to
Call-ID: $call
CSeq: $cseq
Max-Forwards: 70
Contact: <sip:$3@$host:$port$params>
$extra${agent}${type}Content-Length: $length

TEXT
    printf '%s' "$body"
}

case ${1:-} in -h | --help) usage; exit 0 ;; esac
[[ $# -eq 6 ]] || { usage >&2; exit 2; }
address=$1 port=$2 RANDOM=$3 end=$((SECONDS + ${4%.*} + 1)) gap=$5
host=$address family=IP4 udp=UDP4
[[ $address != *:* ]] || { host="[$address]" family=IP6 udp=UDP6; }
agents=('' 'User-Agent: sipcli/v1.8' 'User-Agent: Zoiper rv2.10.11.4' 'User-Agent: Cisco-SIPGateway/IOS-15.2.4.M3' 'User-Agent: snom320/7.3.14')
agent=${agents[RANDOM % ${#agents[@]}]}
[[ -z $agent ]] || agent+=$'\n'
form=$((RANDOM % 4))
choices=('' '' ';transport=udp' ';ob' ';line=k2j4h1' ';transport=UDP;user=phone')
params=${choices[RANDOM % ${#choices[@]}]}

while IFS=$'\037' read -r target target_port method user domain caller text; do
    [[ $SECONDS -lt $end ]] || break
    uri="sip:$user@$domain"
    [[ $user != - ]] || uri="sip:$domain"
    [[ $target != *:* ]] || target="[$target]"
    # One datagram: socat reads all of it before it sends.
    message=$(mktemp)
    write "$method" "$uri" "$caller" "$domain" "$text" > "$message"
    socat -u -b 65000 "OPEN:$message" "$udp-SENDTO:$target:$target_port,bind=$host:$port,reuseaddr" || true
    rm -f "$message"
    sleep "$gap"
done < <(tr '\t' '\037' < "$6") # read would join empty fields if they were separated by blanks
