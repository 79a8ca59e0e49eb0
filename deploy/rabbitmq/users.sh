#!/bin/sh
# Makes the broker's users of the deployment, or gives them their present passwords, and says what each may do.
# Runs in an image of RabbitMQ, beside a node whose cookie is in the home folder.
#
#   NODE                       the node, such as rabbit@rabbitmq
#   ORDERS_API_PASSWORD, NOTIFICATIONS_WORKER_PASSWORD, REDELIVER_PASSWORD, TOPOLOGY_PASSWORD
#                              the users' passwords
set -eu
umask 077
here=$(dirname "$0")
users=$(mktemp)
trap 'rm -f "$users"' EXIT

user() {
    printf '{"name":"%s","password":"%s","tags":[]}' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"
}

printf '{"users":[%s,%s,%s,%s]}' \
    "$(user orders-api "$ORDERS_API_PASSWORD")" \
    "$(user notifications-worker "$NOTIFICATIONS_WORKER_PASSWORD")" \
    "$(user redeliver "$REDELIVER_PASSWORD")" \
    "$(user topology "$TOPOLOGY_PASSWORD")" > "$users"

# A file, not standard input: without a terminal rabbitmqctl does not always read that.
rabbitmqctl --quiet --node "$NODE" import_definitions "$users"
rabbitmqctl --quiet --node "$NODE" import_definitions "$here/permissions.json"
