using System.Text;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Orders.FaultQueues;
using Orders.FaultQueues.Operations;
using Orders.Messaging;
using RabbitMQ.Client;

namespace Orders.Tests.FaultQueues;

/// <summary>What another program gets when its message is replayed.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.OnBrokers))]
internal sealed class ForeignReplayTests(TransportUnderTest transport) : ForeignQueuesTests(transport)
{
    [TestCase(false, TestName = "{m}(envelope)")]
    [TestCase(true, TestName = "{m}(raw JSON)")]
    public async Task A_stock_program_gets_byte_for_byte_what_it_got_the_first_time(bool isRaw)
    {
        await DeclareAsync();
        await using var program = await StockProgram.StartAsync(TheSystem.BrokerOptions, isRaw);
        await program.Bus.Publish(new InvoiceSent("42"), publish =>
        {
            publish.CorrelationId = Guid.NewGuid();
            publish.Headers.Set("x-tenant", "acorn");
        });
        var first = await program.WaitForAsync(1);
        await TheSystem.WaitForCountAsync(Billing.ErrorQueue, 1);
        await StartConsoleAsync();

        var operation = await ActAsync(Billing.Error, FaultAction.Replay);
        var second = await program.WaitForAsync(2);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((operation.State, operation.Done), Is.EqualTo((OperationState.Done, 1)), operation.Error);
            Assert.That(second.Body, Is.EqualTo(first.Body));
            Assert.That(
                second.Headers,
                Is.EqualTo(first.Headers.Append($"{FaultHeaders.RedeliverCount}: 1").Order()),
                "the headers, with the count of replays and no other");
            Assert.That(second.Properties, Is.EqualTo(first.Properties));
        }
    }

    [Test]
    public async Task A_program_without_an_exchange_gets_its_message_with_all_of_its_properties()
    {
        await DeclareAsync(Billing.Queue, Billing.ErrorQueue, "copies");
        var body = "{ \"invoice\" :\t42,\n \"sum\": 1.0 }"u8.ToArray();
        await PutAsync(Billing.ErrorQueue, body, new BasicProperties
        {
            AppId = "shop",
            ContentEncoding = "utf-8",
            ContentType = "application/json",
            CorrelationId = "order-7",
            DeliveryMode = DeliveryModes.Persistent,
            MessageId = "m-1",
            Priority = 3,
            ReplyTo = "answers",
            Timestamp = new AmqpTimestamp(1_795_000_000),
            Type = "invoice",
            Headers = new Dictionary<string, object?> { ["tenant"] = "acorn", ["attempt"] = 2L, ["MT-Fault-Message"] = "No such customer", ["CC"] = new List<object?> { "copies" } },
        });
        await DoAsync(channel => channel.QueuePurgeAsync("copies"));
        await StartConsoleAsync();

        var operation = await ActAsync(Billing.Error, FaultAction.Replay);
        var replayed = await TakeAsync(Billing.Queue);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((operation.State, operation.Done), Is.EqualTo((OperationState.Done, 1)), operation.Error);
            Assert.That(replayed.Body.ToArray(), Is.EqualTo(body));
            Assert.That(
                StockProgram.Describe(replayed.BasicProperties),
                Is.EqualTo("shop utf-8 application/json order-7 Persistent m-1 3 answers 1795000000 invoice"));
            Assert.That(
                StockProgram.HeadersOf(replayed.BasicProperties), Is.EqualTo(["attempt: 2", "tenant: acorn", "x-left-out: CC", "x-redeliver-count: 1"]));
            Assert.That(await TheSystem.CountAsync("copies"), Is.Zero, "Who had a copy of the message does not get it again.");
        }
    }

    [Test]
    public async Task Behind_an_exchange_that_leads_nowhere_the_message_stays_and_the_operation_says_so()
    {
        await DeclareAsync(Billing.Queue, Billing.ErrorQueue);
        await DoAsync(channel => channel.ExchangeDeclareAsync(Billing.Queue, ExchangeType.Fanout, durable: true));
        await PutAsync(Billing.ErrorQueue, "one"u8.ToArray());
        await StartConsoleAsync();

        var operation = await ActAsync(Billing.Error, FaultAction.Replay);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((operation.State, operation.Done, operation.Refused), Is.EqualTo((OperationState.Failed, 0, 1)));
            Assert.That(operation.Error, Does.Contain("billing: NO_ROUTE"));
            Assert.That(await TheSystem.ReadAsync(Billing.ErrorQueue), Has.Count.EqualTo(1));
            Assert.That(await TheSystem.CountAsync(Billing.Queue), Is.Zero);
        }
    }

    [Test]
    public async Task An_exchange_that_goes_is_no_obstacle()
    {
        await DeclareAsync(Billing.Queue, Billing.ErrorQueue);
        await DoAsync(async channel =>
        {
            await channel.ExchangeDeclareAsync(Billing.Queue, ExchangeType.Fanout, durable: true);
            await channel.QueueBindAsync(Billing.Queue, Billing.Queue, "");
        });
        await StartConsoleAsync();
        await PutAsync(Billing.ErrorQueue, "one"u8.ToArray());
        await ActAsync(Billing.Error, FaultAction.Replay);
        var one = await TakeAsync(Billing.Queue);

        await DoAsync(channel => channel.ExchangeDeleteAsync(Billing.Queue));
        await PutAsync(Billing.ErrorQueue, "two"u8.ToArray());
        await ActAsync(Billing.Error, FaultAction.Replay);
        var two = await TakeAsync(Billing.Queue);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((Encoding.UTF8.GetString(one.Body.Span), one.Exchange), Is.EqualTo(("one", Billing.Queue)));
            Assert.That((Encoding.UTF8.GetString(two.Body.Span), two.Exchange), Is.EqualTo(("two", "")));
        }
    }
}

/// <summary>A message of the other program.</summary>
public sealed record InvoiceSent(string Number);

/// <summary>A program as its team has written it, with MassTransit and nothing of ours: it fails the first time and succeeds the second.</summary>
internal sealed class StockProgram : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly List<Received> _received = [];

    private StockProgram(RabbitMqOptions broker, bool isRaw) => _services = new ServiceCollection().AddLogging().AddMassTransit(bus =>
    {
        bus.DisableUsageTelemetry();
        bus.UsingRabbitMq((_, rabbit) =>
        {
            rabbit.Host(broker.Host, (ushort)broker.Port!, broker.VirtualHost, host =>
            {
                host.Username(broker.Username!);
                host.Password(broker.Password!);
            });
            if (isRaw)
            {
                rabbit.UseRawJsonSerializer(RawSerializerOptions.AddTransportHeaders | RawSerializerOptions.CopyHeaders, isDefault: true);
            }

            rabbit.ReceiveEndpoint("billing", endpoint =>
            {
                if (broker.QueueType == QueueType.Quorum)
                {
                    endpoint.SetQuorumQueue();
                }

                endpoint.Handler<InvoiceSent>(Handle);
            });
        });
    }).BuildServiceProvider();

    public IBusControl Bus => _services.GetRequiredService<IBusControl>();

    public static async Task<StockProgram> StartAsync(RabbitMqOptions broker, bool isRaw)
    {
        var program = new StockProgram(broker, isRaw);
        await program.Bus.StartAsync(new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token);
        return program;
    }

    /// <summary>Waits for the message's delivery of that number.</summary>
    public async Task<Received> WaitForAsync(int number) => (await Eventually.GetAsync(
        $"delivery {number}", _ => Task.FromResult(Snapshot()), received => received.Count >= number, TimeSpan.FromSeconds(30)))[number - 1];

    public async ValueTask DisposeAsync()
    {
        await Bus.StopAsync(TimeSpan.FromSeconds(10));
        await _services.DisposeAsync();
    }

    /// <summary>The properties but for the headers, in one line.</summary>
    public static string Describe(IReadOnlyBasicProperties properties) => string.Join(
        ' ',
        properties.AppId,
        properties.ContentEncoding,
        properties.ContentType,
        properties.CorrelationId,
        properties.DeliveryMode,
        properties.MessageId,
        properties.Priority,
        properties.ReplyTo,
        properties.Timestamp.UnixTime,
        properties.Type);

    /// <summary>The headers, but for what the broker and its client count.</summary>
    public static IReadOnlyList<string> HeadersOf(IReadOnlyBasicProperties properties)
    {
        var message = FaultMessage.Of(properties, ReadOnlyMemory<byte>.Empty);
        return
        [
            .. message.Headers.Keys
                .Where(name => name is not ("x-dotnet-pub-seq-no" or "x-acquired-count" or "x-delivery-count"))
                .Select(name => $"{name}: {message.Text(name)}")
                .Order(),
        ];
    }

    private List<Received> Snapshot()
    {
        lock (_received)
        {
            return [.. _received];
        }
    }

    private Task Handle(ConsumeContext<InvoiceSent> context)
    {
        var properties = context.ReceiveContext.GetPayload<RabbitMqBasicConsumeContext>().Properties;
        var received = new Received(context.ReceiveContext.Body.GetString(), HeadersOf(properties), Describe(properties));
        lock (_received)
        {
            _received.Add(received);
            return _received.Count == 1 ? throw new InvalidOperationException("There is no such customer.") : Task.CompletedTask;
        }
    }

    /// <summary>A message as the program got it.</summary>
    internal sealed record Received(string Body, IReadOnlyList<string> Headers, string Properties);
}
