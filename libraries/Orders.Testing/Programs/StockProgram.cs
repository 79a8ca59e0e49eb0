using System.Collections.Concurrent;
using System.Globalization;
using MassTransit;
using RabbitMQ.Client;

namespace Orders.Testing.Programs;

/// <summary>
/// A program of another team, as MassTransit's documentation shows one: three consumers, the endpoints that follow from them, and
/// nothing of ours. It fails every message until it is repaired.
/// </summary>
public sealed class StockProgram : IAsyncDisposable
{
    /// <summary>The endpoint for invoices. It tries each message twice.</summary>
    public const string Billing = "billing";

    /// <summary>The endpoint for parcels, whose queue is of the other type. It tries each message twice.</summary>
    public const string Shipping = "shipping";

    /// <summary>The endpoint with a quorum queue that tries each message once.</summary>
    public const string StockKeeping = "stock-keeping";

    private readonly ServiceProvider _services;

    private StockProgram(ServiceProvider services) => _services = services;

    /// <summary>What the program does with messages, and has done.</summary>
    public StockWork Work => _services.GetRequiredService<StockWork>();

    /// <summary>Starts it; it has declared its queues then.</summary>
    /// <param name="host">Where the broker is.</param>
    /// <param name="port">The broker's port.</param>
    /// <param name="virtualHost">The program's virtual host.</param>
    /// <param name="username">The program's user.</param>
    /// <param name="password">The user's password.</param>
    /// <param name="isBillingQuorum">Whether the queue for invoices is a quorum queue, and that for parcels a classic one; else the other way round.</param>
    public static async Task<StockProgram> StartAsync(string host, ushort port, string virtualHost, string username, string password, bool isBillingQuorum)
    {
        var services = new ServiceCollection();
        services.AddSingleton<StockWork>();
        services.AddSingleton(new StockQueues(isBillingQuorum));
        services.AddMassTransit(bus =>
        {
            bus.DisableUsageTelemetry();
            bus.SetKebabCaseEndpointNameFormatter();
            bus.AddConsumer<BillingConsumer, BillingConsumerDefinition>();
            bus.AddConsumer<ShippingConsumer, ShippingConsumerDefinition>();
            bus.AddConsumer<StockKeepingConsumer, StockKeepingConsumerDefinition>();
            bus.UsingRabbitMq((context, rabbitMq) =>
            {
                rabbitMq.Host(host, port, virtualHost, with =>
                {
                    with.Username(username);
                    with.Password(password);
                });
                rabbitMq.PrefetchCount = 64;
                rabbitMq.ConfigureEndpoints(context);
            });
        });
        var program = new StockProgram(services.BuildServiceProvider());
        try
        {
            await program._services.GetRequiredService<IBusControl>().StartAsync(TimeSpan.FromSeconds(60));
            return program;
        }
        catch
        {
            await program.DisposeAsync();
            throw;
        }
    }

    /// <summary>Publishes messages, each with a header of its sender; all are on the broker then.</summary>
    /// <typeparam name="T">Their type.</typeparam>
    /// <param name="messages">The messages.</param>
    public async Task PublishAsync<T>(IEnumerable<T> messages)
        where T : class
    {
        var bus = _services.GetRequiredService<IBus>();
        foreach (var portion in messages.Chunk(1_000))
        {
            await Task.WhenAll(portion.Select(message => bus.Publish(message, context => context.Headers.Set("tenant", "north"))));
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _services.GetRequiredService<IBusControl>().StopAsync(TimeSpan.FromSeconds(60));
        await _services.DisposeAsync();
    }
}

/// <summary>Asks for an invoice.</summary>
/// <param name="Invoice">Which one.</param>
/// <param name="Item">What was sold.</param>
/// <param name="TaxRate">The tax rate, as the customer's country writes it.</param>
public sealed record IssueInvoice(Invoice Invoice, string Item, string TaxRate);

/// <summary>An invoice.</summary>
/// <param name="Number">Its number.</param>
public sealed record Invoice(string Number);

/// <summary>Asks for a parcel to be sent.</summary>
/// <param name="Parcel">Its number.</param>
/// <param name="Carrier">Who carries it.</param>
public sealed record ShipParcel(string Parcel, string Carrier);

/// <summary>Tells that an item left the shelf.</summary>
/// <param name="Item">The item's number.</param>
/// <param name="Left">How many are left.</param>
public sealed record ItemTaken(int Item, int Left);

/// <summary>A message as a consumer got it.</summary>
/// <param name="Body">Its body.</param>
/// <param name="Properties">Its properties, with the transport's headers.</param>
public sealed record StockDelivery(byte[] Body, IReadOnlyBasicProperties Properties);

/// <summary>The work of the consumers: it fails, each kind of message in several places, until it is repaired.</summary>
public sealed class StockWork
{
    private static readonly Dictionary<string, decimal> Prices = new() { ["lamp"] = 20, ["chair"] = 50 };

    private volatile bool _isRepaired;

    /// <summary>The first delivery of each message that failed, by what the message is about.</summary>
    public ConcurrentDictionary<string, StockDelivery> Failed { get; } = new();

    /// <summary>Every delivery that was worked off, by what the message is about.</summary>
    public ConcurrentDictionary<string, ConcurrentQueue<StockDelivery>> Done { get; } = new();

    /// <summary>From now on nothing fails.</summary>
    public void Repair() => _isRepaired = true;

    internal void Do(ConsumeContext context, string subject, Action work)
    {
        var received = context.ReceiveContext.GetPayload<RabbitMqBasicConsumeContext>();
        // MassTransit writes on the headers that it has received, when the message fails.
        var delivery = new StockDelivery(
            context.ReceiveContext.Body.GetBytes(), new BasicProperties(received.Properties) { Headers = received.Properties.Headers?.ToDictionary() });
        if (!_isRepaired)
        {
            Failed.TryAdd(subject, delivery);
            work();
        }

        Done.GetOrAdd(subject, _ => new()).Enqueue(delivery);
    }

    internal static void Price(string item) => _ = Prices[item];

    internal static void Tax(string rate) => _ = decimal.Parse(rate, NumberStyles.None, CultureInfo.InvariantCulture);

    internal static void Book(string invoice)
    {
        try
        {
            throw new TimeoutException("The ledger did not answer within 30 s.");
        }
        catch (TimeoutException exception)
        {
            throw new InvalidOperationException($"Invoice {invoice} cannot be booked.", exception);
        }
    }

    internal static void Label(string carrier) => throw new HttpRequestException($"{carrier} answered 503.");

    internal static void Reorder(int left) => ArgumentOutOfRangeException.ThrowIfNegative(left);
}

/// <summary>Issues invoices.</summary>
public sealed class BillingConsumer(StockWork work) : IConsumer<IssueInvoice>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<IssueInvoice> context)
    {
        var (invoice, item, taxRate) = context.Message;
        work.Do(context, invoice.Number, () =>
        {
            StockWork.Price(item);
            StockWork.Tax(taxRate);
            StockWork.Book(invoice.Number);
        });
        return Task.CompletedTask;
    }
}

/// <summary>Sends parcels.</summary>
public sealed class ShippingConsumer(StockWork work) : IConsumer<ShipParcel>
{
    /// <inheritdoc/>
    public async Task Consume(ConsumeContext<ShipParcel> context)
    {
        // What is thrown after an await has a stack trace of two parts.
        await Task.Yield();
        work.Do(context, context.Message.Parcel, () => StockWork.Label(context.Message.Carrier));
    }
}

/// <summary>Counts what is in stock.</summary>
public sealed class StockKeepingConsumer(StockWork work) : IConsumer<ItemTaken>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<ItemTaken> context)
    {
        work.Do(context, context.Message.Item.ToString(CultureInfo.InvariantCulture), () => StockWork.Reorder(context.Message.Left));
        return Task.CompletedTask;
    }
}

internal sealed record StockQueues(bool IsBillingQuorum);

internal sealed class BillingConsumerDefinition(StockQueues queues) : ConsumerDefinition<BillingConsumer>
{
    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<BillingConsumer> consumerConfigurator, IRegistrationContext context)
    {
        endpointConfigurator.UseMessageRetry(retry => retry.Immediate(1));
        if (queues.IsBillingQuorum)
        {
            ((IRabbitMqReceiveEndpointConfigurator)endpointConfigurator).SetQuorumQueue();
        }
    }
}

internal sealed class ShippingConsumerDefinition(StockQueues queues) : ConsumerDefinition<ShippingConsumer>
{
    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<ShippingConsumer> consumerConfigurator, IRegistrationContext context)
    {
        endpointConfigurator.UseMessageRetry(retry => retry.Immediate(1));
        if (!queues.IsBillingQuorum)
        {
            ((IRabbitMqReceiveEndpointConfigurator)endpointConfigurator).SetQuorumQueue();
        }
    }
}

internal sealed class StockKeepingConsumerDefinition : ConsumerDefinition<StockKeepingConsumer>
{
    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator, IConsumerConfigurator<StockKeepingConsumer> consumerConfigurator, IRegistrationContext context) =>
        ((IRabbitMqReceiveEndpointConfigurator)endpointConfigurator).SetQuorumQueue();
}
