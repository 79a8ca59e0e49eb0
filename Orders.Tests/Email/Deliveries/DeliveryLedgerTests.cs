using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orders.Email.Deliveries;
using Orders.Ledger;
using StackExchange.Redis;

namespace Orders.Tests.Email.Deliveries;

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
            Assert.That(first, Is.EqualTo(Claimed(afterUnknown: false)));
            Assert.That(second, Is.InstanceOf<DeliveryClaim.LeasedByOther>());
            Assert.That(((DeliveryClaim.LeasedByOther)second).Until, Is.EqualTo(DateTimeOffset.UtcNow + Long).Within(TimeSpan.FromSeconds(10)));
        }
    }

    [Test]
    public async Task Of_many_at_once_one_has_it()
    {
        var ledger = Create();

        var claims = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(() => ledger.ClaimAsync(Attempt()))));

        Assert.That(claims.OfType<DeliveryClaim.Claimed>().Count(), Is.EqualTo(1));
        Assert.That(claims.OfType<DeliveryClaim.LeasedByOther>().Count(), Is.EqualTo(49));
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

        Assert.That(await ledger.ClaimAsync(Attempt()), Is.EqualTo(Claimed(afterUnknown: false)));
    }

    [Test]
    public async Task A_claim_that_has_lapsed_is_taken_over()
    {
        var ledger = Create(lease: Short);
        await ledger.ClaimAsync(Attempt());

        Assert.That(await ClaimLapsedAsync(ledger), Is.EqualTo(Claimed(afterUnknown: true)));
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

        Assert.That(await ledger.ClaimAsync(Attempt()), Is.InstanceOf<DeliveryClaim.LeasedByOther>());
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
            Assert.That(decided, Is.EqualTo(Claimed(afterUnknown: true)));
            Assert.That(repeated, Is.InstanceOf<DeliveryClaim.UnknownOutcome>());
            Assert.That(decidedAgain, Is.EqualTo(Claimed(afterUnknown: true)));
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

    [Test]
    public async Task Another_order_with_the_id_is_a_conflict_whatever_became_of_the_first_one(
        [Values("claimed", "sent", "failed", "unknown")] string state, [Values] UnknownOutcome policy)
    {
        var ledger = Create(policy);
        var first = Attempt(content: "Laptop");
        await ledger.ClaimAsync(first);
        await (state switch
        {
            "sent" => ledger.RecordSentAsync(first),
            "failed" => ledger.RecordFailedAsync(first),
            "unknown" => ledger.RecordUnknownAsync(first),
            _ => Task.CompletedTask,
        });

        var other = await ledger.ClaimAsync(Attempt(content: "Phone"));
        // To replay it does not make it the one order.
        var decided = await ledger.ClaimAsync(Attempt(Guid.NewGuid(), "Phone"));
        // As who does without the ledger.
        await ledger.RecordSentAsync(Attempt(content: "Phone"));
        var again = await ledger.ClaimAsync(Attempt(content: "Laptop"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { other, decided }, Is.All.EqualTo(new DeliveryClaim.Conflict()));
            Assert.That(again, state switch
            {
                "claimed" => Is.InstanceOf<DeliveryClaim.LeasedByOther>(),
                "sent" => Is.InstanceOf<DeliveryClaim.AlreadySent>(),
                "failed" => Is.EqualTo(Claimed(afterUnknown: false)),
                _ when policy == UnknownOutcome.Park => Is.InstanceOf<DeliveryClaim.UnknownOutcome>(),
                _ => Is.EqualTo(Claimed(afterUnknown: true)),
            });
        }
    }

    [Test]
    public async Task To_ask_for_a_conflict_claims_nothing()
    {
        var ledger = Create();
        var before = await ledger.IsConflictAsync(Attempt(content: "Phone"));
        var claim = await ledger.ClaimAsync(Attempt(content: "Laptop"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Is.False);
            Assert.That(claim, Is.EqualTo(Claimed(afterUnknown: false)));
            Assert.That(await ledger.IsConflictAsync(Attempt(content: "Laptop")), Is.False);
            Assert.That(await ledger.IsConflictAsync(Attempt(content: "Phone")), Is.True);
        }
    }

    [TestCase("failed")]
    [TestCase("unknown")]
    public async Task What_a_person_corrects_is_the_same_order_from_then_on(string state)
    {
        var ledger = Create();
        var first = Attempt(content: "mistaken@example.com");
        await ledger.ClaimAsync(first);
        await (state == "failed" ? ledger.RecordFailedAsync(first) : ledger.RecordUnknownAsync(first));
        var corrected = Attempt(content: "right@example.com") with { IsCorrection = true };

        var claim = await ledger.ClaimAsync(corrected);
        await ledger.RecordFailedAsync(corrected);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claim, Is.EqualTo(Claimed(afterUnknown: state == "unknown")));
            Assert.That(await ledger.ClaimAsync(Attempt(content: "mistaken@example.com")), Is.EqualTo(new DeliveryClaim.Conflict()));
            Assert.That(await ledger.ClaimAsync(Attempt(content: "right@example.com")), Is.EqualTo(Claimed(afterUnknown: false)));
        }
    }

    [Test]
    public async Task But_nobody_corrects_what_was_sent()
    {
        var ledger = Create();
        await ledger.RecordSentAsync(Attempt(content: "Laptop"));

        Assert.That(await ledger.ClaimAsync(Attempt(content: "Phone") with { IsCorrection = true }), Is.EqualTo(new DeliveryClaim.Conflict()));
    }

    [Test]
    public async Task The_Message_ID_is_that_of_the_first_attempt([Values("failed", "unknown", "lapsed")] string outcome)
    {
        var ledger = Create(lease: outcome == "lapsed" ? Short : null);
        var first = Attempt();
        await ledger.ClaimAsync(first);
        await (outcome switch
        {
            "failed" => ledger.RecordFailedAsync(first),
            "unknown" => ledger.RecordUnknownAsync(first),
            _ => ClaimLapsedAsync(ledger),
        });

        var second = Attempt() with { MessageId = $"<{_order}@new.example>" };
        var claim = await Eventually.GetAsync(
            "a claim", _ => ledger.ClaimAsync(second), claim => claim is not DeliveryClaim.LeasedByOther, TimeSpan.FromSeconds(10));

        Assert.That(claim, Is.EqualTo(Claimed(afterUnknown: outcome != "failed")));
    }

    private DeliveryClaim.Claimed Claimed(bool afterUnknown) => new(afterUnknown, $"<{_order}@shop.example>");

    private Task<DeliveryClaim> ClaimLapsedAsync(IDeliveryLedger ledger, Guid? decision = null) => Eventually.GetAsync(
        "the claim has lapsed", _ => ledger.ClaimAsync(Attempt(decision)), claim => claim is not DeliveryClaim.LeasedByOther, TimeSpan.FromSeconds(10));

    private DeliveryAttempt Attempt(Guid? decision = null, string content = "customer@example.com\nLaptop") =>
        new(_order, "order-confirmation", $"<{_order}@shop.example>", decision) { Content = content };

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
