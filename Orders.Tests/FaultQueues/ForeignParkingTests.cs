using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using Orders.Messaging;

namespace Orders.Tests.FaultQueues;

/// <summary>The parking that is made beside another program's error queue.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class ForeignParkingTests(TransportUnderTest transport) : ForeignQueuesTests(transport)
{
    /// <summary>Ours are of the other type, so that what is taken from the error queue can be told from what is ours.</summary>
    private (string Name, string? Value) OtherType =>
        ("RabbitMq__QueueType", (Transport.QueueType == QueueType.Quorum ? QueueType.Classic : QueueType.Quorum).ToString());

    [Test]
    public async Task It_is_made_with_the_first_message_of_the_type_of_the_error_queue_and_found_again()
    {
        await DeclareAsync(Billing.Queue, Billing.ErrorQueue);
        await StartConsoleAsync(OtherType);
        await PutAsync(Billing.ErrorQueue, "one"u8.ToArray());
        Assert.That(await TypesAsync(), Is.EqualTo([$"billing_error {TypeName}"]), "before anything was parked");

        var transport = TheSystem.Faults;
        var before = await transport.CountAsync(Billing.ParkingQueue, CancellationToken.None);
        var first = await ActAsync(Billing.Error, FaultAction.Park);
        var after = await transport.CountAsync(Billing.ParkingQueue, CancellationToken.None);
        await PutAsync(Billing.ErrorQueue, "two"u8.ToArray());
        var second = await ActAsync(Billing.Error, FaultAction.Park);
        var back = await ActAsync(Billing.Parked, FaultAction.Replay);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { first, second, back }.Select(operation => (operation.State, operation.Done)), Is.EqualTo([(OperationState.Done, 1), (OperationState.Done, 1), (OperationState.Done, 2)]));
            Assert.That((before, after), Is.EqualTo((0L, 1L)));
            Assert.That(await TypesAsync(), Is.EqualTo([$"billing_error {TypeName}", $"billing_parked {TypeName}"]));
            Assert.That(await TheSystem.CountAsync(Billing.Queue), Is.EqualTo(2));
        }
    }

    [Test]
    public async Task Messages_that_are_parked_at_the_same_time_make_it_once()
    {
        await DeclareAsync(Billing.Queue, Billing.ErrorQueue);
        await StartConsoleAsync(OtherType);
        foreach (var _ in Enumerable.Range(0, 40))
        {
            await PutAsync(Billing.ErrorQueue, "one"u8.ToArray());
        }

        var operation = await ActAsync(Billing.Error, FaultAction.Park);

        Assert.That((operation.State, operation.Done), Is.EqualTo((OperationState.Done, 40)), operation.Error);
        Assert.That(await TheSystem.CountAsync(Billing.ParkingQueue), Is.EqualTo(40));
    }

    [Test]
    public async Task A_queue_that_a_team_has_made_without_an_exchange_is_taken_as_it_is()
    {
        await DeclareAsync(Billing.Queue, Billing.ErrorQueue);
        await DoAsync(channel => channel.QueueDeclareAsync(Billing.ParkingQueue, durable: true, exclusive: false, autoDelete: false));
        await PutAsync(Billing.ErrorQueue, "one"u8.ToArray());
        await StartConsoleAsync();

        var operation = await ActAsync(Billing.Error, FaultAction.Park);

        Assert.That((operation.State, operation.Done), Is.EqualTo((OperationState.Done, 1)), operation.Error);
        Assert.That((await TakeAsync(Billing.ParkingQueue)).Exchange, Is.Empty);
    }

    [Test]
    public async Task A_deployed_topology_has_it_in_the_type_of_the_error_queue()
    {
        await DeclareAsync(Billing.Queue, Billing.ErrorQueue);
        (string, string?)[] settings = [("Worker__Role", "Console"), ("Alerts__To", null), ("Faults__Queues__0__Name", Billing.Queue), OtherType];

        await TheSystem.DeployTopologyAsTestsAsync(settings);
        await TheSystem.DeployTopologyAsTestsAsync(settings);

        Assert.That(await TypesAsync(), Is.EqualTo([$"billing_error {TypeName}", $"billing_parked {TypeName}"]));
    }

    [Test]
    public async Task The_type_of_a_queue_with_many_arguments_is_found_and_the_queue_stays_as_it_is()
    {
        await DeclareAsync();
        var arguments = Arguments;
        foreach (var (name, value) in new Dictionary<string, object?>
        {
            ["x-message-ttl"] = 604_800_000,
            ["x-max-length"] = 100_000L,
            ["x-max-length-bytes"] = 5_000_000_000L,
            ["x-overflow"] = "reject-publish",
            ["x-dead-letter-exchange"] = "",
            ["x-dead-letter-routing-key"] = "it's 'quoted'",
            ["x-expires"] = 1_000_000_000,
            ["x-single-active-consumer"] = true,
        })
        {
            arguments[name] = value;
        }

        await DoAsync(channel => channel.QueueDeclareAsync("full", durable: true, exclusive: false, autoDelete: false, arguments));

        await using var connection = await TheSystem.ConnectAsync();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await QueueTypes.FindAsync(connection, "full", CancellationToken.None), Is.EqualTo(Transport.QueueType));
            Assert.That(await QueueTypes.FindAsync(connection, "missing", CancellationToken.None), Is.Null);
            Assert.That(await TheSystem.RunCtlAsync("list_queues", "--no-table-headers", "name"), Is.EqualTo("full\n").Or.EqualTo("full"));
            Assert.That(
                () => DoAsync(channel => channel.QueueDeclareAsync("full", durable: true, exclusive: false, autoDelete: false, arguments)), Throws.Nothing);
        }
    }

    [Test]
    public async Task The_type_of_a_stream_and_of_a_queue_that_goes_with_the_broker_is_nothing_to_go_by()
    {
        await DeclareAsync();
        await DoAsync(channel => channel.QueueDeclareAsync("stream", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "stream" }));
        await DoAsync(channel => channel.QueueDeclareAsync("leaves", durable: true, exclusive: false, autoDelete: true, new Dictionary<string, object?> { ["x-queue-type"] = "classic" }));
        await using var connection = await TheSystem.ConnectAsync();

        Assert.That(
            (await QueueTypes.FindAsync(connection, "stream", CancellationToken.None), await QueueTypes.FindAsync(connection, "leaves", CancellationToken.None)),
            Is.EqualTo(((QueueType?)null, (QueueType?)null)));
    }

    private string TypeName => Transport.QueueType.ToString().ToLowerInvariant();

    /// <summary>The queues of faults on the broker, each with its type.</summary>
    private async Task<IReadOnlyList<string>> TypesAsync() =>
    [
        .. (await TheSystem.RunCtlAsync("list_queues", "--no-table-headers", "name", "type"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Replace('\t', ' '))
            .Where(line => line.StartsWith("billing_error ", StringComparison.Ordinal) || line.StartsWith("billing_parked ", StringComparison.Ordinal))
            .Order(),
    ];
}
