using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.Email.Outages;
using Orders.Email.Smtp;
using Orders.Ledger;

namespace Orders.Tests.Email.Smtp;

/// <summary>What becomes of an email whose delivery is lost or whose program stops, by how far it came. The sender is composed as in a worker.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PooledEmailSenderTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Cleanup _cleanup = new();
    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
    private readonly CancellationTokenSource _delivery = new();
    private FakeSmtpServer _server = null!;
    private IHost _worker = null!;

    [SetUp]
    public void Start()
    {
        _server = _cleanup.Add(FakeSmtpServer.Start());
        _worker = StartWorker(_server);
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _cleanup.RunAsync();
        _delivery.Dispose();
    }

    [Test]
    public async Task An_email_that_is_being_sent_is_sent_and_recorded_though_its_delivery_is_lost()
    {
        var hold = _server.Hold(SmtpStep.EndOfData);
        var sending = SendAsync(_worker, "1");
        await hold.Reached();

        await _delivery.CancelAsync();
        hold.Release();

        Assert.That(await sending.WaitAsync(Patience), Has.Property(nameof(SentEmail.Before)).Null);
        Assert.That(_server.Messages, Has.Count.EqualTo(1));
        Assert.That(await ClaimAsync("1"), Is.InstanceOf<DeliveryClaim.AlreadySent>());
    }

    [Test]
    public async Task What_the_mail_server_answers_then_is_recorded_as_well()
    {
        _server.On(SmtpStep.EndOfData, "451 4.3.0 Try again later");
        var hold = _server.Hold(SmtpStep.EndOfData);
        var sending = SendAsync(_worker, "1");
        await hold.Reached();

        await _delivery.CancelAsync();
        var during = await ClaimAsync("1");
        hold.Release();

        await Assert.ThrowsAsync<TransientEmailException>(() => sending.WaitAsync(Patience));
        Assert.That(during, Is.InstanceOf<DeliveryClaim.LeasedByOther>());
        Assert.That((await ClaimAsync("1") as DeliveryClaim.Claimed)?.AfterUnknown, Is.False);
    }

    [Test]
    public async Task An_email_that_waits_for_a_connection_waits_no_longer_than_its_delivery_and_leaves_no_trace()
    {
        var hold = _server.Hold(SmtpStep.EndOfData);
        var first = SendAsync(_worker, "1", CancellationToken.None);
        await hold.Reached();
        var waiting = SendAsync(_worker, "2");

        await _delivery.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience));
        hold.Release();
        await first.WaitAsync(Patience);
        Assert.That(_server.Messages, Has.Count.EqualTo(1));
        Assert.That((await ClaimAsync("2") as DeliveryClaim.Claimed)?.AfterUnknown, Is.False);
    }

    [Test]
    public async Task An_order_that_only_waited_for_a_connection_when_its_worker_died_is_sent_and_not_parked()
    {
        var hold = _server.Hold(SmtpStep.EndOfData);
        _ = SendAsync(_worker, "sent or not");
        await hold.Reached();
        _ = SendAsync(_worker, "waits");

        // Nobody hears of that worker any more.
        _clock.Advance(_worker.Services.GetRequiredService<DeliveryLease>().Length);
        await using var server = FakeSmtpServer.Start();
        var other = StartWorker(server, _worker.Services.GetRequiredService<IDeliveryLedger>());

        Assert.That(await SendAsync(other, "waits").WaitAsync(Patience), Has.Property(nameof(SentEmail.Before)).Null);
        await Assert.ThrowsAsync<UnknownOutcomeException>(() => SendAsync(other, "sent or not").WaitAsync(Patience));
        Assert.That(server.Messages, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_program_that_stops_waits_for_an_email_that_is_being_sent()
    {
        var hold = _server.Hold(SmtpStep.EndOfData);
        var sending = SendAsync(_worker, "1");
        await hold.Reached();
        await _delivery.CancelAsync();

        var stopping = StopWorkerAsync();
        Assert.That(stopping.IsCompleted, Is.False);
        hold.Release();

        await stopping.WaitAsync(Patience);
        Assert.That(
            _worker.Services.GetRequiredService<SmtpConnectionPool>().StopAsync(CancellationToken.None).IsCompleted, Is.True, "Whoever disposes of a host stops it again.");
        Assert.That(await ClaimAsync("1"), Is.InstanceOf<DeliveryClaim.AlreadySent>());
        Assert.That(await sending, Has.Property(nameof(SentEmail.Before)).Null);
    }

    [Test]
    public async Task It_ends_the_sending_when_the_stop_has_run_out_of_time_and_records_that_nobody_knows()
    {
        var hold = _server.Hold(SmtpStep.EndOfData);
        var sending = SendAsync(_worker, "1");
        await hold.Reached();

        var stopping = StopWorkerAsync();
        Assert.That(_clock.DueTimes, Is.EqualTo([SmtpConnectionPool.StopTimeout]));
        _clock.Tick();

        await stopping.WaitAsync(Patience);
        await Assert.ThrowsAsync<SendGivenUpException>(() => sending);
        Assert.That(await ClaimAsync("1"), Is.InstanceOf<DeliveryClaim.UnknownOutcome>());
    }

    /// <summary>Stops what a host stops after its bus.</summary>
    private Task StopWorkerAsync()
    {
        _worker.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        return _worker.Services.GetRequiredService<SmtpConnectionPool>().StopAsync(CancellationToken.None);
    }

    private Task<SentEmail> SendAsync(IHost worker, string orderId, CancellationToken? delivery = null) => worker.Services.GetRequiredService<IEmailSender>().SendAsync(
        new EmailMessage($"<order-confirmation-{orderId}@shop.example>", "customer@example.com", "Your order", "Hello", "<p>Hello</p>") { Notification = "order-confirmation", Key = orderId },
        delivery ?? _delivery.Token);

    private Task<DeliveryClaim> ClaimAsync(string orderId) => _worker.Services.GetRequiredService<IDeliveryLedger>().ClaimAsync(
        new DeliveryAttempt(orderId, "order-confirmation", $"<order-confirmation-{orderId}@shop.example>"));

    /// <summary>Composes a worker that has one connection to the mail server and parks what nobody can know.</summary>
    private IHost StartWorker(FakeSmtpServer server, IDeliveryLedger? ledger = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Email:Delivery"] = "Smtp",
            ["Email:From"] = "Acorn Shop <orders@shop.example>",
            ["Email:Smtp:Host"] = FakeSmtpServer.Host,
            ["Email:Smtp:Port"] = $"{server.Port}",
            ["Email:Smtp:PoolSize"] = "1",
            ["Ledger:UnknownOutcome"] = "Park",
        });
        builder.Services.AddSingleton<TimeProvider>(_clock);
        builder.AddLedger();
        builder.AddEmail();
        builder.AddMailOutages("order-confirmation", _ => 2);
        if (ledger is not null)
        {
            builder.Services.AddSingleton(ledger);
        }

        var worker = builder.Build();
        _cleanup.Add(worker);
        return worker;
    }
}
