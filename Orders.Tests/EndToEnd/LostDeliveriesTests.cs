using System.Collections.Concurrent;
using System.Globalization;
using MassTransit;
using MassTransit.RabbitMqTransport;
using Notifications.Worker.Pipeline;
using RabbitMQ.Client;

namespace Orders.Tests.EndToEnd;

/// <summary>A worker loses its broker while the mail server takes its time over the ends of emails: each order is emailed once all the same.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed class LostDeliveriesTests(TransportUnderTest transport) : OrderSystemTests
{
    /// <summary>Twice as many as there are connections to the mail server: as many wait for one as are being sent.</summary>
    private const int Orders = 16;
    private const int Connections = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private Deliveries _deliveries = null!;

    [SetUp]
    public void Observe() => _deliveries = new Deliveries();

    [Test]
    public Task The_channel_is_closed() => ExpectOneEmailEachAsync(async () => await _deliveries.Channel.BasicAckAsync(4711, multiple: false));

    [Test]
    public Task The_connections_are_closed() => ExpectOneEmailEachAsync(() =>
    {
        TheSystem.Network.CloseConnections();
        return Task.CompletedTask;
    });

    [Long]
    [Test]
    public async Task The_broker_is_killed()
    {
        var broker = await TestBrokers.StartAsync(transport.Broker!.Value);
        await ExpectOneEmailEachAsync(
            async () =>
            {
                await broker.SaveQueuesAsync();
                await broker.KillAsync();
            },
            broker.StartAsync,
            broker);
    }

    [Long]
    [Test]
    public Task The_network_is_cut() => ExpectOneEmailEachAsync(
        () =>
        {
            TheSystem.Network.Cut();
            return Task.CompletedTask;
        },
        () =>
        {
            TheSystem.Network.Mend();
            return Task.CompletedTask;
        });

    private async Task ExpectOneEmailEachAsync(Func<Task> breakIt, Func<Task>? mendIt = null, RabbitMqBroker? ownBroker = null)
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport, ownBroker, ownNetwork: true);
        await TheSystem.StartWorkerAsync(
            services => services.AddReceiveObserver(_ => _deliveries), ("Email__Smtp__ContentTimeout", "00:05:00"), ("Email__Smtp__PoolSize", $"{Connections}"));
        await TheSystem.StartApiAsync();
        var hold = TheSystem.Mail.Hold(SmtpStep.EndOfData);
        // Of one domain, some would make room for others.
        await Task.WhenAll(Enumerable.Range(0, Orders).Select(number => TheSystem.PlaceAsync(number.ToString(CultureInfo.InvariantCulture), $"customer@shop-{number}.example")));
        await WaitForAsync(_deliveries.First, "messages delivered");
        await hold.Reached(Connections);

        await breakIt();
        await _deliveries.Lost.WaitAsync(Patience);
        await (mendIt?.Invoke() ?? Task.CompletedTask);
        await WaitForAsync(_deliveries.Repeated, "messages delivered again");
        hold.Release();

        await WaitForAsync(_deliveries.Consumed, "messages consumed");
        Assert.That(TheSystem.ConfirmedOrders, Is.Unique.And.Exactly(Orders).Items);
        // What ended late does not count for what has taken its place.
        await TheSystem.WaitForReadinessAsync(true, Patience);
    }

    private static async Task WaitForAsync(SemaphoreSlim each, string what)
    {
        for (var i = 0; i < Orders; i++)
        {
            if (!await each.WaitAsync(Patience))
            {
                throw new TimeoutException($"Waited in vain for {Orders} {what}, there were {i}.");
            }
        }
    }

    /// <summary>Sees what the broker delivers, over which channel, and how often.</summary>
    private sealed class Deliveries : IReceiveObserver
    {
        private readonly TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ConcurrentDictionary<string, int> _counts = [];
        private IChannel? _channel;

        /// <summary>The channel of the first delivery.</summary>
        public IChannel Channel => _channel ?? throw new InvalidOperationException("Nothing was delivered.");

        /// <summary>Completes when that channel is closed.</summary>
        public Task Lost => _lost.Task;

        /// <summary>Is released for each message that is delivered for the first time.</summary>
        public SemaphoreSlim First { get; } = new(0);

        /// <summary>Is released for each message that is delivered for a second time.</summary>
        public SemaphoreSlim Repeated { get; } = new(0);

        /// <summary>Is released for each message whose order the consumer has confirmed, now or before.</summary>
        public SemaphoreSlim Consumed { get; } = new(0);

        public Task PreReceive(ReceiveContext context)
        {
            if (context.InputAddress.AbsolutePath.EndsWith($"/{OrderConfirmationEndpoint.Queue}", StringComparison.Ordinal))
            {
                var channel = context.GetPayload<ChannelContext>().Channel;
                if (Interlocked.CompareExchange(ref _channel, channel, null) is null)
                {
                    channel.ChannelShutdownAsync += (_, _) =>
                    {
                        _lost.TrySetResult();
                        return Task.CompletedTask;
                    };
                }

                switch (_counts.AddOrUpdate(context.GetPayload<RabbitMqBasicConsumeContext>().Properties.MessageId!, 1, (_, count) => count + 1))
                {
                    case 1:
                        First.Release();
                        break;

                    case 2:
                        Repeated.Release();
                        break;
                }
            }

            return Task.CompletedTask;
        }

        public Task PostReceive(ReceiveContext context) => Task.CompletedTask;

        public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
            where T : class
        {
            if (consumerType.Contains(nameof(NotificationConsumer<>), StringComparison.Ordinal))
            {
                Consumed.Release();
            }

            return Task.CompletedTask;
        }

        public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
            where T : class => Task.CompletedTask;

        public Task ReceiveFault(ReceiveContext context, Exception exception) => Task.CompletedTask;
    }
}
