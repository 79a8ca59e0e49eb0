using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notifications.Worker.Email;
using Notifications.Worker.Ledger;
using StackExchange.Redis;

namespace Orders.Tests.Ledger;

/// <summary>What every ledger of deliveries does, whatever its store.</summary>
[TestFixture(LedgerStore.InMemory)]
[TestFixture(LedgerStore.Valkey)]
internal sealed class DeliveryLedgerTests(LedgerStore store)
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);

    private readonly Cleanup _cleanup = new();
    private readonly Cleanup _ledgers = new();
    private ConnectionMultiplexer? _connection;
    private string _order = "";

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        if (store == LedgerStore.Valkey)
        {
            var server = _cleanup.Add(await ValkeyServer.StartNewAsync());
            _connection = _cleanup.Add(await server.ConnectAsync());
        }
    }

    [OneTimeTearDown]
    public Task StopAsync() => _cleanup.RunAsync();

    [SetUp]
    public void TakeNewOrder() => _order = $"{Guid.NewGuid():N}";

    [TearDown]
    public Task EndAsync() => _ledgers.RunAsync();

    [Test]
    public async Task One_has_the_claim_and_keeps_others_away()
    {
        var ledger = Create();

        var first = await ledger.ClaimAsync(Attempt());
        var second = await ledger.ClaimAsync(Attempt());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Is.EqualTo(new DeliveryClaim.Claimed(AfterUnknown: false)));
            Assert.That(second, Is.InstanceOf<DeliveryClaim.HeldByOther>());
            Assert.That(((DeliveryClaim.HeldByOther)second).Until, Is.EqualTo(DateTimeOffset.UtcNow + Long).Within(TimeSpan.FromSeconds(10)));
        }
    }

    [Test]
    public async Task Of_many_at_once_one_has_it()
    {
        var ledger = Create();

        var claims = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => ledger.ClaimAsync(Attempt()))));

        Assert.That(claims.OfType<DeliveryClaim.Claimed>().Count(), Is.EqualTo(1));
        Assert.That(claims.OfType<DeliveryClaim.HeldByOther>().Count(), Is.EqualTo(49));
    }

    [Test]
    public async Task What_is_recorded_as_sent_is_not_to_be_sent_again()
    {
        var ledger = Create();
        var attempt = Attempt();
        await ledger.ClaimAsync(attempt);
        await ledger.RecordSentAsync(attempt);

        var first = (DeliveryClaim.AlreadySent)await ledger.ClaimAsync(Attempt());
        await ledger.RecordSentAsync(attempt);
        var second = await ledger.ClaimAsync(Attempt());

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first.MessageId, Is.EqualTo($"<{_order}@shop.example>"));
            Assert.That(first.At, Is.EqualTo(DateTimeOffset.UtcNow).Within(TimeSpan.FromSeconds(10)));
            Assert.That(second, Is.EqualTo(first), "It was sent when it was sent first.");
        }
    }

    [Test]
    public async Task What_certainly_failed_may_be_claimed_at_once()
    {
        var ledger = Create(UnknownOutcome.Park);
        var attempt = Attempt();
        await ledger.ClaimAsync(attempt);

        await ledger.RecordFailedAsync(attempt);

        Assert.That(await ledger.ClaimAsync(Attempt()), Is.EqualTo(new DeliveryClaim.Claimed(AfterUnknown: false)));
    }

    [Test]
    public async Task A_claim_that_has_lapsed_is_taken_over()
    {
        var ledger = Create(lease: Short);
        await ledger.ClaimAsync(Attempt());

        Assert.That(await ClaimLapsedAsync(ledger), Is.EqualTo(new DeliveryClaim.Claimed(AfterUnknown: true)));
    }

    [Test]
    public async Task Or_a_person_has_to_decide_and_nobody_else_ever_does()
    {
        var ledger = Create(UnknownOutcome.Park, Short);
        await ledger.ClaimAsync(Attempt());

        var first = await ClaimLapsedAsync(ledger);

        Assert.That(first, Is.InstanceOf<DeliveryClaim.UnknownOutcome>());
        Assert.That(await ledger.ClaimAsync(Attempt()), Is.EqualTo(first));
    }

    [Test]
    public async Task Who_lost_the_claim_and_sent_all_the_same_is_believed()
    {
        var ledger = Create(UnknownOutcome.Park, Short);
        var late = Attempt();
        await ledger.ClaimAsync(late);
        await ClaimLapsedAsync(ledger);

        await ledger.RecordSentAsync(late);

        Assert.That(await ledger.ClaimAsync(Attempt()), Is.InstanceOf<DeliveryClaim.AlreadySent>());
    }

    [Test]
    public async Task Who_lost_the_claim_cannot_give_it_up_for_who_has_it_now()
    {
        var ledger = Create(lease: TimeSpan.FromSeconds(1));
        var late = Attempt();
        await ledger.ClaimAsync(late);
        await ClaimLapsedAsync(ledger);

        await ledger.RecordFailedAsync(late);
        await ledger.RecordUnknownAsync(late);

        Assert.That(await ledger.ClaimAsync(Attempt()), Is.InstanceOf<DeliveryClaim.HeldByOther>());
    }

    [Test]
    public async Task An_unknown_outcome_waits_for_a_person_whose_decision_counts_once()
    {
        var ledger = Create(UnknownOutcome.Park, Short);
        var attempt = Attempt();
        await ledger.ClaimAsync(attempt);
        await ledger.RecordUnknownAsync(attempt);
        var decision = Guid.NewGuid();

        var undecided = await ledger.ClaimAsync(Attempt());
        var decided = await ledger.ClaimAsync(Attempt(decision));
        // The worker dies over it; its message comes back as it is.
        var repeated = await ClaimLapsedAsync(ledger, decision);
        var decidedAgain = await ledger.ClaimAsync(Attempt(Guid.NewGuid()));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(undecided, Is.InstanceOf<DeliveryClaim.UnknownOutcome>());
            Assert.That(decided, Is.EqualTo(new DeliveryClaim.Claimed(AfterUnknown: true)));
            Assert.That(repeated, Is.InstanceOf<DeliveryClaim.UnknownOutcome>());
            Assert.That(decidedAgain, Is.EqualTo(new DeliveryClaim.Claimed(AfterUnknown: true)));
        }
    }

    [Test]
    public async Task A_decision_still_counts_when_its_attempt_certainly_failed()
    {
        var ledger = Create(UnknownOutcome.Park);
        var decision = Guid.NewGuid();
        var (unknown, failed) = (Attempt(), Attempt(decision));
        await ledger.ClaimAsync(unknown);
        await ledger.RecordUnknownAsync(unknown);
        await ledger.ClaimAsync(failed);

        await ledger.RecordFailedAsync(failed);

        Assert.That(await ledger.ClaimAsync(Attempt(decision)), Is.InstanceOf<DeliveryClaim.Claimed>());
    }

    [Test]
    public async Task No_decision_sends_what_was_sent()
    {
        var ledger = Create(UnknownOutcome.Park);
        var attempt = Attempt();
        await ledger.ClaimAsync(attempt);
        await ledger.RecordSentAsync(attempt);

        Assert.That(await ledger.ClaimAsync(Attempt(Guid.NewGuid())), Is.InstanceOf<DeliveryClaim.AlreadySent>());
    }

    private Task<DeliveryClaim> ClaimLapsedAsync(IDeliveryLedger ledger, Guid? decision = null) => Eventually.GetAsync(
        "the claim has lapsed", _ => ledger.ClaimAsync(Attempt(decision)), claim => claim is not DeliveryClaim.HeldByOther, TimeSpan.FromSeconds(10));

    private DeliveryAttempt Attempt(Guid? decision = null) => new(_order, Notification.OrderConfirmation, $"<{_order}@shop.example>", decision);

    private IDeliveryLedger Create(UnknownOutcome policy = UnknownOutcome.SendAgain, TimeSpan? lease = null)
    {
        var options = Options.Create(new LedgerOptions { UnknownOutcome = policy });
        var deliveryLease = new DeliveryLease(lease ?? Long, TimeSpan.Zero);
        if (store == LedgerStore.InMemory)
        {
            return new InMemoryDeliveryLedger(options, deliveryLease, TimeProvider.System);
        }

        var ledger = new ValkeyDeliveryLedger(
            new ValkeyStore(_connection!, options), options, deliveryLease, TimeProvider.System, NullLogger<ValkeyDeliveryLedger>.Instance);
        _ledgers.Add(ledger);
        return ledger;
    }
}
