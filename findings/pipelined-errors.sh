#!/bin/bash
# A client that uses PIPELINING, as Postfix offers it, is slowed down by Postfix after half as many unknown recipients.
#
# Expected before the first run: each refused recipient is one error, so that the answers become slow (a second each) after ten of
# them (smtpd_soft_error_limit), with PIPELINING and without.
# Found: without PIPELINING it is ten. A client that sends MAIL, RCPT and DATA in one write, as RFC 2920 has it, gets "no valid
# recipients" to DATA as well, which is an error of its own: its answers become slow after five unknown recipients.
source "$(dirname "${BASH_SOURCE[0]}")/mail-server.sh"

version=3.7.11-0+deb12u1
port=${PORT:-25877}

apt-get download -qq "postfix=$version" 2>/dev/null
dpkg -x postfix_*.deb package
export LD_LIBRARY_PATH=$folder/package/usr/lib/postfix
mkdir -p config queue/pid data log
cat >config/main.cf <<EOF
compatibility_level = 3.6
daemon_directory = $folder/package/usr/lib/postfix/sbin
shlib_directory = $folder/package/usr/lib/postfix
meta_directory = $folder/config
queue_directory = $folder/queue
data_directory = $folder/data
maillog_file = $folder/log/mail
maillog_file_prefixes = $folder/log
mail_owner = daemon
setgid_group = mail
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LD_LIBRARY_PATH=$LD_LIBRARY_PATH
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
myhostname = mail.example
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = shop.example
virtual_mailbox_maps = inline:{ customer@shop.example=customer }
smtpd_relay_restrictions = permit_mynetworks, reject
EOF
cat >config/master.cf <<EOF
127.0.0.1:$port inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
EOF
mkdir -p queue/{active,bounce,corrupt,defer,deferred,flush,hold,incoming,maildrop,private,public,saved,trace}
chown daemon data queue/[a-oq-z]* queue/private
chown daemon:mail queue/public queue/maildrop
"$folder/package/usr/lib/postfix/sbin/master" -c "$folder/config" -d >log/start 2>&1 &
server=$!

cat >client.py <<'EOF'
import sys, time, smtp

def count(pipelined):
    """How many unknown recipients it takes until the answers become slow."""
    ask = smtp.connect(sys.argv[1])
    ask("EHLO worker.shop.example")
    for unknown in range(1, 30):
        envelope = ["MAIL FROM:<orders@shop.example>", f"RCPT TO:<nobody-{unknown}@shop.example>"]
        answers = ask(*envelope, "DATA") if pipelined else ask(envelope[0]) + ask(envelope[1])
        assert answers[1].startswith("550 5.1.1"), answers
        begun = time.monotonic()
        ask("RSET")
        if time.monotonic() - begun > 0.8:
            return unknown
    return None

print(f"one command at a time: slow after {count(False)} unknown recipients; by PIPELINING: slow after {count(True)}")
EOF
seen=$(timeout 60 python3 client.py "$port") || { cat log/*; exit 1; }
echo "postfix $version, its defaults, unknown recipients over one connection"
echo "$seen"
if [ "$seen" != "one command at a time: slow after 10 unknown recipients; by PIPELINING: slow after 5" ]; then
    echo "The behaviour has changed."
    exit 1
fi
