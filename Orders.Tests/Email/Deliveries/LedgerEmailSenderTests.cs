using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.Ledger;

namespace Orders.Tests.Email.Deliveries;

/// <summary>What becomes of an email by what the ledger says, and of the ledger by what becomes of the email.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LedgerEmailSenderTests
{
    private const int SendsAgain = 2140;
    private const int NotRecorded = 2141;
    private const int Ignored = 2143;

    private static readonly DeliveryLease Lease = new(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(10));
    private static readonly EmailMessage Email = new("<order-confirmation-1@shop.example>", "customer@example.com", "Hello", "Hello", "<p>Hello</p>") { Notification = "order-confirmation", Key = "1" };

    private readonly LogEvents _log = new();
    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero));
    private readonly LedgerOptions _options = new();
    private LedgerInTrouble _ledger = null!;

    [SetUp]
    public void Create() => _ledger = new LedgerInTrouble(new InMemoryDeliveryLedger(Options.Create(_options), Lease, _clock));

    [Test]
    public async Task An_email_is_sent_once()
    {
        var server = new ScriptedEmailSender();

        var first = await SendAsync(server);
        _clock.Advance(TimeSpan.FromDays(1));
        var second = await SendAsync(server);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(server.Sent, Has.Count.EqualTo(1));
            Assert.That(first, Is.EqualTo(new SentEmail(Email.MessageId)));
            Assert.That(second, Is.EqualTo(new SentEmail(Email.MessageId, new DateTimeOffset(2026, 11, 21, 12, 0, 0, TimeSpan.Zero))));
        }
    }

    [Test]
    public async Task An_email_without_a_key_is_none_of_its_concern()
    {
        var server = new ScriptedEmailSender();

        await SendAsync(server, Email with { Key = null });
        await SendAsync(server, Email with { Key = null });

        Assert.That(server.Sent, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Every_attempt_has_the_same_idempotency_key_and_every_decision_one_of_its_own()
    {
        var server = new ScriptedEmailSender(attempt => attempt == 1 ? new TransientEmailException("Busy.") : null);
        var (one, other) = (Guid.NewGuid(), Guid.NewGuid());

        await Assert.ThrowsAsync<TransientEmailException>(() => SendAsync(server));
        await SendAsync(server);
        foreach (var decision in new[] { one, other })
        {
            await SendAsync(server, Email with { Key = $"{decision:N}", Decision = decision });
        }

        Assert.That(server.Attempted.Select(email => email.IdempotencyKey), Is.EqualTo(
        [
            "delivery:order-confirmation:1", "delivery:order-confirmation:1", $"delivery:order-confirmation:{one:N}:{one:N}", $"delivery:order-confirmation:{other:N}:{other:N}",
        ]));
    }

    [Test]
    public async Task While_one_is_sending_it_others_are_told_to_come_back()
    {
        var (begun, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var server = new ScriptedEmailSender
        {
            DuringSend = _ =>
            {
                begun.TrySetResult();
                return go.Task;
            },
        };
        var sending = SendAsync(server);
        await begun.Task;

        await Assert.ThrowsAsync<DeliveryLeasedException>(() => SendAsync(server));
        go.SetResult();
        await sending;

        Assert.That(server.Tries, Is.EqualTo(1));
    }

    [TestCase(UnknownOutcome.SendAgain)]
    [TestCase(UnknownOutcome.Park)]
    public async Task What_certainly_failed_is_sent_at_the_next_try(UnknownOutcome policy)
    {
        _options.UnknownOutcome = policy;
        var server = new ScriptedEmailSender(attempt => attempt == 1 ? new TransientEmailException("451 try again") : null);

        await Assert.ThrowsAsync<TransientEmailException>(() => SendAsync(server));
        await SendAsync(server);

        Assert.That(server.Sent, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_sender_address_that_is_changed_between_two_tries_does_not_change_the_Message_ID()
    {
        var server = new ScriptedEmailSender(attempt => attempt == 1 ? new TransientEmailException("451 try again") : null);

        await Assert.ThrowsAsync<TransientEmailException>(() => SendAsync(server));
        var sent = await SendAsync(server, Email with { MessageId = "<order-confirmation-1@new.example>" });

        Assert.That((sent.MessageId, server.Sent.Single().MessageId), Is.EqualTo((Email.MessageId, Email.MessageId)));
    }

    [Test]
    public async Task What_may_be_out_is_sent_again_by_the_one_policy()
    {
        var server = new ScriptedEmailSender(attempt => attempt == 1 ? Broken : null);

        await Assert.ThrowsAsync<MailServerUnavailableException>(() => SendAsync(server));
        await SendAsync(server);

        Assert.That(server.Sent, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task And_waits_for_a_person_by_the_other()
    {
        _options.UnknownOutcome = UnknownOutcome.Park;
        var server = new ScriptedEmailSender(attempt => attempt == 1 ? Broken : null);

        var first = await Assert.ThrowsAsync<UnknownOutcomeException>(() => SendAsync(server));
        var second = await Assert.ThrowsAsync<UnknownOutcomeException>(() => SendAsync(server));
        await SendAsync(server, Email with { Decision = Guid.NewGuid() });
        await SendAsync(server);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first!.Message, Is.EqualTo("Nobody can say whether the mail server took the email. The connection broke."));
            Assert.That(first.Failure, Is.InstanceOf<MailServerUnavailableException>());
            Assert.That(second!.Message, Is.EqualTo("Nobody can say whether the mail server took the email, since 2026-11-21 12:00:00 UTC."));
            Assert.That(second.Failure, Is.Null);
            Assert.That(server.Sent, Has.Count.EqualTo(1));
            Assert.That(server.Tries, Is.EqualTo(2));
        }
    }

    [TestCase(UnknownOutcome.SendAgain, 2)]
    [TestCase(UnknownOutcome.Park, 1)]
    public async Task So_it_is_when_a_worker_died_over_it(UnknownOutcome policy, int tries)
    {
        _options.UnknownOutcome = policy;
        var begun = new TaskCompletionSource();
        var server = new ScriptedEmailSender
        {
            DuringSend = _ => begun.TrySetResult() ? new TaskCompletionSource().Task : Task.CompletedTask,
        };
        _ = SendAsync(server);
        await begun.Task;
        _clock.Advance(Lease.Length);

        if (policy == UnknownOutcome.Park)
        {
            await Assert.ThrowsAsync<UnknownOutcomeException>(() => SendAsync(server));
        }
        else
        {
            await SendAsync(server);
        }

        Assert.That(server.Tries, Is.EqualTo(tries));
        Assert.That(_log.Of<LedgerEmailSender>(SendsAgain), Has.Count.EqualTo(tries - 1));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_send_that_is_given_up_may_be_out_or_not(bool isUnknown)
    {
        _options.UnknownOutcome = UnknownOutcome.Park;
        using var stopping = new CancellationTokenSource();
        var server = new ScriptedEmailSender
        {
            DuringSend = token =>
            {
                stopping.Cancel();
                return token.IsCancellationRequested ? throw new SendGivenUpException(isUnknown, token) : Task.CompletedTask;
            },
        };

        await Assert.CatchAsync<OperationCanceledException>(() => SendAsync(server, cancellationToken: stopping.Token));

        if (isUnknown)
        {
            await Assert.ThrowsAsync<UnknownOutcomeException>(() => SendAsync(new ScriptedEmailSender()));
        }
        else
        {
            await SendAsync(new ScriptedEmailSender());
        }
    }

    [Test]
    public async Task A_send_that_takes_too_long_is_given_up_before_its_claim_lapses()
    {
        var server = new ScriptedEmailSender { DuringSend = token => new TaskCompletionSource().Task.WaitAsync(token) };
        var sender = Create(server, new DeliveryLease(TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1)));

        var failure = await Assert.ThrowsAsync<TransientEmailException>(() => sender.SendAsync(Email, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));

        Assert.That(failure!.Message, Is.EqualTo("The email took longer than 0.05 s."));
        await SendAsync(new ScriptedEmailSender());
    }

    [Test]
    public async Task Nothing_is_sent_without_a_claim()
    {
        var server = new ScriptedEmailSender();
        _ledger.IsAway = true;

        var failure = await Assert.ThrowsAsync<UnclaimedEmailException>(() => SendAsync(server));

        Assert.That(failure!.Message, Is.EqualTo("The ledger is away."));
        Assert.That(server.Tries, Is.Zero);
    }

    [Test]
    public async Task Unless_the_ledger_is_to_be_ignored_then_of_which_a_warning_tells_once_a_minute()
    {
        _options.WhenUnreachable = WhenUnreachable.Ignore;
        var server = new ScriptedEmailSender();
        var sender = Create(server, Lease);
        _ledger.IsAway = true;

        await sender.SendAsync(Email, CancellationToken.None);
        await sender.SendAsync(Email, CancellationToken.None);
        await sender.SendAsync(Email, CancellationToken.None);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await sender.SendAsync(Email, CancellationToken.None);

        Assert.That(server.Sent, Has.Count.EqualTo(4));
        Assert.That(_log.At(LogLevel.Warning), Is.EqualTo(
        [
            "Emails are sent without the ledger, 1 since this was last said: they may arrive twice. The ledger is away.",
            "Emails are sent without the ledger, 3 since this was last said: they may arrive twice. The ledger is away.",
        ]));
    }

    [Test]
    public async Task What_is_out_is_out_even_if_the_ledger_cannot_be_told()
    {
        var server = new ScriptedEmailSender { DuringSend = _ => Task.FromResult(_ledger.IsAway = true) };

        Assert.That(await SendAsync(server), Is.EqualTo(new SentEmail(Email.MessageId)));

        Assert.That(_log.Of<LedgerEmailSender>(NotRecorded), Has.Count.EqualTo(1));
        Assert.That(_log.Of<LedgerEmailSender>(Ignored), Is.Empty);
    }

    private static MailServerUnavailableException Broken => new("The connection broke.", wasLetIn: true) { IsOutcomeUnknown = true };

    private Task<SentEmail> SendAsync(ScriptedEmailSender server, EmailMessage? email = null, CancellationToken cancellationToken = default) =>
        Create(server, Lease).SendAsync(email ?? Email, cancellationToken);

    private LedgerEmailSender Create(ScriptedEmailSender server, DeliveryLease lease) =>
        new(server, _ledger, lease, Options.Create(_options), _clock, new LoggerFactory([_log]).CreateLogger<LedgerEmailSender>());

    /// <summary>A ledger that can be taken away.</summary>
    private sealed class LedgerInTrouble(IDeliveryLedger ledger) : IDeliveryLedger
    {
        public bool IsAway { get; set; }

        public Task<DeliveryClaim> ClaimAsync(DeliveryAttempt attempt) => Reach().ClaimAsync(attempt);

        public Task<bool> IsConflictAsync(DeliveryAttempt attempt) => Reach().IsConflictAsync(attempt);

        public Task RecordSentAsync(DeliveryAttempt attempt) => Reach().RecordSentAsync(attempt);

        public Task RecordFailedAsync(DeliveryAttempt attempt) => Reach().RecordFailedAsync(attempt);

        public Task RecordUnknownAsync(DeliveryAttempt attempt) => Reach().RecordUnknownAsync(attempt);

        private IDeliveryLedger Reach() => IsAway ? throw new LedgerUnreachableException("The ledger is away.", mayHaveHappened: false) : ledger;
    }
}
