using System.Globalization;
using System.Text.Json;
using Contracts;
using MassTransit;
using MassTransit.Serialization;
using Microsoft.AspNetCore.Mvc.Testing;
using Notifications.Worker;
using Orders.Api.Publishing;
using Orders.FaultQueues;
using Orders.FaultQueues.Job;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using Orders.Testing.Brokers;
using Orders.Testing.Machine;
using Orders.Testing.Mail;
using Orders.Testing.Network;
using RabbitMQ.Client;

namespace Orders.Testing.Programs;

/// <summary>
/// The whole system: the API, the worker and a mail server. In memory they are one program, on a broker two. Every
/// delay is cut short, so that a test sees all of a message's way.
/// </summary>
internal sealed class OrderSystem : IAsyncDisposable
{
    private static readonly (string Name, string? Value)[] QuickSettings =
    [
        .. NotificationsRegistration.All.Select(notification => ($"{notification.Section}__RetryInterval", (string?)"00:00:00.010")),
        ("DelayedRedelivery__Intervals__0", "00:00:00.050"),
        ("DelayedRedelivery__Intervals__1", "00:00:00.050"),
        ("DelayedRedelivery__Intervals__2", "00:00:00.100"),
        ("Replay__Period", "00:00:00.050"),
        ("Replay__Backoff__0", "00:00:00.020"),
        ("Email__Delivery", "Smtp"),
        ("Email__From", "Acorn Shop <orders@shop.example>"),
        ("Email__Smtp__Host", FakeSmtpServer.Host),
        ("Email__Outage__FirstPause", "00:00:00.050"),
        ("Email__Outage__LongestPause", "00:00:00.200"),
        ("Alerts__To", Operator),
        .. WithoutLimits,
    ];

    /// <summary>A test sends from one address what a shop gets from thousands.</summary>
    private static (string Name, string? Value)[] WithoutLimits => [("RateLimit__PermitsPerSecond", "0"), ("RateLimit__FailedSignInsPerMinute", "0")];

    /// <summary>What the names of settings begin with that both programs must be told.</summary>
    private const string LedgerSettings = "Ledger__";

    private readonly RabbitMqBroker? _broker;
    private readonly string? _virtualHost;
    private RabbitMqBroker? _ownBroker;
    private TcpProxy? _network;
    private readonly TransportUnderTest _transport;
    private readonly List<IAsyncDisposable> _programs = [];
    private WebApplicationFactory<MessagePublisher> _api = null!;
    private IServiceProvider _worker = null!;

    private OrderSystem(TransportUnderTest transport, RabbitMqBroker? broker, string? virtualHost)
    {
        _transport = transport;
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

    /// <summary>To the program that is the worker.</summary>
    public HttpClient WorkerHttp { get; private set; } = null!;

    /// <summary>The way between the programs and the broker, where the test asked for one of its own.</summary>
    public TcpProxy Network => _network ?? throw new InvalidOperationException("The test has not asked for a network.");

    /// <summary>The services of the API.</summary>
    public IServiceProvider Api => _api.Services;

    /// <summary>The services of the program that is the worker.</summary>
    public IServiceProvider Worker => _worker;

    /// <summary>The worker's own way to its fault queues.</summary>
    public IFaultTransport Faults => _worker.GetRequiredService<IFaultTransport>();

    public IReadOnlyList<ReceivedMail> Confirmations => EmailsOf("order-confirmation");

    /// <summary>The ids of the orders that were confirmed, one for each email.</summary>
    public IEnumerable<string> ConfirmedOrders =>
        Confirmations.Select(mail => mail.MessageId["<order-confirmation-".Length..mail.MessageId.IndexOf('@', StringComparison.Ordinal)]);

    /// <summary>The emails that were sent of a notification, by its name.</summary>
    public IReadOnlyList<ReceivedMail> EmailsOf(string notification) =>
        [.. Mail.Messages.Where(mail => mail.MessageId.StartsWith($"<{notification}-", StringComparison.Ordinal))];

    public IReadOnlyList<ReceivedMail> Alerts => [.. Mail.Messages.Where(mail => mail.Recipients.Contains(Operator))];

    /// <summary>Starts the API and a worker that does everything.</summary>
    /// <param name="transport">What carries the messages.</param>
    /// <param name="services">Replaces services of the program that is the worker.</param>
    /// <param name="settings">Settings by the names of their environment variables.</param>
    public static async Task<OrderSystem> StartAsync(
        TransportUnderTest transport, Action<IServiceCollection>? services = null, params (string Name, string? Value)[] settings)
    {
        if (transport.Broker is not null)
        {
            var system = await StartWithoutProgramsAsync(transport);
            await system.StartWorkerAsync(services, settings);
            await system.StartApiAsync([.. settings.Where(setting => setting.Name.StartsWith(LedgerSettings, StringComparison.Ordinal))]);
            return system;
        }

        var inMemory = new OrderSystem(transport, null, null);
        inMemory._api = inMemory.Start<MessagePublisher>(services, [.. inMemory.WorkerSettings, .. settings]);
        inMemory._worker = inMemory._api.Services;
        inMemory.Http = inMemory.WorkerHttp = await ReadyAsync(inMemory._api);
        return inMemory;
    }

    /// <summary>
    /// Starts the system in memory on a port of loopback, for browsers, other programs, and what asks where a request comes from.
    /// </summary>
    /// <param name="environment">The hosting environment.</param>
    /// <param name="settings">Settings by the names of their environment variables.</param>
    public static Task<OrderSystem> ServeAsync(string environment, params (string Name, string? Value)[] settings) =>
        ServeAsync(environment, null, settings);

    /// <summary>The same with other services.</summary>
    public static async Task<OrderSystem> ServeAsync(
        string environment, Action<IServiceCollection>? services, params (string Name, string? Value)[] settings)
    {
        var system = new OrderSystem(TransportUnderTest.InMemory, null, null);
        system._api = system.Start<MessagePublisher>(services, [.. system.WorkerSettings, .. settings], environment);
        system._worker = system._api.Services;
        system.Http = await ReadyAsync(system._api);
        return system;
    }

    /// <summary>Provides a mail server and an empty virtual host; the test starts the programs that it wants.</summary>
    /// <param name="transport">A transport on a broker.</param>
    /// <param name="ownBroker">A broker for this system alone, which is ended with it; by default the one that the tests share.</param>
    /// <param name="ownNetwork">Whether the programs' way to the broker is <see cref="Network"/>.</param>
    public static async Task<OrderSystem> StartWithoutProgramsAsync(
        TransportUnderTest transport, RabbitMqBroker? ownBroker = null, bool ownNetwork = false)
    {
        var broker = ownBroker ?? await TestBrokers.SharedAsync(transport.Broker!.Value);
        return new OrderSystem(transport, broker, await broker.CreateVirtualHostAsync())
        {
            _ownBroker = ownBroker,
            _network = ownNetwork ? TcpProxy.To(broker.Port) : null,
        };
    }

    /// <summary>Starts a worker in this process.</summary>
    public async Task StartWorkerAsync(Action<IServiceCollection>? services = null, params (string Name, string? Value)[] settings)
    {
        var worker = Start<WorkerOptions>(services, [.. MessagingSettings, .. WorkerSettings, .. settings]);
        _worker = worker.Services;
        WorkerHttp = await ReadyAsync(worker);
    }

    /// <summary>Starts a worker as a process of its own, to be killed.</summary>
    public Task<Server> StartWorkerProcessAsync(params (string Name, string? Value)[] settings) => StartWorkerProcessAsync(onLine: null, settings);

    /// <summary>The same, for who reads every line that it writes.</summary>
    public Task<Server> StartWorkerProcessAsync(Action<string>? onLine, params (string Name, string? Value)[] settings) =>
        StartProcessAsync(typeof(WorkerOptions).Assembly.Location, onLine, settings);

    /// <summary>Starts any build of the API or the worker as a process of its own, with the settings of both.</summary>
    /// <param name="assembly">The path of the program.</param>
    /// <param name="onLine">Is given every line that it writes; several at once may come.</param>
    /// <param name="settings">Further settings by the names of their environment variables.</param>
    public Task<Server> StartProcessAsync(string assembly, Action<string>? onLine, params (string Name, string? Value)[] settings)
    {
        var environment = new Dictionary<string, string>
        {
            ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
            ["Logging__LogLevel__MassTransit"] = "Information",
        };
        foreach (var (name, value) in MessagingSettings.Concat(WorkerSettings).Concat(WithoutLimits).Concat(settings))
        {
            environment[name] = value!;
        }

        return Server.StartAsync(
            "dotnet",
            [assembly],
            line => line.Contains("Bus started", StringComparison.Ordinal),
            TimeSpan.FromSeconds(60),
            environment,
            onLine);
    }

    /// <summary>Makes the deployment's users on the broker.</summary>
    public Task DeployUsersAsync() => BrokerUsers.CreateAsync(_broker!, _virtualHost!);

    /// <summary>Gives a user of the broker permissions, in the place of those that it had.</summary>
    public Task SetPermissionsAsync(BrokerUsers.Permission permission) => BrokerUsers.SetAsync(_broker!, _virtualHost!, permission);

    /// <summary>Makes all that the programs need on the broker, which has the users.</summary>
    public async Task DeployTopologyAsync(params (string Name, string? Value)[] settings)
    {
        var ended = await TryDeployTopologyAsync(BrokerUsers.Topology, settings);
        Assert.That(ended.ExitCode, Is.Zero, string.Join(' ', ended.Errors));
    }

    /// <summary>The same as the tests' own user, who may do everything.</summary>
    public async Task DeployTopologyAsTestsAsync(params (string Name, string? Value)[] settings)
    {
        var ended = await RunWorkerAsync([DeployTopologyCommand.Word], settings);
        Assert.That(ended.ExitCode, Is.Zero, string.Join(' ', ended.Errors));
    }

    /// <summary>Has one of the deployment's users try to.</summary>
    public Task<RealProgram.Ended> TryDeployTopologyAsync(string user, params (string Name, string? Value)[] settings) =>
        RunWorkerAsync([DeployTopologyCommand.Word], [.. settings, .. BrokerUsers.SettingsOf(user)]);

    /// <summary>Runs the worker as a process of its own, with a command line, to its end.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="settings">Further settings; <c>null</c> for none of those that are there otherwise.</param>
    public Task<RealProgram.Ended> RunWorkerAsync(string[] arguments, params (string Name, string? Value)[] settings) => RealProgram.Worker.RunAsync(
        arguments, [.. MessagingSettings.Concat(WorkerSettings).Concat(settings).Select(setting => (setting.Name, setting.Value ?? ""))]);

    /// <summary>Starts the API in this process.</summary>
    public async Task StartApiAsync(params (string Name, string? Value)[] settings)
    {
        _api = Start<MessagePublisher>(null, [.. MessagingSettings, .. WithoutLimits, .. settings]);
        Http = await ReadyAsync(_api);
    }

    /// <summary>Waits until the API and the worker of this process say that they are ready, or that they are not.</summary>
    public async Task WaitForReadinessAsync(bool ready, TimeSpan within)
    {
        await WaitForAsync(Http, nameof(Http));
        await WaitForAsync(WorkerHttp, nameof(Worker));

        Task WaitForAsync(HttpClient http, string program) => Eventually.GetAsync(
            $"{program} {(ready ? "ready" : "not ready")}", cancellationToken => StatusAsync(http, cancellationToken), status => status == (ready ? 200 : 503), within);
    }

    /// <summary>Counts what is ready in a queue; 0 where there is no such queue.</summary>
    public async Task<uint> CountAsync(string queue) => await _broker!.CountMessagesAsync(_virtualHost!, queue) ?? 0;

    /// <summary>Waits until so many messages are ready in a queue; for a minute, unless said otherwise.</summary>
    public Task WaitForCountAsync(string queue, uint count, TimeSpan? within = null) => Eventually.GetAsync(
        $"{count} messages in {queue}", _ => CountAsync(queue), found => found == count, within ?? TimeSpan.FromSeconds(60));

    public string BrokerVersion => _broker!.Version;

    /// <summary>How a program would be told to connect to the virtual host.</summary>
    public RabbitMqOptions BrokerOptions => new()
    {
        Host = _broker!.Host,
        Port = _broker.Port,
        VirtualHost = _virtualHost!,
        Username = _broker.Username,
        Password = _broker.Password,
        QueueType = _transport.QueueType,
    };

    /// <summary>Connects to the virtual host, for what a test does behind the programs' backs.</summary>
    public Task<IConnection> ConnectAsync() => _broker!.ConnectAsync(_virtualHost!);

    /// <summary>Connects to the virtual host as one of the deployment's users.</summary>
    public Task<IConnection> ConnectAsync(string user) => _broker!.ConnectAsync(_virtualHost!, user, BrokerUsers.PasswordOf(user));

    /// <summary>Runs <c>rabbitmqctl</c> for the virtual host.</summary>
    public Task<string> RunCtlAsync(string command, params IEnumerable<string> arguments) =>
        _broker!.RunCtlAsync([command, "--vhost", _virtualHost!, .. arguments]);

    /// <summary>Runs <c>rabbitmqctl</c> for the broker as a whole.</summary>
    public Task<string> RunBrokerCtlAsync(params IEnumerable<string> arguments) => _broker!.RunCtlAsync(arguments);

    /// <summary>Places an order and expects it to be accepted.</summary>
    public async Task PlaceAsync(string orderId, string email = "customer@example.com", string product = "Laptop")
    {
        using var response = await Http.PostAsJsonAsync("/orders", new { orderId, email, product });
        Assert.That((int)response.StatusCode, Is.EqualTo(202), await response.Content.ReadAsStringAsync());
    }

    /// <summary>Puts many orders straight into the queue, as they are on a broker: 0, 1, 2 and so on.</summary>
    /// <param name="count">How many.</param>
    /// <param name="email">The customer of each.</param>
    public async Task PublishOrdersAsync(int count, Func<int, string> email)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        var properties = new BasicProperties { ContentType = "application/json", Persistent = true };
        foreach (var portion in Enumerable.Range(0, count).Chunk(500))
        {
            await Task.WhenAll(portion.Select(number => channel.BasicPublishAsync(
                "",
                OrderConfirmationEndpoint.Queue,
                mandatory: true,
                properties,
                JsonSerializer.SerializeToUtf8Bytes(
                    new OrderPlaced(number.ToString(CultureInfo.InvariantCulture), email(number), "Laptop", DateTimeOffset.UtcNow), JsonSerializerOptions.Web)).AsTask()));
        }
    }

    /// <summary>Puts bytes straight into the queue, as a program that knows nothing of MassTransit might.</summary>
    /// <param name="body">The body.</param>
    /// <param name="contentType">What it is said to be, if anything.</param>
    /// <param name="configure">Sets more of AMQP's properties; in memory there are none.</param>
    /// <param name="queue">Which queue.</param>
    public async Task SendRawAsync(byte[] body, string? contentType, Action<BasicProperties>? configure = null, string queue = OrderConfirmationEndpoint.Queue)
    {
        if (_broker is null)
        {
            var endpoint = await _worker.GetRequiredService<IBus>().GetSendEndpoint(new Uri($"queue:{queue}"));
            await endpoint.Send(new Raw(), Pipe.Execute<SendContext<Raw>>(send =>
                send.Serializer = new CopyBodySerializer(new(contentType!), new BytesMessageBody(body))));
            return;
        }

        var properties = new BasicProperties { ContentType = contentType, Persistent = true, Headers = new Dictionary<string, object?>() };
        configure?.Invoke(properties);
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        await channel.BasicPublishAsync("", queue, mandatory: true, properties, body);
    }

    /// <summary>Reads a queue of the worker's without touching it.</summary>
    public async Task<IReadOnlyList<FaultMessage>> ReadAsync(string queue)
    {
        var messages = new List<FaultMessage>();
        await using var session = await Faults.OpenAsync(queue, CancellationToken.None);
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
        // The last one has been tried, delayed and replayed a dozen times.
        await Log.WaitFor<RedeliverJob>(201, count, TimeSpan.FromSeconds(60));
        return await Eventually.GetAsync(
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
        if (_network is not null)
        {
            await _network.DisposeAsync();
        }

        if (_ownBroker is not null)
        {
            await _ownBroker.DisposeAsync();
        }
        else if (_virtualHost is not null)
        {
            await _broker!.DeleteVirtualHostAsync(_virtualHost);
        }
    }

    private (string Name, string? Value)[] WorkerSettings => [.. QuickSettings, ("Email__Smtp__Port", Invariant(Mail.Port))];

    private (string Name, string? Value)[] MessagingSettings =>
    [
        .. _broker!.SettingsFor(_virtualHost!, _network?.Port),
        ("RabbitMq__QueueType", _transport.QueueType.ToString()),
    ];

    private WebApplicationFactory<TProgram> Start<TProgram>(
        Action<IServiceCollection>? services, IEnumerable<(string Name, string? Value)> settings, string? servedIn = null)
        where TProgram : class
    {
        var program = new WebApplicationFactory<TProgram>().WithWebHostBuilder(host =>
        {
            if (servedIn is not null)
            {
                host.UseEnvironment(servedIn);
                host.UseUrls("http://127.0.0.1:0");
            }

            foreach (var (name, value) in settings)
            {
                host.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }

            host.ConfigureLogging(logging => logging.ClearProviders().AddProvider(Log).AddFilter<LogEvents>(null, LogLevel.Debug));
            host.ConfigureServices(collection => services?.Invoke(collection));
        });
        _programs.Add(program);
        if (servedIn is not null)
        {
            program.UseKestrel();
        }

        program.StartServer();
        return program;
    }

    private static async Task<HttpClient> ReadyAsync<TProgram>(WebApplicationFactory<TProgram> program)
        where TProgram : class
    {
        var http = program.CreateClient();
        await Eventually.GetAsync(
            $"{typeof(TProgram).Assembly.GetName().Name} is ready",
            cancellationToken => StatusAsync(http, cancellationToken),
            status => status == 200,
            TimeSpan.FromSeconds(60));
        return http;
    }

    private static async Task<int> StatusAsync(HttpClient http, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(new Uri("/health/ready", UriKind.Relative), cancellationToken);
        return (int)response.StatusCode;
    }

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>MassTransit sends objects; the serializer puts the bytes in this one's place.</summary>
    private sealed record Raw;
}
