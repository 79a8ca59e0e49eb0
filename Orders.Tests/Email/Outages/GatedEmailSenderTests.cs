using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notifications.Worker.Email;
using Notifications.Worker.Email.Outages;
using Orders.Tests.Faults;
using Orders.Tests.OrderConfirmation;

namespace Orders.Tests.Email.Outages;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GatedEmailSenderTests : IDisposable
{
    private static readonly EmailMessage Email = new("<1@shop.example>", "customer@example.com", "Your order", "Hello", "<p>Hello</p>");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TestClock _clock = new(new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero));
    private readonly MailServerGate _gate;
    private readonly CancellationTokenSource _stopping = new();

    public GatedEmailSenderTests() => _gate = new MailServerGate(Options.Create(new EmailOptions()), _clock);

    public void Dispose()
    {
        _gate.Dispose();
        _stopping.Dispose();
    }

    [Test]
    public async Task An_email_that_finds_no_server_waits_and_is_sent_when_it_is_there()
    {
        var server = new ScriptedEmailSender(attempt => attempt == 1 ? new MailServerUnavailableException("Connection refused", wasLetIn: false) : null);
        var sending = Gated(server).SendAsync(Email, CancellationToken.None);
        await _clock.HasTimer.WaitAsync(Patience);
        Assert.That(sending.IsCompleted, Is.False);

        _clock.Tick();
        await sending.WaitAsync(Patience);

        Assert.That((server.Tries, server.Sent.Count), Is.EqualTo((2, 1)));
        Assert.That(_gate.OpenSince, Is.Not.Null);
    }

    [Test]
    public void A_failure_of_its_own_is_passed_on()
    {
        var server = new ScriptedEmailSender(_ => new PermanentEmailException("550 No such user"));

        Assert.ThrowsAsync<PermanentEmailException>(() => Gated(server).SendAsync(Email, CancellationToken.None));
    }

    [Test]
    public void An_email_that_has_waited_as_long_as_it_may_is_handed_back_untried()
    {
        var server = NotThere();

        Assert.ThrowsAsync<MailHeldException>(() => Gated(server, TimeSpan.FromMilliseconds(1)).SendAsync(Email, CancellationToken.None).WaitAsync(Patience));
        Assert.ThrowsAsync<MailHeldException>(() => Gated(server, TimeSpan.FromMilliseconds(1)).SendAsync(Email, CancellationToken.None).WaitAsync(Patience));
        Assert.That(server.Tries, Is.EqualTo(1));
    }

    [Test]
    public async Task When_the_program_stops_none_waits_any_longer()
    {
        var sending = Gated(NotThere()).SendAsync(Email, CancellationToken.None);
        await _clock.HasTimer.WaitAsync(Patience);

        await _stopping.CancelAsync();

        Assert.ThrowsAsync<MailHeldException>(() => sending.WaitAsync(Patience));
    }

    [Test]
    public async Task A_caller_who_cancels_is_told_so()
    {
        using var cancellation = new CancellationTokenSource();
        var sending = Gated(NotThere()).SendAsync(Email, cancellation.Token);
        await _clock.HasTimer.WaitAsync(Patience);

        await cancellation.CancelAsync();

        var cancelled = Assert.CatchAsync<OperationCanceledException>(() => sending.WaitAsync(Patience));
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
        var sending = Gated(server).SendAsync(Email, CancellationToken.None);
        await _clock.HasTimer.WaitAsync(Patience);
        var next = Gated(server).SendAsync(Email, CancellationToken.None);

        _clock.Tick();

        Assert.ThrowsAsync<InvalidOperationException>(() => sending.WaitAsync(Patience));
        await next.WaitAsync(Patience);
    }

    private static ScriptedEmailSender NotThere() => new(_ => new MailServerUnavailableException("Connection refused", wasLetIn: false));

    private GatedEmailSender Gated(IEmailSender server, TimeSpan? longestHold = null) =>
        new(server, _gate, longestHold ?? Timeout.InfiniteTimeSpan, NullLogger<GatedEmailSender>.Instance, _stopping.Token);
}
