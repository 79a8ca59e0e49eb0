#!/bin/bash
# OpenSMTPD offers SIZE and takes MAIL with a size that is above its limit. It refuses the email after all of it was sent.
#
# Expected before the first run: MAIL FROM:<…> SIZE=30000 is refused with 552 where the server has offered "SIZE 20000". RFC 1870,
# section 6.1, allows it, it is what the extension is for, and Postfix and Exim do it.
# Found: 250. The whole content goes over the line, and then comes 554 5.3.4, which is not 552 either.
source "$(dirname "${BASH_SOURCE[0]}")/mail-server.sh"

version=6.8.0p2-4+b4
port=${PORT:-25901}

# OpenSMTPD finds its users and folders only where it was built to look for them: it gets a root of its own.
libraries=$(apt-cache depends --important opensmtpd | sed -nE 's/^ *\|?(Pre)?Depends: (lib.*|zlib.*)$/\2/p')
libraries=$(apt-cache depends --recurse --important $libraries | grep -E '^(lib|zlib)' | sort -u)
apt-get download -qq "opensmtpd=$version" $libraries 2>/dev/null
mkdir -p root/{dev,etc,run,tmp} root/var/{mail,spool,run,log} root/var/lib/{empty,opensmtpd/empty}
for package in *.deb; do dpkg -x "$package" root; done
rm -rf root/etc/*
for name in bin sbin lib lib64; do [ -e "root/$name" ] || ln -s "usr/$name" "root/$name"; done
mknod -m 666 root/dev/null c 1 3
mknod -m 666 root/dev/urandom c 1 9
for user in root:0 opensmtpd:101 opensmtpq:102 customer:1003; do
    echo "${user%:*}:x:${user#*:}:${user#*:}::/var/lib/empty:/bin/sh" >>root/etc/passwd
    echo "${user%:*}:x:${user#*:}:" >>root/etc/group
    echo "${user%:*}:*:0:0:::::" >>root/etc/shadow
done
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' >root/etc/nsswitch.conf
echo mail.example >root/etc/mailname
chown 1003:1003 root/var/mail
cat >root/etc/smtpd.conf <<EOF
smtp max-message-size 20000
listen on 127.0.0.1 port $port hostname mail.example
action "deliver" maildir "/var/mail" virtual { "customer@shop.example" = "customer" }
match from any for domain "shop.example" action "deliver"
EOF
chroot root /usr/sbin/smtpd -d >log 2>&1 &
server=$!

cat >client.py <<'EOF'
import sys, smtp

ask = smtp.connect(sys.argv[1])
offered = next(line[4:] for line in ask("EHLO worker.shop.example")[0] if line[4:8] == "SIZE")
mail = ask("MAIL FROM:<orders@shop.example> SIZE=30000")[0]
recipient = ask("RCPT TO:<customer@shop.example>")[0]
data = ask("DATA")[0]
content = ask("Subject: Your order\r\n\r\n" + ("x" * 70 + "\r\n") * 410 + ".")[0]
print(f"offered: {offered}; MAIL with SIZE=30000: {mail[:3]}; RCPT: {recipient[:3]}; DATA: {data[:3]}; content of 29,000 bytes: {content[:9]}")
EOF
seen=$(timeout 60 python3 client.py "$port") || { cat log; exit 1; }
echo "opensmtpd $version, max-message-size 20000"
echo "$seen"
if [ "$seen" != "offered: SIZE 20000; MAIL with SIZE=30000: 250; RCPT: 250; DATA: 354; content of 29,000 bytes: 554 5.3.4" ]; then
    echo "The behaviour has changed."
    exit 1
fi
