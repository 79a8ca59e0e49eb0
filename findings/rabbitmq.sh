# Sourced by the findings about RabbitMQ 3.10.8: a temporary folder with Debian's package unpacked, and brokers of it on loopback.
# Needs bash, apt-get, the .NET 10 SDK, and Erlang (Debian's erlang-nox is installed if there is none).
set -euo pipefail

broker=3.10.8-1.1+deb12u1
port=${PORT:-25871}
folder=$(mktemp -d)
export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$((port + 2))

finish() {
    cat "$folder"/*/pid 2>/dev/null | xargs -r kill -9 || true
    epmd -kill >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap finish EXIT
cd "$folder"

command -v erl >/dev/null || apt-get install -y -qq erlang-nox >/dev/null
apt-get download -qq "rabbitmq-server=$broker" 2>/dev/null
dpkg -x rabbitmq-server_*.deb package
programs=$(echo "$folder"/package/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin)

# Builds the program of standard input, a C# file, as $folder/client.
build() {
    cat >client.cs
    dotnet publish client.cs -o client -p:PublishAot=false >build.log 2>&1 || { cat build.log; exit 1; }
}

# Starts a broker with the data of that name; the program waits until it listens.
start() {
    mkdir -p "$folder/$1"
    rabbitmq "$1" "$programs/rabbitmq-server" >>"$folder/$1.log" 2>&1 &
    until [ -s "$folder/$1/pid" ]; do sleep 0.1; done
}

# Kills the broker of that name.
stop() {
    pid=$(cat "$folder/$1/pid")
    kill -9 "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    rm -f "$folder/$1/pid"
}

# Runs a program of RabbitMQ's for the broker of that name.
rabbitmq() {
    local name=$1
    shift
    env HOME="$folder/$name" RABBITMQ_NODENAME="finding$port@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$port" \
        RABBITMQ_DIST_PORT="$((port + 1))" RABBITMQ_MNESIA_BASE="$folder/$name/data" RABBITMQ_LOG_BASE="$folder/$name/log" RABBITMQ_LOGS=- \
        RABBITMQ_PID_FILE="$folder/$name/pid" RABBITMQ_CONF_ENV_FILE="$folder/none" RABBITMQ_ENABLED_PLUGINS_FILE="$folder/none" "$@"
}
