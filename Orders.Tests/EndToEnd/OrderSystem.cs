using System.Globalization;
using System.Net.Http.Json;
using MassTransit;
using MassTransit.Serialization;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notifications.Worker.Faults;
using Notifications.Worker.Hosting;
using Notifications.Worker.OrderConfirmation;
using Orders.Api.Orders;
using Orders.Tests.Brokers;
using Orders.Tests.Email;
using RabbitMQ.Client;

namespace Orders.Tests.EndToEnd;

/// <summary>
/// The whole system: the API, the worker and a mail server. In memory they are one program, on a broker two. Every
/// delay is cut short, so that a test sees all of a message's way.
/// </summary>
internal sealed class OrderSystem : IAsyncDisposable
{
    private static readonly (string, string?)[] QuickSettings =
    [
        ("OrderConfirmation__RetryInterval", "00:00:00.010"),
        ("Redelivery__Intervals__0", "00:00:00.050"),
        ("Redelivery__Intervals__1", "00:00:00.050"),
        ("Redelivery__Intervals__2", "00:00:00.100"),
        ("Redeliver__Period", "00:00:00.050"),
        ("Redeliver__Backoff__0", "00:00:00.020"),
        ("Email__Delivery", "Smtp"),
        ("Email__From", "Acorn Shop <orders@shop.example>"),
        ("Email__Smtp__Host", FakeSmtpServer.Host),
        ("Alerts__To", Operator),
    ];

    private readonly RabbitMqBroker? _broker;
    private readonly string? _virtualHost;
    private readonly List<IAsyncDisposable> _programs = [];
    private WebApplicationFactory<OrderPublisher> _api = null!;
    private IServiceProvider _worker = null!;

    private OrderSystem(RabbitMqBroker? broker, string? virtualHost)
    {
        _broker = broker;
        _virtualHost = virtualHost;
    }

    /// <summary>Who is alerted.</summary>
    public const string Operator = "operations@shop.example";

    /// <summary>How often a message is tried before it goes to the error queue: two tries in each of four deliveries.</summary>
    public const int TriesInACycle = 2 * 4;

    public FakeSmtpServer Mail { get; } = FakeSmtpServer.Start();

    public LogEvents Log { get; } = new();

    public HttpClient Http { get; private set; } = null!;

    /// <summary>The worker's own way to its fault queues.</summary>
    public IFaultTransport Faults => _worker.GetRequiredService<IFaultTransport>();

    public IReadOnlyList<ReceivedMail> Confirmations => [.. Mail.Messages.Where(mail => !mail.Recipients.Contains(Operator))];

    public IReadOnlyList<ReceivedMail> Alerts => [.. Mail.Messages.Where(mail => mail.Recipients.Contains(Operator))];

    /// <param name="transport">What carries the messages.</param>
    /// <param name="services">Replaces services of the program that is the worker.</param>
    /// <param name="settings">Settings by the names of their environment variables.</param>
    public static async Task<OrderSystem> StartAsync(
        TransportUnderTest transport, Action<IServiceCollection>? services = null, params (string Name, string? Value)[] settings)
    {
        var broker = transport.Broker is { } kind ? await TestBrokers.SharedAsync(kind) : null;
        var system = new OrderSystem(broker, broker is null ? null : await broker.CreateVirtualHostAsync());
        (string, string?)[] all = [.. QuickSettings, ("Email__Smtp__Port", Invariant(system.Mail.Port)), .. settings];
        if (broker is null)
        {
            system._api = system.Start<OrderPublisher>(services, all);
            system._worker = system._api.Services;
        }
        else
        {
            (string, string?)[] messaging =
            [
                ("Messaging__Transport", "RabbitMq"),
                ("RabbitMq__Host", broker.Host),
                ("RabbitMq__Port", Invariant(broker.Port)),
                ("RabbitMq__VirtualHost", system._virtualHost),
                ("RabbitMq__Username", broker.Username),
                ("RabbitMq__Password", broker.Password),
                ("RabbitMq__QueueType", transport.QueueType.ToString()),
            ];
            var worker = system.Start<WorkerOptions>(services, [.. messaging, .. all]);
            system._worker = worker.Services;
            await ReadyAsync(worker);
            system._api = system.Start<OrderPublisher>(null, messaging);
        }

        await ReadyAsync(system._api);
        system.Http = system._api.CreateClient();
        return system;
    }

    /// <summary>Places an order and expects it to be accepted.</summary>
    public async Task PlaceAsync(string orderId, string email = "customer@example.com", string product = "Laptop")
    {
        using var response = await Http.PostAsJsonAsync("/orders", new { orderId, email, product });
        Assert.That((int)response.StatusCode, Is.EqualTo(202), await response.Content.ReadAsStringAsync());
    }

    /// <summary>Puts bytes straight into the queue, as a program that knows nothing of MassTransit might.</summary>
    public async Task SendRawAsync(byte[] body, string contentType)
    {
        if (_broker is null)
        {
            var endpoint = await _worker.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"queue:{OrderConfirmationEndpoint.Queue}"));
            await endpoint.Send(new Raw(), Pipe.Execute<SendContext<Raw>>(send =>
                send.Serializer = new CopyBodySerializer(new(contentType), new BytesMessageBody(body))));
            return;
        }

        await using var connection = await _broker.ConnectAsync(_virtualHost!);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        await channel.BasicPublishAsync(
            "", OrderConfirmationEndpoint.Queue, mandatory: true, new BasicProperties { ContentType = contentType, Persistent = true }, body);
    }

    /// <summary>Reads a queue of the worker's without touching it.</summary>
    public async Task<IReadOnlyList<FaultMessage>> ReadAsync(string queue)
    {
        var messages = new List<FaultMessage>();
        await using var session = await Faults.TryOpenAsync(queue, CancellationToken.None);
        if (session is not null)
        {
            await foreach (var held in session.ReadAsync(CancellationToken.None))
            {
                messages.Add(held.Message with { Body = held.Message.Body.ToArray() });
            }
        }

        return messages;
    }

    /// <summary>Waits until so many messages are parked, and returns all that are.</summary>
    public async Task<IReadOnlyList<FaultMessage>> WaitForParked(int count)
    {
        await Log.WaitFor<RedeliverJob>(201, count);
        return await Machine.Eventually.GetAsync(
            $"{count} messages in parking",
            _ => ReadAsync(OrderConfirmationEndpoint.ParkingQueue),
            parked => parked.Count >= count,
            TimeSpan.FromSeconds(10));
    }

    public async ValueTask DisposeAsync()
    {
        // Last in, first out: the API before the worker.
        foreach (var program in Enumerable.Reverse(_programs))
        {
            await program.DisposeAsync();
        }

        await Mail.DisposeAsync();
        if (_virtualHost is not null)
        {
            await _broker!.DeleteVirtualHostAsync(_virtualHost);
        }
    }

    private WebApplicationFactory<TProgram> Start<TProgram>(Action<IServiceCollection>? services, IEnumerable<(string Name, string? Value)> settings)
        where TProgram : class
    {
        var program = new WebApplicationFactory<TProgram>().WithWebHostBuilder(host =>
        {
            foreach (var (name, value) in settings)
            {
                host.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }

            host.ConfigureLogging(logging => logging.AddProvider(Log).AddFilter<LogEvents>(null, LogLevel.Debug));
            host.ConfigureServices(collection => services?.Invoke(collection));
        });
        _programs.Add(program);
        program.StartServer();
        return program;
    }

    private static async Task ReadyAsync<TProgram>(WebApplicationFactory<TProgram> program)
        where TProgram : class
    {
        using var http = program.CreateClient();
        await Machine.Eventually.GetAsync(
            $"{typeof(TProgram).Assembly.GetName().Name} is ready",
            async cancellationToken => (int)(await http.GetAsync(new Uri("/health/ready", UriKind.Relative), cancellationToken)).StatusCode,
            status => status == 200,
            TimeSpan.FromSeconds(30));
    }

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>MassTransit sends objects; the serializer puts the bytes in this one's place.</summary>
    private sealed record Raw;
}
