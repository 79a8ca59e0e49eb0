#!/bin/bash
# Messages of a quorum queue that were acknowledged come back, if their channel is closed in good order right after.
#
# Expected before the first run: acknowledgements and channel.close go over one channel, and the broker works on them in their
# order. So a consumer that acknowledges all that it was given, and closes its channel then, leaves the queue empty.
# Found: with more than about 32 acknowledgements under way, those that follow are gathered in the broker's channel until the
# queue's log has caught up; closing the channel drops them, and their messages are delivered again. After basic.cancel on
# the same channel nothing comes back, as it passes on what was gathered. A classic queue keeps the order.
source "$(dirname "${BASH_SOURCE[0]}")/rabbitmq.sh"

build <<'EOF'
#:package RabbitMQ.Client@7.2.1
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

const int Messages = 1000;
await using var connection = await new ConnectionFactory { HostName = "127.0.0.1", Port = int.Parse(args[0]) }.CreateConnectionAsync();
await using var control = await connection.CreateChannelAsync();
Console.WriteLine($"quorum, closed: {await AcknowledgeAsync("quorum", cancels: false)}");
Console.WriteLine($"quorum, cancelled and closed: {await AcknowledgeAsync("quorum", cancels: true)}");
Console.WriteLine($"classic, closed: {await AcknowledgeAsync("classic", cancels: false)}");

// How many messages are back after every one of them was acknowledged.
async Task<string> AcknowledgeAsync(string type, bool cancels)
{
    var queue = Guid.NewGuid().ToString("N");
    await control.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = type });
    await using (var publisher = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true)))
    {
        await Task.WhenAll(Enumerable.Range(0, Messages).Select(_ => publisher.BasicPublishAsync("", queue, new ReadOnlyMemory<byte>(new byte[1000])).AsTask()));
    }

    var channel = await connection.CreateChannelAsync();
    await channel.BasicQosAsync(0, Messages, global: false);
    var tags = System.Threading.Channels.Channel.CreateUnbounded<ulong>();
    var consumer = new AsyncEventingBasicConsumer(channel);
    consumer.ReceivedAsync += async (_, delivery) => await tags.Writer.WriteAsync(delivery.DeliveryTag);
    var consumerTag = await channel.BasicConsumeAsync(queue, autoAck: false, consumer);
    var held = new List<ulong>();
    while (held.Count < Messages)
    {
        held.Add(await tags.Reader.ReadAsync());
    }

    foreach (var tag in held)
    {
        await channel.BasicAckAsync(tag, multiple: false);
    }

    if (cancels)
    {
        await channel.BasicCancelAsync(consumerTag);
    }

    await channel.CloseAsync();
    await Task.Delay(2000);
    var back = (await control.QueueDeclarePassiveAsync(queue)).MessageCount;
    return back == 0 ? "none of 1000 came back" : "some of 1000 came back";
}
EOF

start closed
rabbitmq closed "$programs/rabbitmqctl" --quiet await_startup
seen=$(dotnet client/client.dll "$port")

echo "rabbitmq-server $broker, RabbitMQ.Client 7.2.1, 1000 messages received, acknowledged one by one, channel closed"
echo "$seen"
if [ "$seen" != "quorum, closed: some of 1000 came back
quorum, cancelled and closed: none of 1000 came back
classic, closed: none of 1000 came back" ]; then
    echo "The behaviour has changed."
    exit 1
fi
