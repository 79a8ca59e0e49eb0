# Sourced by the findings about mail servers: a temporary folder in which a server of Debian's is unpacked and runs on loopback, as the
# process $server, and a module smtp for its client. Needs bash, root, apt-get, and Python 3.
set -euo pipefail

folder=$(mktemp -d)
finish() {
    [ -z "${server:-}" ] || kill $(pgrep -P "$server") "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT
cd "$folder"
chmod 755 "$folder"

cat >smtp.py <<'EOF'
import socket, time

def connect(port):
    """Waits for the server. Returns what sends it commands in one write, and gives the last line of each reply but that to EHLO, which is all."""
    for _ in range(100):
        try:
            connection = socket.create_connection(("127.0.0.1", int(port)), timeout=20)
            break
        except OSError:
            time.sleep(0.1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    replies = connection.makefile("rb")
    def reply():
        lines = [replies.readline().decode().strip()]
        while lines[-1][3:4] == "-":
            lines.append(replies.readline().decode().strip())
        return lines
    def ask(*commands):
        connection.sendall("".join(command + "\r\n" for command in commands).encode())
        answers = [reply() for _ in commands]
        return [lines if command.startswith("EHLO") else lines[-1] for command, lines in zip(commands, answers)]
    reply()
    return ask
EOF
