#!/bin/sh
# Makes what the containers trust each other by, in the folder that is named: an authority, a certificate and its key for
# each, and the password that the workers have for the mail server. Each key is readable for who needs it alone; that of the
# authority is thrown away. What is there already stays for as long as it is valid for another month.
#   make-certificates.sh /certificates
set -eu
umask 077

folder=$1
days=365
month=2592000

if [ -e "$folder/complete" ] && [ -e "$folder/valkey" ] && openssl x509 -noout -checkend "$month" -in "$folder/rabbitmq/certificate.pem"; then
    echo "The certificates are valid for another month."
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of what an installation of OpenSSL may have configured.
export OPENSSL_CONF="$work/openssl.cnf"
printf '[req]\ndistinguished_name = subject\n[subject]\n' > "$OPENSSL_CONF"

make() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days "$days" "$@"; }

# A certificate for a service: its name, what it may be used for, and the names that it is for.
issue() {
    rm -rf "${folder:?}/$1"
    mkdir "$folder/$1"
    make -CA "$work/authority.pem" -CAkey "$work/authority.key" -subj "/CN=$1" \
        -keyout "$folder/$1/key.pem" -out "$folder/$1/certificate.pem" \
        -addext basicConstraints=critical,CA:FALSE -addext keyUsage=critical,digitalSignature \
        -addext "extendedKeyUsage=$2" -addext "subjectAltName=$3"
}

rm -f "$folder/complete"
make -subj "/CN=Authority of this deployment" -keyout "$work/authority.key" -out "$work/authority.pem" \
    -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign
issue rabbitmq serverAuth DNS:rabbitmq,DNS:localhost
issue valkey serverAuth DNS:valkey,DNS:localhost
issue mailpit serverAuth DNS:mailpit
issue programs clientAuth DNS:programs

openssl rand -hex 24 > "$folder/programs/mail-password"
printf 'orders:%s\n' "$(cat "$folder/programs/mail-password")" > "$folder/mailpit/users"

chown -R "$RABBITMQ_UID" "$folder/rabbitmq"
chgrp -R "$VALKEY_GID" "$folder/valkey"
chmod -R g+rX "$folder/valkey"
chown -R "$MAILPIT_UID" "$folder/mailpit"
chown -R "$PROGRAMS_UID" "$folder/programs"
cp "$work/authority.pem" "$folder/authority.pem"
chmod 755 "$folder"
chmod 644 "$folder/authority.pem"
touch "$folder/complete"
