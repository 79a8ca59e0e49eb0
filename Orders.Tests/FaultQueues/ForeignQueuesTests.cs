using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;
using Orders.Tests.EndToEnd;
using RabbitMQ.Client;

namespace Orders.Tests.FaultQueues;

/// <summary>Tests with a console that looks after the endpoint <c>billing</c> of another program.</summary>
internal abstract class ForeignQueuesTests(TransportUnderTest transport) : OrderSystemTests
{
    protected static readonly FaultEndpoint Billing = new("billing");

    protected TransportUnderTest Transport => transport;

    /// <summary>The arguments of a queue of the transport's type, as another program might declare it.</summary>
    protected Dictionary<string, object?> Arguments => new() { ["x-queue-type"] = transport.QueueType.ToString().ToLowerInvariant() };

    /// <summary>Provides a virtual host and declares queues in it, without exchanges.</summary>
    protected async Task DeclareAsync(params string[] queues)
    {
        TheSystem = await OrderSystem.StartWithoutProgramsAsync(transport);
        await DoAsync(async channel =>
        {
            foreach (var queue in queues)
            {
                await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, Arguments);
            }
        });
    }

    /// <summary>Starts the console.</summary>
    protected Task StartConsoleAsync(params (string Name, string? Value)[] settings) => TheSystem.StartWorkerAsync(
        services: null,
        [.. Basic.Users, .. FailingOrders.Settings, ("Worker__Role", "Console"), ("Alerts__To", null), ("Faults__Queues__0__Name", Billing.Queue), .. settings]);

    /// <summary>Does something behind the console's back, as the tests' user.</summary>
    protected async Task DoAsync(Func<IChannel, Task> act)
    {
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        await act(channel);
    }

    /// <summary>Puts a message into a queue.</summary>
    protected Task PutAsync(string queue, byte[] body, BasicProperties? properties = null) =>
        DoAsync(channel => channel.BasicPublishAsync("", queue, mandatory: true, properties ?? new BasicProperties(), body).AsTask());

    /// <summary>Takes a message out of a queue, which must come soon.</summary>
    protected async Task<BasicGetResult> TakeAsync(string queue)
    {
        await using var connection = await TheSystem.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        return (await Eventually.GetAsync(
            $"a message in {queue}",
            // Its body is in memory of the client's.
            async cancellationToken => await channel.BasicGetAsync(queue, autoAck: true, cancellationToken) is { } got
                ? new BasicGetResult(got.DeliveryTag, got.Redelivered, got.Exchange, got.RoutingKey, got.MessageCount, got.BasicProperties, got.Body.ToArray())
                : null,
            got => got is not null,
            TimeSpan.FromSeconds(30)))!;
    }

    /// <summary>Has an operator do something to every message of a queue, and waits for the end.</summary>
    protected async Task<FaultOperation> ActAsync(FaultQueue queue, FaultAction action)
    {
        var operations = TheSystem.Worker.GetRequiredService<FaultOperations>();
        var operation = await operations.StartAsync(
            new FaultRequest(queue, action, new FaultFilter(), action == FaultAction.Replay ? null : "by hand"), "olga", CancellationToken.None);
        return (await operations.WaitAsync(operation.Id, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(30)))!;
    }
}
