using MassTransit;
using MassTransit.RabbitMqTransport;
using Microsoft.Extensions.Logging.Abstractions;
using Orders.Messaging;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Orders.Tests.Messaging;

/// <summary>An endpoint whose consumer the broker cancels gets another one.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
internal sealed class ConsumerRecoveryTests(TransportUnderTest transport) : OrderSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Test]
    public async Task A_handler_that_takes_longer_than_the_broker_waits_keeps_nobody_from_getting_an_email()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        Assume.That(Version.Parse(TheSystem.BrokerVersion), Is.GreaterThanOrEqualTo(new Version(4, 3)), "Older brokers close the channel instead.");
        await TheSystem.RunCtlAsync(
            "set_policy", "--apply-to", "queues", "impatient", $"^{OrderConfirmationEndpoint.Queue}$", """{"consumer-timeout":1000}""");
        await TheSystem.StartWorkerAsync();
        await TheSystem.StartApiAsync();
        var hold = TheSystem.Mail.Hold(SmtpStep.EndOfData);
        await TheSystem.PlaceAsync("held");
        await hold.Reached();
        await TheSystem.Log.WaitFor<ConsumerRecovery>(24, timeout: Patience);

        await TheSystem.PlaceAsync("next");
        await hold.Reached();
        hold.Release();

        await TheSystem.Mail.WaitFor("both emails", _ => TheSystem.ConfirmedOrders.Distinct().Count() == 2);
        Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(["held", "next"]));
    }

    /// <summary>The handler's own message goes with the queue.</summary>
    [Test]
    public async Task A_queue_that_somebody_deletes_is_there_again_though_a_handler_never_ends()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartWorkerAsync();
        await TheSystem.StartApiAsync();
        var hold = TheSystem.Mail.Hold(SmtpStep.EndOfData);
        await TheSystem.PlaceAsync("held");
        await hold.Reached();

        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueueDeleteAsync(OrderConfirmationEndpoint.Queue);
        await Eventually.GetAsync(
            "a consumer of the queue",
            async cancellationToken =>
            {
                await using var look = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
                return await look.ConsumerCountAsync(OrderConfirmationEndpoint.Queue, cancellationToken);
            },
            consumers => consumers > 0,
            Patience);
        hold.Release();

        await TheSystem.PlaceAsync("next");
        await TheSystem.Mail.WaitFor("the next email", _ => TheSystem.ConfirmedOrders.Contains("next"));
    }
}

/// <summary>
/// A channel that is closed while something uses it that never ends, as an operation of RabbitMQ.Client may:
/// https://github.com/rabbitmq/rabbitmq-dotnet-client/issues/1976.
/// </summary>
[TestFixtureSource(typeof(TestBrokers), nameof(TestBrokers.Kinds))]
internal sealed class StuckChannelTests(BrokerKind kind)
{
    private const string Queue = "stuck";

    [Test]
    public async Task Its_endpoint_gets_another_one()
    {
        var broker = await TestBrokers.SharedAsync(kind);
        var virtualHost = await broker.CreateVirtualHostAsync();
        var stuck = new StuckOnFirstChannel();
        var handled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var bus = Bus.Factory.CreateUsingRabbitMq(rabbitMq =>
        {
            rabbitMq.Host(broker.Host, (ushort)broker.Port, virtualHost, host =>
            {
                host.Username(broker.Username);
                host.Password(broker.Password);
            });
            rabbitMq.ConnectEndpointConfigurationObserver(new ConsumerRecovery(TimeProvider.System, NullLogger<ConsumerRecovery>.Instance));
            rabbitMq.ConnectEndpointConfigurationObserver(stuck);
            rabbitMq.ReceiveEndpoint(Queue, endpoint => endpoint.Handler<Ping>(_ =>
            {
                handled.TrySetResult();
                return Task.CompletedTask;
            }));
        });

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await bus.StartAsync(patience.Token);
            await bus.Publish(new Ping(), patience.Token);
            await handled.Task.WaitAsync(patience.Token);
        }
        finally
        {
            await bus.StopAsync(TimeSpan.FromSeconds(10));
            await broker.DeleteVirtualHostAsync(virtualHost);
        }

        Assert.That(stuck.Channels, Is.EqualTo(2));
    }

    private sealed record Ping;

    private sealed class StuckOnFirstChannel : IEndpointConfigurationObserver, IFilter<ChannelContext>
    {
        /// <summary>How many channels the endpoint has had.</summary>
        public int Channels { get; private set; }

        public void EndpointConfigured<T>(T configurator)
            where T : IReceiveEndpointConfigurator
        {
            if (configurator.InputAddress.AbsolutePath.EndsWith($"/{Queue}", StringComparison.Ordinal))
            {
                ((IRabbitMqReceiveEndpointConfigurator)configurator).ConfigureChannel(channels => channels.UseFilter(this));
            }
        }

        public async Task Send(ChannelContext context, IPipe<ChannelContext> next)
        {
            if (++Channels == 1)
            {
                _ = context.Channel.CloseAsync();
                await new TaskCompletionSource().Task;
            }

            await next.Send(context);
        }

        public void Probe(ProbeContext context)
        {
        }
    }
}
