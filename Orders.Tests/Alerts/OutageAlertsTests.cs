using Notifications.Worker.Alerts;
using Orders.Email.Outages;

namespace Orders.Tests.Alerts;

/// <summary>What several workers say of the same outages becomes one story.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class OutageAlertsTests
{
    private readonly OutageAlerts _alerts = new();

    [Test]
    public void However_many_workers_report_an_outage_it_begins_once_and_ends_once()
    {
        var begun = new[] { Begin(0), Begin(1), Begin(2) };
        var ended = new[] { End(1, 60), End(0, 61), End(2, 62) };

        Assert.That(begun, Is.EqualTo([true, false, false]));
        Assert.That(ended, Is.EqualTo(new DateTimeOffset?[] { At(0), null, null }));
    }

    [Test]
    public void A_message_that_comes_again_is_told_again_as_the_same()
    {
        Assert.That((Begin(0), Begin(0)), Is.EqualTo((true, true)));
        Assert.That((End(0, 60), End(0, 60)), Is.EqualTo(((DateTimeOffset?)At(0), (DateTimeOffset?)At(0))));
    }

    [Test]
    public void A_beginning_that_is_overtaken_by_its_end_is_still_told() =>
        Assert.That((Begin(0), End(0, 60), Begin(0)), Is.EqualTo((true, (DateTimeOffset?)At(0), true)));

    [Test]
    public void What_began_before_the_last_end_is_that_same_outage()
    {
        Begin(0);
        End(0, 60);

        Assert.That(Begin(59), Is.False);
        Assert.That(Begin(61), Is.True);
    }

    [Test]
    public void An_end_without_a_beginning_is_nothing_to_tell() =>
        Assert.That(End(0, 60), Is.Null);

    [Test]
    public void The_end_of_the_outage_before_does_not_end_the_next()
    {
        Begin(0);
        End(0, 60);
        Begin(100);

        Assert.That(End(1, 62), Is.Null);
        Assert.That(End(100, 160), Is.EqualTo(At(100)));
    }

    private bool Begin(int since) => _alerts.IsBeginning(new MailServerUnreachable(At(since), "Connection refused"));

    private DateTimeOffset? End(int since, int until) => _alerts.FindEnded(new MailServerReachable(At(since), At(until)));

    private static DateTimeOffset At(int second) => new DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero).AddSeconds(second);
}
