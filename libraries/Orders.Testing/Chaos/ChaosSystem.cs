using System.Collections.Concurrent;
using System.Globalization;
using Notifications.Worker;
using Orders.Api.Publishing;
using Orders.FaultQueues;
using Orders.Testing.Brokers;
using Orders.Testing.Ledger;
using Orders.Testing.Machine;
using Orders.Testing.Network;
using Orders.Testing.Programs;
using RabbitMQ.Client;

namespace Orders.Testing.Chaos;

/// <summary>
/// The real programs as processes of their own, a broker and a ledger for them alone, and a mail server that misbehaves. The
/// programs reach the broker over ways that can be cut.
/// </summary>
internal sealed class ChaosSystem : IAsyncDisposable
{
    /// <summary>Who is alerted.</summary>
    public const string Operator = "operations@shop.example";

    /// <summary>How many messages one worker holds at the same time.</summary>
    public const int Prefetch = 8;

    /// <summary>How many workers there are.</summary>
    public const int Workers = 2;

    /// <summary>How long a worker waits from the begin of an email's content for the mail server to take it.</summary>
    public static readonly TimeSpan ContentTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan StartTime = TimeSpan.FromMinutes(2);

    private readonly RabbitMqBroker _broker;
    private readonly string _virtualHost;
    private readonly Cleanup _servers;
    private readonly ConcurrentQueue<string> _sentAgain = [];
    private readonly TcpProxy _apiToBroker;
    private readonly TcpProxy _workersToBroker;
    private readonly List<ChaosProgram> _workers = [];
    private readonly string _apiUrl = $"http://127.0.0.1:{Ports.Free(1)[0]}";
    private int _nextWorker;

    private ChaosSystem(Cleanup servers, RabbitMqBroker broker, string virtualHost, ValkeyServer ledger)
    {
        _servers = servers;
        _broker = broker;
        _virtualHost = virtualHost;
        _apiToBroker = TcpProxy.To(broker.Port);
        _workersToBroker = TcpProxy.To(broker.Port);
        Http = new HttpClient { BaseAddress = new Uri(_apiUrl), Timeout = TimeSpan.FromSeconds(20) };
        Api = new ChaosProgram(typeof(MessagePublisher), [("ASPNETCORE_URLS", _apiUrl), ("RateLimit__PermitsPerSecond", "0"), .. Messaging(_apiToBroker), .. ledger.Settings]);
        Redeliver = new ChaosProgram(typeof(WorkerOptions), WorkerSettings("Faults"));
        _workers.AddRange(Enumerable.Range(0, Workers).Select(_ => new ChaosProgram(
            typeof(WorkerOptions), [.. WorkerSettings("Confirmations"), .. ledger.Settings], ReadLine)));
    }

    public string BrokerVersion => _broker.Version;

    public MisbehavingMailServer Mail { get; } = new();

    /// <summary>The orders that a worker emailed because another one was killed over their email, each as often as a worker said so.</summary>
    public IReadOnlyCollection<string> SentAgain => _sentAgain;

    /// <summary>The API.</summary>
    public HttpClient Http { get; }

    private ChaosProgram Api { get; }

    private ChaosProgram Redeliver { get; }

    private IEnumerable<ChaosProgram> Programs => [Redeliver, .. _workers, Api];

    /// <summary>Starts everything; returns when an order would be accepted.</summary>
    public static async Task<ChaosSystem> StartAsync(BrokerKind kind)
    {
        var servers = new Cleanup();
        ChaosSystem? system = null;
        try
        {
            var ledger = servers.Add(await ValkeyServer.StartNewAsync());
            var broker = servers.Add(await TestBrokers.StartAsync(kind));
            system = new ChaosSystem(servers, broker, await broker.CreateVirtualHostAsync(), ledger);
            foreach (var program in system.Programs)
            {
                await program.StartAsync();
            }

            await system.WaitUntilReadyAsync();
            return system;
        }
        catch
        {
            await (system?.DisposeAsync().AsTask() ?? servers.RunAsync());
            throw;
        }
    }

    /// <summary>Breaks something until what it returns is called.</summary>
    public async Task<Func<Task>> BreakAsync(ChaosFault fault)
    {
        switch (fault)
        {
            case ChaosFault.BrokerKilled:
                await _broker.KillAsync();
                return _broker.StartAsync;

            case ChaosFault.BrokerStopped:
                await _broker.RunCtlAsync("stop_app");
                return () => _broker.RunCtlAsync("start_app");

            case ChaosFault.BrokerOutOfMemory:
                await _broker.RunCtlAsync("set_vm_memory_high_watermark", "absolute", "1");
                return () => _broker.RunCtlAsync("set_vm_memory_high_watermark", "0.4");

            case ChaosFault.ApiCutOff:
                _apiToBroker.Cut();
                return Mend(_apiToBroker);

            case ChaosFault.WorkersCutOff:
                _workersToBroker.Cut();
                return Mend(_workersToBroker);

            case ChaosFault.ConnectionsClosed:
                _apiToBroker.CloseConnections();
                _workersToBroker.CloseConnections();
                return () => Task.CompletedTask;

            case ChaosFault.WorkerKilled:
                return await KillAsync(_workers[_nextWorker++ % _workers.Count]);

            case ChaosFault.RedeliverKilled:
                return await KillAsync(Redeliver);

            case ChaosFault.ApiKilled:
                return await KillAsync(Api);

            default:
                return await Mail.MisbehaveAsync(fault);
        }
    }

    /// <summary>Puts a message that is no order into the workers' queue.</summary>
    /// <returns>Whether the broker confirmed it; otherwise it may be there or not.</returns>
    public async Task<bool> SendUnreadableAsync()
    {
        try
        {
            await using var connection = await _broker.ConnectAsync(_virtualHost);
            await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            var properties = new BasicProperties { ContentType = "application/vnd.masstransit+json", Persistent = true };
            await channel.BasicPublishAsync("", OrderConfirmationEndpoint.Queue, mandatory: true, properties, "no order"u8.ToArray(), timeout.Token);
            return true;
        }
        catch (Exception)
        {
            // The broker is what is broken just now.
            return false;
        }
    }

    /// <summary>Waits until every message has come to its end: an email, or parking.</summary>
    /// <exception cref="TimeoutException">Something is stuck; the message says in which queues.</exception>
    public async Task WaitUntilSettledAsync(TimeSpan within)
    {
        await WaitUntilReadyAsync();
        // Twice: between two looks of the broker at its queues a message may go from one to another.
        var quiet = 0;
        await Eventually.GetAsync(
            "every order is emailed or parked",
            async _ =>
            {
                var busy = await ListBusyQueuesAsync();
                quiet = busy.Count == 0 ? quiet + 1 : 0;
                return (quiet, Busy: string.Join(", ", busy));
            },
            answer => answer.quiet >= 3,
            within);
    }

    /// <summary>Takes what is parked out of its queue.</summary>
    public async Task<IReadOnlyList<FaultMessage>> TakeParkedAsync()
    {
        await using var connection = await _broker.ConnectAsync(_virtualHost);
        await using var channel = await connection.CreateChannelAsync();
        var parked = new List<FaultMessage>();
        while (await channel.BasicGetAsync(OrderConfirmationEndpoint.ParkingQueue, autoAck: true) is { } message)
        {
            parked.Add(new FaultMessage(
                message.Body.ToArray(), message.BasicProperties.ContentType, message.BasicProperties.Headers!.AsReadOnly(), message.BasicProperties.MessageId));
        }

        return parked;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        foreach (var program in Programs.Reverse())
        {
            await program.DisposeAsync();
        }

        await _apiToBroker.DisposeAsync();
        await _workersToBroker.DisposeAsync();
        await Mail.DisposeAsync();
        await _servers.RunAsync();
    }

    private static Func<Task> Mend(TcpProxy way) => () =>
    {
        way.Mend();
        return Task.CompletedTask;
    };

    private static async Task<Func<Task>> KillAsync(ChaosProgram program)
    {
        await program.KillAsync();
        return program.StartAsync;
    }

    private async Task WaitUntilReadyAsync()
    {
        try
        {
            await Eventually.GetAsync(
                "the API is ready",
                async cancellationToken => (int)(await Http.GetAsync("/health/ready", cancellationToken)).StatusCode,
                status => status == 200,
                StartTime);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} It wrote:{Environment.NewLine}{Api.LastLines}", exception);
        }
    }

    /// <summary>
    /// Those of our queues that hold something, except for those that may: what is for people to read, and turns, where the
    /// message of a process that was killed over its turn stays behind.
    /// </summary>
    private async Task<IReadOnlyList<string>> ListBusyQueuesAsync()
    {
        var lines = await _broker.RunCtlAsync("list_queues", "--vhost", _virtualHost, "--no-table-headers", "name", "messages");
        return
        [
            .. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split('\t'))
                .Where(queue => queue[0].StartsWith(OrderConfirmationEndpoint.Queue, StringComparison.Ordinal)
                    && queue[0] is not (OrderConfirmationEndpoint.ParkingQueue or "order-confirmation_audit")
                    && !queue[0].EndsWith("_turn", StringComparison.Ordinal)
                    && queue[1].Trim() != "0")
                .Select(queue => $"{queue[0]}: {queue[1].Trim()}"),
        ];
    }

    private void ReadLine(string line)
    {
        // LedgerEmailSender says so of each email whose claim has lapsed.
        if (line.Contains("it is sent again, and may arrive twice", StringComparison.Ordinal))
        {
            _sentAgain.Enqueue(MisbehavingMailServer.OrderOf(line)!);
        }
    }

    private (string Name, string Value)[] Messaging(TcpProxy way) => _broker.SettingsFor(_virtualHost, way.Port);

    private (string Name, string Value)[] WorkerSettings(string role) =>
    [
        .. Messaging(_workersToBroker),
        ("ASPNETCORE_URLS", "http://127.0.0.1:0"),
        ("Worker__Role", role),
        ("OrderConfirmation__Prefetch", Invariant(Prefetch)),
        ("OrderConfirmation__RetryInterval", "00:00:00.050"),
        ("DelayedRedelivery__Intervals__0", "00:00:00.200"),
        ("DelayedRedelivery__Intervals__1", "00:00:00.500"),
        ("DelayedRedelivery__Intervals__2", "00:00:01"),
        ("Replay__Period", "00:00:01"),
        // The alerts go by these as well, and some of them meet the mail server at its worst three times.
        ("Replay__Backoff__0", "00:00:01"),
        ("Replay__Backoff__1", "00:00:02"),
        ("Replay__Backoff__2", "00:00:04"),
        ("Replay__Backoff__3", "00:00:08"),
        ("Replay__Backoff__4", "00:00:16"),
        ("Email__Delivery", "Smtp"),
        ("Email__From", "Acorn Shop <orders@shop.example>"),
        ("Email__Smtp__Host", "127.0.0.1"),
        ("Email__Smtp__Port", Invariant(Mail.Port)),
        ("Email__Smtp__ConnectTimeout", "00:00:02"),
        ("Email__Smtp__EnvelopeTimeout", "00:00:02"),
        ("Email__Smtp__ContentTimeout", ContentTimeout.ToString("c", CultureInfo.InvariantCulture)),
        ("Email__Outage__FirstPause", "00:00:00.500"),
        ("Email__Outage__LongestPause", "00:00:04"),
        ("Alerts__To", Operator),
    ];

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);
}
