using System.Diagnostics;
using Notifications.Worker;
using Orders.Api.Publishing;
using Orders.Testing.Brokers;
using Orders.Testing.Machine;
using Orders.Testing.Programs;
using RabbitMQ.Client;

namespace Orders.Bench.UnderTest;

/// <summary>
/// The programs as their users run them, with their defaults, in a virtual host of their own on a broker, and a mail
/// server that takes everything.
/// </summary>
internal sealed class SystemUnderTest : IAsyncDisposable
{
    /// <summary>How many orders it takes, for each worker, until the runtime has compiled everything of a program for the last time.</summary>
    public const int WarmUpOrders = 10_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly RabbitMqBroker _broker;
    private readonly Dictionary<string, string> _settings;
    private readonly List<RunningProgram> _programs = [];

    private SystemUnderTest(RabbitMqBroker broker, string virtualHost)
    {
        _broker = broker;
        VirtualHost = virtualHost;
        _settings = new(broker.SettingsFor(virtualHost).Select(setting => KeyValuePair.Create(setting.Name, setting.Value)))
        {
            ["Email__Delivery"] = "Smtp",
            ["Email__From"] = "Shop <orders@shop.example>",
            ["Email__Smtp__Host"] = "127.0.0.1",
            ["Email__Smtp__Port"] = $"{Sink.Port}",
            // The sink holds its answers as long as a queue is being filled.
            ["Email__Smtp__ContentTimeout"] = "00:05:00",
            // All orders come from one address. The limit stays in force, but high.
            ["RateLimit__PermitsPerSecond"] = "1000000",
            ["RateLimit__Burst"] = "1000000",
        };
    }

    /// <summary>The mail server.</summary>
    public SmtpSink Sink { get; } = new();

    /// <summary>The virtual host of this system.</summary>
    public string VirtualHost { get; }

    /// <summary>Makes a virtual host with everything that the programs need there.</summary>
    public static async Task<SystemUnderTest> StartAsync(RabbitMqBroker broker)
    {
        var system = new SystemUnderTest(broker, await broker.CreateVirtualHostAsync());
        await Command.RunAsync(RealProgram.Runtime, [typeof(WorkerOptions).Assembly.Location, DeployTopologyCommand.Word], Patience, system._settings);
        return system;
    }

    /// <summary>Makes another one beside it on the same broker, to be measured in turns with it.</summary>
    public Task<SystemUnderTest> StartAnotherAsync() => StartAsync(_broker);

    /// <summary>Starts the API.</summary>
    public Task<RunningProgram> StartApiAsync() => StartAsync(typeof(MessagePublisher));

    /// <summary>Starts a worker.</summary>
    /// <param name="settings">Settings beside the defaults, by the names of their environment variables.</param>
    public Task<RunningProgram> StartWorkerAsync(params (string Name, string Value)[] settings) => StartAsync(typeof(WorkerOptions), settings);

    /// <summary>Connects to the virtual host.</summary>
    public Task<IConnection> ConnectAsync() => _broker.ConnectAsync(VirtualHost);

    /// <summary>Empties the queue of orders.</summary>
    public async Task PurgeAsync()
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync();
        await channel.QueuePurgeAsync(OrderConfirmationEndpoint.Queue);
    }

    /// <summary>Places orders and waits until all their emails were taken.</summary>
    public async Task WarmUpAsync(RunningProgram api, int orders)
    {
        var all = Sink.Expect(orders);
        await ConcurrentLoad.PlaceAsync(api.Port, orders);
        await WaitAsync(all);
    }

    /// <summary>Fills the queue while the mail server keeps the workers waiting, then lets them work it off.</summary>
    /// <returns>The time from then on until the last email was taken.</returns>
    /// <exception cref="BenchmarkException">An order was lost, or emailed twice.</exception>
    public async Task<TimeSpan> WorkOffAsync(RunningProgram api, int orders)
    {
        var all = Sink.Expect(orders);
        Sink.Hold();
        await ConcurrentLoad.PlaceAsync(api.Port, orders);
        var released = Stopwatch.GetTimestamp();
        Sink.Release();
        await WaitAsync(all);
        var elapsed = Stopwatch.GetElapsedTime(released);
        return Sink.Distinct == orders
            ? elapsed
            : throw new BenchmarkException($"{orders} orders were placed, but {Sink.Distinct} different ones emailed, by {Sink.Count} emails.");
    }

    /// <summary>Ends whatever still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var program in _programs)
        {
            await program.DisposeAsync();
        }

        Sink.Dispose();
        await _broker.DeleteVirtualHostAsync(VirtualHost);
    }

    private async Task<RunningProgram> StartAsync(Type partOfIt, params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(_settings);
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        var program = await RunningProgram.StartAsync(partOfIt, all);
        _programs.Add(program);
        return program;
    }

    private async Task WaitAsync(Task all)
    {
        try
        {
            await all.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            throw new BenchmarkException($"After {Patience} only {Sink.Count} emails had come, of {Sink.Distinct} orders.");
        }
    }
}
