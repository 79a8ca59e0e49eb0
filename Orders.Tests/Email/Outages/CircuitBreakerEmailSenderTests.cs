using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.Email.Outages;
using Orders.Email.RateLimiting;

namespace Orders.Tests.Email.Outages;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class CircuitBreakerEmailSenderTests : IDisposable
{
    private static readonly EmailMessage Email = new("<1@shop.example>", "customer@example.com", "Your order", "Hello", "<p>Hello</p>") { Notification = "order-confirmation" };
    private static readonly EmailMessage Other = Email with { MessageId = "<2@shop.example>" };
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));
    private readonly MailCircuitBreaker _breaker;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ScriptedRateLimiter _unlimited = new(turns: 1_000);
    private readonly ScriptedRateLimiter _paced = new(turns: 1);

    public CircuitBreakerEmailSenderTests()
    {
        _breaker = new MailCircuitBreaker(Options.Create(new EmailOptions()), _clock);
    }

    public void Dispose()
    {
        _breaker.Dispose();
        _unlimited.Dispose();
        _paced.Dispose();
        _stopping.Dispose();
    }

    [Test]
    public async Task An_email_that_finds_no_server_waits_and_is_sent_when_it_is_there()
    {
        var server = new ScriptedEmailSender(OnceNotThere);
        var sending = Protected(server).SendAsync(Email, CancellationToken.None);
        await _clock.HasTimer.WaitAsync(Patience);
        Assert.That(sending.IsCompleted, Is.False);

        _clock.Tick();
        await sending.WaitAsync(Patience);

        Assert.That((server.Tries, server.Sent.Count), Is.EqualTo((2, 1)));
        Assert.That(_breaker.ClosedSince, Is.Not.Null);
    }

    [Test]
    public async Task A_failure_of_its_own_is_passed_on()
    {
        var server = new ScriptedEmailSender(_ => new PermanentEmailException("550 No such user"));

        await Assert.ThrowsAsync<PermanentEmailException>(() => Protected(server).SendAsync(Email, CancellationToken.None));
    }

    [Test]
    public async Task An_email_that_has_waited_as_long_as_it_may_is_handed_back_untried()
    {
        var server = NotThere();

        await Assert.ThrowsAsync<EmailDeferredException>(() => Protected(server, TimeSpan.FromMilliseconds(1)).SendAsync(Email, CancellationToken.None).WaitAsync(Patience));
        await Assert.ThrowsAsync<EmailDeferredException>(() => Protected(server, TimeSpan.FromMilliseconds(1)).SendAsync(Email, CancellationToken.None).WaitAsync(Patience));
        Assert.That(server.Tries, Is.EqualTo(1));
    }

    [Test]
    public async Task When_the_program_stops_none_waits_any_longer()
    {
        var sending = Protected(NotThere()).SendAsync(Email, CancellationToken.None);
        await _clock.HasTimer.WaitAsync(Patience);

        await _stopping.CancelAsync();

        await Assert.ThrowsAsync<EmailDeferredException>(() => sending.WaitAsync(Patience));
    }

    [Test]
    public async Task A_caller_who_cancels_is_told_so()
    {
        using var cancellation = new CancellationTokenSource();
        var sending = Protected(NotThere()).SendAsync(Email, cancellation.Token);
        await _clock.HasTimer.WaitAsync(Patience);

        await cancellation.CancelAsync();

        var cancelled = await Assert.CatchAsync<OperationCanceledException>(() => sending.WaitAsync(Patience));
        Assert.That(cancelled!.CancellationToken, Is.EqualTo(cancellation.Token));
    }

    [Test]
    public async Task A_probe_that_fails_for_no_reason_of_the_mail_servers_lets_another_one_try()
    {
        var server = new ScriptedEmailSender(attempt => attempt switch
        {
            1 => new MailServerUnavailableException("Connection refused", wasLetIn: false),
            2 => new InvalidOperationException("a bug"),
            _ => null,
        });
        var sending = Protected(server).SendAsync(Email, CancellationToken.None);
        await _clock.HasTimer.WaitAsync(Patience);
        var next = Protected(server).SendAsync(Email, CancellationToken.None);

        _clock.Tick();

        await Assert.ThrowsAsync<InvalidOperationException>(() => sending.WaitAsync(Patience));
        await next.WaitAsync(Patience);
    }

    private static readonly TestCaseData[] SayingNothing =
    [
        new TestCaseData(new DeliveryLeasedException(DateTimeOffset.MaxValue)).SetArgDisplayNames("sent by another"),
        new TestCaseData(new UnclaimedEmailException("The ledger is away.")).SetArgDisplayNames("no ledger"),
        new TestCaseData(new UnknownOutcomeException("Nobody can say.")).SetArgDisplayNames("unknown from before"),
    ];

    [TestCaseSource(nameof(SayingNothing))]
    public async Task A_probe_for_which_nobody_asked_the_mail_server_lets_another_one_try(Exception failure)
    {
        var server = new ScriptedEmailSender(attempt => attempt switch
        {
            1 or 3 => new MailServerUnavailableException("Connection refused", wasLetIn: false),
            2 => failure,
            _ => null,
        });
        var sending = Protected(server).SendAsync(Email, CancellationToken.None);
        await _clock.HasTimer.WaitAsync(Patience);
        var next = Protected(server).SendAsync(Other, CancellationToken.None);

        _clock.Tick();

        Assert.That(() => sending.WaitAsync(Patience), Throws.Exception.SameAs(failure));
        await _clock.HasTimer.WaitAsync(Patience);
        Assert.That(_breaker.ClosedSince, Is.Null, "The next probe has found no server.");
        _clock.Tick();
        await next.WaitAsync(Patience);
    }

    [Test]
    public async Task Emails_that_may_be_out_close_the_breaker_for_the_others_and_go_their_own_way()
    {
        var server = new ScriptedEmailSender(attempt => attempt <= 3
            ? new UnknownOutcomeException("Nobody can say.", new MailServerUnavailableException("The connection broke.", wasLetIn: true))
            : null);

        foreach (var id in new[] { "a", "b", "c" })
        {
            await Assert.ThrowsAsync<UnknownOutcomeException>(() => Protected(server).SendAsync(Email with { MessageId = id }, CancellationToken.None).WaitAsync(Patience));
        }

        var next = Protected(server).SendAsync(Other, CancellationToken.None);
        Assert.That(_breaker.ClosedSince, Is.Null);
        Assert.That(next.IsCompleted, Is.False);
        _clock.Tick();
        await next.WaitAsync(Patience);
    }

    [Test]
    public async Task An_email_is_not_tried_before_its_turn()
    {
        var server = new ScriptedEmailSender();
        await Paced(server).SendAsync(Email, CancellationToken.None).WaitAsync(Patience);

        var sending = Paced(server).SendAsync(Other, CancellationToken.None);
        Assert.That((sending.IsCompleted, server.Tries), Is.EqualTo((false, 1)));

        LetNextHaveItsTurn();
        await sending.WaitAsync(Patience);
        Assert.That(server.Sent, Is.EqualTo([Email, Other]));
    }

    [Test]
    public async Task None_that_waits_for_its_turn_is_tried_when_the_program_stops()
    {
        var server = new ScriptedEmailSender();
        await Paced(server).SendAsync(Email, CancellationToken.None).WaitAsync(Patience);
        var sending = Paced(server).SendAsync(Other, CancellationToken.None);

        await _stopping.CancelAsync();

        await Assert.ThrowsAsync<EmailDeferredException>(() => sending.WaitAsync(Patience));
        LetNextHaveItsTurn();
        Assert.That(server.Tries, Is.EqualTo(1));
    }

    [Test]
    public async Task Nor_when_it_has_waited_as_long_as_it_may()
    {
        var server = new ScriptedEmailSender();
        await Paced(server).SendAsync(Email, CancellationToken.None).WaitAsync(Patience);

        await Assert.ThrowsAsync<EmailDeferredException>(() => Paced(server, TimeSpan.FromMilliseconds(1)).SendAsync(Other, CancellationToken.None).WaitAsync(Patience));
        Assert.That(server.Tries, Is.EqualTo(1));
    }

    [Test]
    public async Task A_caller_who_cancels_while_an_email_waits_for_its_turn_is_told_so()
    {
        using var cancellation = new CancellationTokenSource();
        var server = new ScriptedEmailSender();
        await Paced(server).SendAsync(Email, CancellationToken.None).WaitAsync(Patience);
        var sending = Paced(server).SendAsync(Other, cancellation.Token);

        await cancellation.CancelAsync();

        var cancelled = await Assert.CatchAsync<OperationCanceledException>(() => sending.WaitAsync(Patience));
        Assert.That(cancelled!.CancellationToken, Is.EqualTo(cancellation.Token));
    }

    [Test]
    public async Task An_email_whose_turn_comes_after_the_breaker_has_closed_goes_on_waiting()
    {
        using var cancellation = new CancellationTokenSource();
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var server = new ScriptedEmailSender(OnceNotThere) { DuringSend = _ => goOn.Task };
        _ = Paced(server).SendAsync(Email, CancellationToken.None);
        var sending = Paced(server).SendAsync(Other, cancellation.Token);
        goOn.SetResult();
        await _clock.HasTimer.WaitAsync(Patience);

        LetNextHaveItsTurn();
        await cancellation.CancelAsync();

        await Assert.CatchAsync<OperationCanceledException>(() => sending.WaitAsync(Patience), "As one can only be told who has not been let through.");
        Assert.That(server.Tries, Is.EqualTo(1));
    }

    [Test]
    public async Task What_others_achieved_while_an_email_waited_for_its_turn_proves_nothing()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var server = new ScriptedEmailSender(attempt => attempt == 2 ? new MailServerUnavailableException("Connection refused", wasLetIn: false) : null)
        {
            DuringSend = _ => goOn.Task,
        };
        var first = Paced(server).SendAsync(Email, CancellationToken.None);
        var second = Paced(server).SendAsync(Other, CancellationToken.None);
        goOn.SetResult();
        await first.WaitAsync(Patience);

        LetNextHaveItsTurn();
        await _clock.HasTimer.WaitAsync(Patience);
        _clock.Tick();
        LetNextHaveItsTurn();
        await second.WaitAsync(Patience);

        Assert.That(server.Tries, Is.EqualTo(3));
    }

    [Test]
    public async Task A_probe_that_gives_up_its_turn_lets_another_one_try()
    {
        using var cancellation = new CancellationTokenSource();
        var server = new ScriptedEmailSender(OnceNotThere);
        var probe = Paced(server).SendAsync(Email, cancellation.Token);
        await _clock.HasTimer.WaitAsync(Patience);
        _clock.Tick();
        await Eventually.GetAsync(
            "the probe waits for its turn", _ => Task.FromResult(_paced.Waiting), count => count == 1, Patience);
        var next = Paced(server).SendAsync(Other, CancellationToken.None);

        await cancellation.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => probe.WaitAsync(Patience));
        LetNextHaveItsTurn();
        await next.WaitAsync(Patience);

        Assert.That(server.Sent, Is.EqualTo([Other]));
    }

    private static ScriptedEmailSender NotThere() => new(_ => new MailServerUnavailableException("Connection refused", wasLetIn: false));

    private static MailServerUnavailableException? OnceNotThere(int attempt) =>
        attempt == 1 ? new MailServerUnavailableException("Connection refused", wasLetIn: false) : null;

    private CircuitBreakerEmailSender Protected(IEmailSender server, TimeSpan? longestHold = null) => Protected(server, _unlimited, longestHold);

    /// <summary>At first one email may go, then one each time that <see cref="LetNextHaveItsTurn"/> says so.</summary>
    private CircuitBreakerEmailSender Paced(IEmailSender server, TimeSpan? longestHold = null) => Protected(server, _paced, longestHold);

    private CircuitBreakerEmailSender Protected(IEmailSender server, ScriptedRateLimiter rate, TimeSpan? longestHold) =>
        new(server, _breaker, connections: null, rate, longestHold ?? Timeout.InfiniteTimeSpan, NullLogger<CircuitBreakerEmailSender>.Instance, _stopping.Token);

    private void LetNextHaveItsTurn() => _paced.LetNextPass();

    [Test]
    public async Task A_server_that_takes_less_slows_the_emails_down()
    {
        var server = new ScriptedEmailSender(attempt => attempt == 2 ? new MailServerPutsUsOffException("450 4.7.1 Too fast") { IsRate = true } : null);
        await Protected(server).SendAsync(Email, CancellationToken.None).WaitAsync(Patience);

        await Assert.ThrowsAsync<MailServerPutsUsOffException>(() => Protected(server).SendAsync(Other, CancellationToken.None).WaitAsync(Patience));

        Assert.That(_unlimited.SlowDowns, Is.EqualTo(1));
    }

    private sealed class ScriptedRateLimiter(int turns) : IEmailRateLimiter, IDisposable
    {
        private readonly SemaphoreSlim _turns = new(turns);
        private int _waiting;

        public int Waiting => Volatile.Read(ref _waiting);

        public int SlowDowns { get; private set; }

        public void LetNextPass() => _turns.Release();

        public async ValueTask WaitAsync(CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _waiting);
            try
            {
                await _turns.WaitAsync(cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }
        }

        public Task SlowDownAsync()
        {
            SlowDowns++;
            return Task.CompletedTask;
        }

        public void Dispose() => _turns.Dispose();
    }
}
