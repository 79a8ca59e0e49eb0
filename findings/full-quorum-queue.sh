#!/bin/bash
# A publisher that a full quorum queue refused once is refused after the limit is gone, for as long as its channel lives.
#
# Expected before the first run: a quorum queue with the policy max-length and overflow reject-publish refuses (basic.nack)
# what comes while it is full. When the policy is cleared, it takes messages again, from everybody.
# Found: a new channel is served. The channel that was refused before is refused on, though the queue has no limit any more,
# and also when it has been emptied since. (Where the policy stays and the queue is emptied, the channel is served again.)
source "$(dirname "${BASH_SOURCE[0]}")/rabbitmq.sh"

build <<'EOF'
#:package RabbitMQ.Client@7.2.1
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

var confirmed = new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);
await using var connection = await new ConnectionFactory { HostName = "127.0.0.1", Port = int.Parse(args[0]) }.CreateConnectionAsync();
var old = await connection.CreateChannelAsync(confirmed);
await old.QueueDeclareAsync("orders", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
Console.WriteLine("declared");
Console.ReadLine();

var sent = 0;
while (await PublishAsync(old) == "confirmed" && sent < 100)
{
    sent++;
}

Console.WriteLine("refused");
Console.ReadLine();

var told = new List<string>();
for (var attempt = 0; attempt < 5; attempt++)
{
    told.Add(await PublishAsync(old));
    await Task.Delay(1000);
}

Console.WriteLine($"same channel: {string.Join(' ', told)}; new channel: {await PublishAsync(await connection.CreateChannelAsync(confirmed))}");

static async Task<string> PublishAsync(IChannel channel)
{
    try
    {
        await channel.BasicPublishAsync("", "orders", mandatory: true, new BasicProperties { Persistent = true }, "an order"u8.ToArray());
        return "confirmed";
    }
    catch (PublishException)
    {
        return "refused";
    }
}
EOF

start full
rabbitmq full "$programs/rabbitmqctl" --quiet await_startup
coproc client { dotnet client/client.dll "$port"; }
read -r -u "${client[0]}" _
rabbitmq full "$programs/rabbitmqctl" --quiet set_policy --apply-to queues limit '^orders$' '{"max-length":1,"overflow":"reject-publish"}'
echo >&"${client[1]}"
read -r -u "${client[0]}" _
rabbitmq full "$programs/rabbitmqctl" --quiet clear_policy limit
echo >&"${client[1]}"
read -r -u "${client[0]}" seen

echo "rabbitmq-server $broker, RabbitMQ.Client 7.2.1, a quorum queue with max-length 1 and reject-publish by policy, refused, policy cleared"
echo "$seen"
if [ "$seen" != "same channel: refused refused refused refused refused; new channel: confirmed" ]; then
    echo "The behaviour has changed."
    exit 1
fi
