using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.Ledger;
using StackExchange.Redis;

namespace Orders.Tests.Email.Deliveries;

/// <summary>The ledger on a real server, as <c>AddLedger</c> builds it from configuration.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ValkeyDeliveryLedgerTests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly LogEvents _log = new();
    private ValkeyServer _server = null!;
    private IHost? _host;

    [SetUp]
    public async Task StartAsync() => _server = await ValkeyServer.StartNewAsync(
        // Microseconds for each key of many: time to see that it loads them.
        options: ["--key-load-delay", "300"]);

    public async ValueTask DisposeAsync()
    {
        _host?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    [Test]
    public async Task An_entry_expires_and_holds_no_address()
    {
        var ledger = Build(("Ledger:KeepFor", "02:00:00"));
        var attempt = Attempt("12345");

        await ledger.ClaimAsync(attempt);
        await using var connection = await _server.ConnectAsync();
        var database = connection.GetDatabase();
        var claimed = await ReadAsync(database);
        await ledger.RecordSentAsync(attempt);
        var sent = await ReadAsync(database);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claimed.Names, Is.EquivalentTo(["state", "at", "messageId", "until", "attempt", "decision", "content", "contentKey"]));
            Assert.That(claimed.Left, Is.EqualTo(TimeSpan.FromHours(2)).Within(TimeSpan.FromMinutes(1)));
            Assert.That(sent.Names, Is.EquivalentTo(["state", "at", "messageId", "content", "contentKey"]));
            Assert.That(sent.Left, Is.EqualTo(TimeSpan.FromHours(2)).Within(TimeSpan.FromMinutes(1)));
        }

        static async Task<(IEnumerable<string> Names, TimeSpan? Left)> ReadAsync(IDatabase database)
        {
            const string Key = "delivery:order-confirmation:12345";
            return ((await database.HashGetAllAsync(Key)).Select(field => $"{field.Name}"), await database.KeyTimeToLiveAsync(Key));
        }
    }

    [Test]
    public async Task What_an_order_says_is_hashed_with_a_key_that_is_the_same_in_every_process_and_not_on_the_server()
    {
        await Build().ClaimAsync(Attempt("1"));
        var first = await ReadAsync();
        _host!.Dispose();
        var conflict = await Build().ClaimAsync(Attempt("1", "another"));
        await using var connection = await _server.ConnectAsync();
        await connection.GetDatabase().ExecuteAsync("flushall");
        await Build().ClaimAsync(Attempt("1"));
        var second = await ReadAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(conflict, Is.EqualTo(new DeliveryClaim.Conflict()), "Two processes compare.");
            Assert.That(second, Is.EqualTo(first));
            Assert.That(Convert.FromBase64String(first.Content), Has.Length.EqualTo(16));
            Assert.That(
                new[] { "", "1\n" }.SelectMany(start => new[] { SHA256.HashData(Text(start)), HMACSHA256.HashData(Text(ValkeyServer.Password ?? ""), Text(start)) })
                    .Select(hash => Convert.ToBase64String(hash.AsSpan(0, 16))),
                Has.None.EqualTo(first.Content),
                "No guess tells it.");
        }

        static byte[] Text(string start) => Encoding.UTF8.GetBytes($"{start}customer@example.com\nLaptop");

        async Task<(string Content, string Key)> ReadAsync()
        {
            await using var connection = await _server.ConnectAsync();
            var fields = await connection.GetDatabase().HashGetAsync("delivery:order-confirmation:1", ["content", "contentKey"]);
            return ((string)fields[0]!, (string)fields[1]!);
        }
    }

    [TestCase("content", "contentKey", Description = "As an earlier release left it.")]
    [TestCase("contentKey", Description = "It could not be compared.")]
    public async Task An_entry_whose_content_cannot_be_compared_is_one_of_the_same_order(params string[] missing)
    {
        var ledger = Build();
        var attempt = Attempt("1");
        await ledger.ClaimAsync(attempt);
        await ledger.RecordSentAsync(attempt);
        await using var connection = await _server.ConnectAsync();
        await connection.GetDatabase().HashDeleteAsync("delivery:order-confirmation:1", [.. missing.Select(field => (RedisValue)field)]);

        Assert.That(await ledger.ClaimAsync(Attempt("1", "another")), Is.InstanceOf<DeliveryClaim.AlreadySent>());
    }

    [Test]
    public async Task Another_password_makes_another_key_and_its_entries_are_taken_for_the_same_orders()
    {
        await Build().ClaimAsync(Attempt("1"));
        _host!.Dispose();
        await using var connection = await _server.ConnectAsync();
        await connection.GetDatabase().ExecuteAsync("acl", "setuser", "default", ">another");

        Assert.That(await Build(("Ledger:Valkey:Password", "another")).ClaimAsync(Attempt("1", "another")), Is.InstanceOf<DeliveryClaim.LeasedByOther>());
    }

    [Test]
    public async Task A_worker_of_an_earlier_release_reads_the_entries()
    {
        // Of 140930a: the first lines of its claim, which tell what it takes an entry for.
        const string Claim =
            """
            local state, at, id, till, decision = unpack(redis.call('HMGET', KEYS[1], 'state', 'at', 'messageId', 'until', 'decision'))
            if state == 'sent' then return 'sent ' .. id end
            if state == 'claimed' and tonumber(till) > tonumber(ARGV[1]) then return 'held' end
            return state and 'again' or 'claimed'
            """;
        var ledger = Build();
        await using var connection = await _server.ConnectAsync();
        var (failed, sent, held) = (Attempt("failed"), Attempt("sent"), Attempt("held"));
        foreach (var attempt in new[] { failed, sent, held })
        {
            await ledger.ClaimAsync(attempt);
        }

        await ledger.RecordFailedAsync(failed);
        await ledger.RecordSentAsync(sent);

        foreach (var (orderId, state) in new[] { ("failed", "claimed"), ("sent", "sent <sent@shop.example>"), ("held", "held") })
        {
            var answer = await connection.GetDatabase().ScriptEvaluateAsync(
                Claim, [$"delivery:order-confirmation:{orderId}"], [DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()]);
            Assert.That((string?)answer, Is.EqualTo(state));
        }
    }

    [Test]
    public async Task What_was_recorded_outlives_the_server_and_a_new_one_knows_the_scripts()
    {
        var ledger = Build();
        var attempt = Attempt("1");
        await ledger.ClaimAsync(attempt);
        await ledger.RecordSentAsync(attempt);

        await _server.KillAsync();
        await _server.StartAsync();

        var claim = await Eventually.GetAsync<DeliveryClaim>("an answer", _ => ledger.ClaimAsync(Attempt("1")), _ => true, Patience);
        Assert.That(claim, Is.InstanceOf<DeliveryClaim.AlreadySent>());
    }

    [Test]
    public async Task Without_a_server_no_claim_is_to_be_had_and_its_health_says_so()
    {
        var ledger = Build();
        await ledger.ClaimAsync(Attempt("1"));
        await _server.StopAsync();

        var failure = await Assert.ThrowsAsync<LedgerUnreachableException>(() => ledger.ClaimAsync(Attempt("2")).WaitAsync(Patience));

        Assert.That(failure!.Message, Does.StartWith("The ledger ").And.Not.Contain("127.0.0.1"));
        var health = _host!.Services.GetRequiredService<HealthCheckService>();
        var down = await health.CheckHealthAsync();
        await _server.StartAsync();
        await Eventually.GetAsync("its health", health.CheckHealthAsync, report => report.Status == HealthStatus.Healthy, Patience);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(down.Entries["ledger"].Status, Is.EqualTo(HealthStatus.Degraded));
            Assert.That(down.Entries["ledger"].Description, Does.StartWith("The ledger cannot be reached: "));
        }
    }

    [TestCase("config set maxmemory 1", "config set maxmemory 0", "OOM")]
    [TestCase("replicaof 127.0.0.1 1", "replicaof no one", "READONLY")]
    [TestCase("config set min-replicas-to-write 1", "config set min-replicas-to-write 0", "NOREPLICAS")]
    [TestCase("acl setuser default -@write", "acl setuser default +@all", "can't run this command|no permissions")]
    public async Task A_server_that_answers_but_takes_nothing_is_degraded_and_its_health_says_why(string trouble, string end, string reason)
    {
        await Build().ClaimAsync(Attempt("1"));
        await using var connection = await _server.ConnectAsync();
        var health = _host!.Services.GetRequiredService<HealthCheckService>();
        var before = await health.CheckHealthAsync();

        await ExecuteAsync(trouble);
        var during = (await health.CheckHealthAsync()).Entries["ledger"];
        await ExecuteAsync(end);
        await Eventually.GetAsync("its health", health.CheckHealthAsync, report => report.Status == HealthStatus.Healthy, Patience);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before.Status, Is.EqualTo(HealthStatus.Healthy));
            Assert.That(during.Status, Is.EqualTo(HealthStatus.Degraded));
            Assert.That(during.Description, Does.StartWith("The ledger ").And.Matches(reason).And.Not.Contain("127.0.0.1"));
        }

        async Task ExecuteAsync(string command)
        {
            var words = command.Split(' ');
            await connection.GetDatabase().ExecuteAsync(words[0], [.. words[1..]], CommandFlags.None);
        }
    }

    [Test]
    public async Task So_is_one_that_still_reads_its_data()
    {
        await Build().ClaimAsync(Attempt("1"));
        await using (var connection = await _server.ConnectAsync())
        {
            await Task.WhenAll(Enumerable.Range(0, 20_000).Select(i => connection.GetDatabase().StringSetAsync($"{i}", "")));
        }

        var health = _host!.Services.GetRequiredService<HealthCheckService>();
        await _server.StopAsync();
        var starting = _server.StartAsync();

        var during = await Eventually.GetAsync(
            "that it loads",
            health.CheckHealthAsync,
            report => report.Entries["ledger"].Description?.Contains("LOADING", StringComparison.Ordinal) == true,
            Patience);
        await starting;
        await Eventually.GetAsync("its health", health.CheckHealthAsync, report => report.Status == HealthStatus.Healthy, Patience);

        Assert.That(during.Status, Is.EqualTo(HealthStatus.Degraded));
    }

    [TestCase("Wait")]
    [TestCase("Ignore")]
    public async Task So_is_one_that_lets_nobody_in(string whenUnreachable)
    {
        Build(("Ledger:Valkey:Password", "wrong"), ("Ledger:WhenUnreachable", whenUnreachable));
        var health = _host!.Services.GetRequiredService<HealthCheckService>();

        var first = await health.CheckHealthAsync();
        var later = await Eventually.GetAsync(
            "the reason",
            health.CheckHealthAsync,
            report => report.Entries["ledger"].Description == "The ledger cannot be reached: AuthenticationFailure.",
            Patience);

        Assert.That((first.Status, later.Status), Is.EqualTo((HealthStatus.Degraded, HealthStatus.Degraded)));
    }

    [Test]
    public async Task Who_may_do_without_does_not_wait_for_a_connection()
    {
        var ledger = Build(("Ledger:WhenUnreachable", "Ignore"));
        await ledger.ClaimAsync(Attempt("1"));
        await _server.StopAsync();
        var connection = _host!.Services.GetRequiredService<IConnectionMultiplexer>();
        await Eventually.GetAsync("the connection is gone", _ => Task.FromResult(connection.IsConnected), isConnected => !isConnected, Patience);

        Assert.That(() => ledger.ClaimAsync(Attempt("2")).IsFaulted, Is.True, "At once.");
    }

    [Test]
    public async Task What_could_not_be_recorded_is_when_the_server_is_back()
    {
        var ledger = Build();
        var attempt = Attempt("1");
        await ledger.ClaimAsync(attempt);
        await _server.StopAsync();
        await Assert.ThrowsAsync<LedgerUnreachableException>(() => ledger.RecordSentAsync(attempt));

        await _server.StartAsync();
        await _log.WaitFor<ValkeyDeliveryLedger>(2150);

        Assert.That(await ledger.ClaimAsync(Attempt("1")), Is.InstanceOf<DeliveryClaim.AlreadySent>());
    }

    [Test]
    public async Task A_server_that_refuses_the_password_is_one_that_cannot_be_reached()
    {
        var ledger = Build(("Ledger:Valkey:Password", "wrong"));

        await Assert.ThrowsAsync<LedgerUnreachableException>(() => ledger.ClaimAsync(Attempt("1")).WaitAsync(Patience));
        Assert.That(_log.All.Select(entry => entry.Message), Has.None.Contains("wrong"));
        await Task.CompletedTask;
    }

    private IDeliveryLedger Build(params (string Key, string? Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "test" });
        foreach (var (key, value) in _server.Settings)
        {
            builder.Configuration[key.Replace("__", ":", StringComparison.Ordinal)] = value;
        }

        foreach (var (key, value) in settings)
        {
            builder.Configuration[key] = value;
        }

        builder.Logging.SetMinimumLevel(LogLevel.Trace).AddProvider(_log);
        builder.AddLedger();
        builder.AddEmail();
        builder.AddDeliveryLedger();
        _host = builder.Build();
        return _host.Services.GetRequiredService<IDeliveryLedger>();
    }

    private static DeliveryAttempt Attempt(string orderId, string content = "customer@example.com\nLaptop") =>
        new(orderId, "order-confirmation", $"<{orderId}@shop.example>") { Content = content };
}
