using System.Globalization;
using Contracts;
using MassTransit;
using MassTransit.Testing;
using Notifications.Worker.OrderConfirmation;
using Notifications.Worker.Pipeline;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.FaultQueues;
using Orders.FaultQueues.Queues;
using Orders.Ledger;
using Orders.Testing.Machine;
using Orders.Testing.Mail;

namespace Orders.Testing.Programs;

/// <summary>The consumer of a notification with its definition in MassTransit's test harness, its mail server a script.</summary>
internal sealed class NotificationHarness : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly Notification _notification;

    private NotificationHarness(
        Notification notification, ScriptedEmailSender sender, Action<IBusFactoryConfigurator>? configureBus, TimeSpan consumerStopTimeout, int retries, bool remembers)
    {
        _notification = notification;
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "test" });
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Email:From"] = "Acorn Shop <orders@shop.example>",
            [$"{notification.Section}:Retries"] = retries.ToString(CultureInfo.InvariantCulture),
            [$"{notification.Section}:RetryInterval"] = "00:00:00.001",
            ["DelayedRedelivery:Intervals:0"] = "00:00:00.010",
            ["DelayedRedelivery:Intervals:1"] = "00:00:00.020",
            ["DelayedRedelivery:Intervals:2"] = "00:00:00.010",
        });
        builder.Logging.AddProvider(Log).SetMinimumLevel(LogLevel.Debug);
        builder.AddEmail();
        builder.AddPipelineFaults([notification]);
        builder.AddPipeline([notification]);
        if (remembers)
        {
            builder.AddLedger();
            builder.AddDeliveryLedger();
        }

        builder.Services.AddSingleton(services => ((IEmailSender)sender).WithLedger(services));
        builder.Services.AddSingleton<InMemoryFaultTransport>();
        builder.Services.Configure<MassTransitHostOptions>(options =>
        {
            options.WaitUntilStarted = true;
            options.ConsumerStopTimeout = consumerStopTimeout;
        });
        builder.Services.AddMassTransitTestHarness(bus =>
        {
            bus.DisableUsageTelemetry();
            // By default the harness sees nothing more once nothing has happened for 1.2 s.
            bus.SetTestTimeouts(testTimeout: TimeSpan.FromSeconds(30), testInactivityTimeout: TimeSpan.FromSeconds(20));
            bus.AddPipeline([notification]);
            bus.UsingInMemory((context, inMemory) =>
            {
                configureBus?.Invoke(inMemory);
                FaultsRegistration.KeepFaults(context, inMemory);
                inMemory.ConfigureEndpoints(context);
            });
        });
        _host = builder.Build();
    }

    public LogEvents Log { get; } = new();

    public IServiceProvider Services => _host.Services;

    /// <summary>What was published and consumed.</summary>
    public ITestHarness Bus => _host.Services.GetTestHarness();

    /// <param name="sender">The mail server.</param>
    /// <param name="notification">What is sent; the confirmation of an order by default.</param>
    /// <param name="configureBus">Sets more of the bus.</param>
    /// <param name="consumerStopTimeout">How long a consumer may take when the host stops.</param>
    /// <param name="retries">How often a failed send is tried again at once.</param>
    /// <param name="remembers">Whether a ledger remembers what was sent.</param>
    public static async Task<NotificationHarness> StartAsync(
        ScriptedEmailSender sender,
        Notification? notification = null,
        Action<IBusFactoryConfigurator>? configureBus = null,
        TimeSpan? consumerStopTimeout = null,
        int retries = 1,
        bool remembers = false)
    {
        var harness = new NotificationHarness(notification ?? new OrderConfirmationNotification(), sender, configureBus, consumerStopTimeout ?? TimeSpan.FromSeconds(10), retries, remembers);
        await harness._host.StartAsync();
        return harness;
    }

    public Task PlaceAsync(string orderId) =>
        Bus.Bus.Publish(new OrderPlaced(orderId, "customer@example.com", "Laptop", new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero)));

    /// <summary>Waits for the one message of its type that is published.</summary>
    public async Task<T> PublishedAsync<T>()
        where T : class
    {
        Assert.That(await Bus.Published.Any<T>(), Is.True, $"Waited in vain for a {typeof(T).Name}.");
        return PublishedSoFar<T>().Single();
    }

    /// <summary>The messages of a type that are published by now.</summary>
    // Without a cancelled token the harness would wait for more until it went inactive.
    public IEnumerable<T> PublishedSoFar<T>()
        where T : class => Bus.Published.Select<T>(new CancellationToken(canceled: true)).Select(published => published.Context.Message);

    /// <summary>Waits for the one message in the error queue.</summary>
    public async Task<FaultMessage> FaultAsync()
    {
        var faults = _host.Services.GetRequiredService<InMemoryFaultTransport>();
        await Eventually.GetAsync(
            "a message in the error queue",
            cancellationToken => faults.CountAsync(_notification.Endpoint.ErrorQueue, cancellationToken),
            count => count == 1,
            TimeSpan.FromSeconds(20));
        await using var session = await faults.OpenAsync(_notification.Endpoint.ErrorQueue, CancellationToken.None);
        return (await session!.ReadAsync(CancellationToken.None).SingleAsync()).Message;
    }

    /// <summary>Has other programs be told that a message was parked.</summary>
    /// <param name="fault">The message.</param>
    /// <param name="orderId">The order that it is about; <c>null</c> where that is not known.</param>
    public Task AnnounceParkedAsync(FaultMessage fault, string? orderId) =>
        _host.Services.GetRequiredKeyedService<IParkedAnnouncer>(_notification.Endpoint.Queue)
            .AnnounceAsync(fault, orderId, $"{fault.Kind}: {fault.Error}", DateTimeOffset.UnixEpoch, CancellationToken.None);

    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
