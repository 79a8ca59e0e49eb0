using MassTransit;
using MassTransit.RabbitMqTransport;
using Orders.Messaging;

namespace Orders.Tests.EndToEnd;

/// <summary>
/// The broker is out of reach, or there and takes nothing: the API says so at once, both programs say that they are not
/// ready, and both come back by themselves.
/// </summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnQuorumQueues))]
[Long]
internal sealed class BrokerOutagesTests(TransportUnderTest transport) : OrderSystemTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Test]
    public async Task The_network_is_cut_under_load()
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport, ownNetwork: true);
        await TheSystem.StartWorkerAsync();
        await TheSystem.StartApiAsync();
        var load = new OrderLoad(TheSystem);
        await load.PlaceUntilAsync("50 orders accepted", () => load.Accepted >= 50, Patience);

        TheSystem.Network.Cut();
        await load.PlaceWhileAsync(TheSystem.WaitForReadinessAsync(false, TimeSpan.FromSeconds(30)));
        await load.PlaceUntilAsync("an order refused at once", () => load.NotPlaced > 0, Patience);
        // Each of the two programs says first that there is no confirm, and then that the heartbeat has ended the connection.
        await load.PlaceWhileAsync(TheSystem.Log.WaitFor<BrokerWatch>(20, 2 * 2, Patience));
        TheSystem.Network.Mend();

        await load.PlaceWhileAsync(TheSystem.WaitForReadinessAsync(true, TimeSpan.FromSeconds(90)));
        var acceptedBefore = load.Accepted;
        await load.PlaceUntilAsync("50 more orders accepted", () => load.Accepted >= acceptedBefore + 50, Patience);
        await load.ExpectEmailsAsync();
    }

    [Test]
    public async Task An_alarm_makes_the_broker_block_publishers()
    {
        var broker = await TestBrokers.StartAsync(transport.Broker!.Value);
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport, broker);
        await TheSystem.StartWorkerAsync();
        await TheSystem.StartApiAsync();
        var load = new OrderLoad(TheSystem);
        await load.PlaceUntilAsync("50 orders accepted", () => load.Accepted >= 50, Patience);

        await broker.RunCtlAsync("set_vm_memory_high_watermark", "0.00001");
        await load.PlaceWhileAsync(TheSystem.WaitForReadinessAsync(false, TimeSpan.FromSeconds(30)));
        var refusedBefore = load.NotPlaced;
        await load.PlaceUntilAsync("50 orders refused at once", () => load.NotPlaced >= refusedBefore + 50, Patience);
        await broker.RunCtlAsync("set_vm_memory_high_watermark", "0.4");

        await load.PlaceWhileAsync(TheSystem.WaitForReadinessAsync(true, Patience));
        var acceptedBefore = load.Accepted;
        await load.PlaceUntilAsync("50 more orders accepted", () => load.Accepted >= acceptedBefore + 50, Patience);
        await load.ExpectEmailsAsync();
    }

    [Test]
    public async Task The_connection_is_closed_while_a_message_waits_for_its_turn()
    {
        var turn = new FirstTurn();
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport, ownNetwork: true);
        await TheSystem.StartWorkerAsync(services => services.AddReceiveObserver(_ => turn));
        await TheSystem.StartApiAsync();
        var load = new OrderLoad(TheSystem);
        await load.PlaceUntilAsync("one order accepted", () => load.Accepted == 1, Patience);
        await turn.Reached.WaitAsync(Patience);

        TheSystem.Network.CloseConnections();
        await TheSystem.WaitForReadinessAsync(false, Patience);
        turn.Release();

        await TheSystem.WaitForReadinessAsync(true, Patience);
        await load.PlaceUntilAsync("another order accepted", () => load.Accepted == 2, Patience);
        await load.ExpectEmailsAsync();
    }

    [Test]
    public async Task The_broker_closes_the_channel_while_a_message_waits_for_its_turn()
    {
        var turn = new FirstTurn();
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await TheSystem.StartWorkerAsync(services => services.AddReceiveObserver(_ => turn));
        await TheSystem.StartApiAsync();
        await TheSystem.PlaceAsync("0");
        var channel = (await turn.Reached.WaitAsync(Patience)).GetPayload<ChannelContext>().Channel;
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        channel.ChannelShutdownAsync += (_, _) =>
        {
            closed.TrySetResult();
            return Task.CompletedTask;
        };

        await channel.BasicAckAsync(4711, multiple: false);
        await closed.Task.WaitAsync(Patience);
        turn.Release();

        // Sooner than the heartbeat would end a connection that nobody reads from any more.
        await TheSystem.Mail.WaitForMessages(1, TimeSpan.FromSeconds(15));
        Assert.That(TheSystem.ConfirmedOrders, Is.EqualTo(["0"]));
    }

    /// <summary>Holds the first message just before MassTransit looks whether its channel is still open.</summary>
    private sealed class FirstTurn : IReceiveObserver
    {
        private readonly TaskCompletionSource<ReceiveContext> _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ReceiveContext> Reached => _reached.Task;

        public void Release() => _released.TrySetResult();

        public Task PreReceive(ReceiveContext context) => _reached.TrySetResult(context) ? _released.Task : Task.CompletedTask;

        public Task PostReceive(ReceiveContext context) => Task.CompletedTask;

        public Task PostConsume<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType)
            where T : class => Task.CompletedTask;

        public Task ConsumeFault<T>(ConsumeContext<T> context, TimeSpan duration, string consumerType, Exception exception)
            where T : class => Task.CompletedTask;

        public Task ReceiveFault(ReceiveContext context, Exception exception) => Task.CompletedTask;
    }
}
