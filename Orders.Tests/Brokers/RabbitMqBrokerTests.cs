using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.Tests.Brokers;

[TestFixtureSource(typeof(TestBrokers), nameof(TestBrokers.Kinds))]
public sealed class RabbitMqBrokerTests(BrokerKind kind)
{
    private const string Queue = "kept";

    [Long]
    [TestCase("classic")]
    [TestCase("quorum")]
    public async Task A_confirmed_message_outlives_a_killed_broker(string queueType)
    {
        await using var broker = await TestBrokers.StartAsync(kind);
        var virtualHost = await broker.CreateVirtualHostAsync();
        await PublishConfirmedAsync(broker, virtualHost, "hello", queueType);
        await broker.SaveQueuesAsync();

        await broker.KillAsync();
        Assert.That(() => broker.ConnectAsync(virtualHost), Throws.TypeOf<BrokerUnreachableException>());
        await broker.StartAsync();

        await using var connection = await broker.ConnectAsync(virtualHost);
        await using var channel = await connection.CreateChannelAsync();
        var message = await channel.BasicGetAsync(Queue, autoAck: true);
        Assert.That(Encoding.UTF8.GetString(message!.Body.Span), Is.EqualTo("hello"));
    }

    [Test]
    public async Task Each_virtual_host_begins_empty()
    {
        var broker = await TestBrokers.SharedAsync(kind);
        var one = await broker.CreateVirtualHostAsync();
        var other = await broker.CreateVirtualHostAsync();
        await PublishConfirmedAsync(broker, one, "hello");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await broker.CountMessagesAsync(one, Queue), Is.EqualTo(1));
            Assert.That(await broker.CountMessagesAsync(other, Queue), Is.Null);
            Assert.That(broker.Version, Does.Match(@"^\d+\.\d+\.\d+"));
        }

        await broker.DeleteVirtualHostAsync(one);
        await broker.DeleteVirtualHostAsync(other);
        Assert.That(() => broker.CountMessagesAsync(one, Queue), Throws.InstanceOf<OperationInterruptedException>());
    }

    private static async Task PublishConfirmedAsync(RabbitMqBroker broker, string virtualHost, string text, string queueType = "classic")
    {
        await using var connection = await broker.ConnectAsync(virtualHost);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true));
        await channel.QueueDeclareAsync(Queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = queueType });
        await channel.BasicPublishAsync(
            exchange: "", Queue, mandatory: true, new BasicProperties { Persistent = true }, Encoding.UTF8.GetBytes(text));
    }
}
