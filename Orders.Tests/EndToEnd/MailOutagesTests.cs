using System.Net;
using System.Text.Json;
using Contracts;
using Notifications.Worker.Pipeline;
using Orders.Email.Outages;
using Orders.FaultQueues;
using Orders.FaultQueues.Job;

namespace Orders.Tests.EndToEnd;

/// <summary>A mail server that is down for everyone, or rude to some.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class MailOutagesTests(TransportUnderTest transport) : OrderSystemTests
{
    private const int Unreachable = 2131;
    private const int Reachable = 2132;
    private const int SetAside = 210;
    private const int NotSent = 102;

    [Test]
    public async Task The_mail_server_is_gone_for_a_while()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: [.. Basic.Users, ("Email__Outage__FirstPause", "00:00:00.200"), ("Email__Outage__LongestPause", "00:00:00.800")]);
        await TheSystem.Mail.Stop();

        var orders = await PlaceAsync(40);
        await TheSystem.Log.WaitFor<MailOutageAnnouncer>(Unreachable);
        var (status, health) = await GetHealthAsync();
        var attempts = CountAttempts();
        TheSystem.Mail.Restart();

        await WaitForConfirmationsAsync(orders.Count);
        await TheSystem.Log.WaitFor<MailOutageAnnouncer>(Reachable);
        await TheSystem.Mail.WaitFor("both alerts", _ => TheSystem.Alerts.Count >= 2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(health.GetProperty("status").GetString(), Is.EqualTo("Degraded"));
            Assert.That(health.GetProperty("checks").GetProperty("mail-server").GetProperty("description").GetString(), Does.StartWith("mail server unreachable since 20"));
            Assert.That((await GetHealthAsync()).Body.GetProperty("status").GetString(), Is.EqualTo("Healthy"));
            Assert.That(attempts, Is.LessThan(40), "Eight at once, then one at a time.");
            Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(orders));
            Assert.That(TheSystem.Alerts.Select(alert => alert.Subject), Is.EqualTo(["The mail server cannot be reached", "The mail server is back"]));
            Assert.That(TheSystem.Log.Of<MailOutageAnnouncer>(Unreachable), Has.Count.EqualTo(1));
            AssertNothingFailed();
        }
    }

    [Test]
    public async Task A_server_that_lets_everybody_in_and_has_no_time_for_anybody_is_down()
    {
        TheSystem = await OrderSystem.StartAsync(transport);
        TheSystem.Mail.On(SmtpStep.Mail, "421 4.3.2 Busy");

        var orders = await PlaceAsync(20);
        await TheSystem.Log.WaitFor<MailOutageAnnouncer>(Unreachable);
        TheSystem.Mail.AsUsual(SmtpStep.Mail);

        await WaitForConfirmationsAsync(orders.Count);
        await TheSystem.Log.WaitFor<MailOutageAnnouncer>(Reachable);
        Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(orders));
        AssertNothingFailed();
    }

    [TestCase(SmtpStep.Recipient, "504 5.5.2 <worker>: Helo command rejected: need fully-qualified hostname")]
    [TestCase(SmtpStep.Recipient, "550 relay not permitted")]
    [TestCase(SmtpStep.Mail, "553 5.7.1 <orders@shop.example>: Sender address rejected: not owned by user shop")]
    [TestCase(SmtpStep.Mail, "451 4.7.1 Too much mail from you")]
    [TestCase(SmtpStep.EndOfData, "550 5.7.1 Quota exceeded")]
    public async Task A_server_that_refuses_us_or_slows_us_down_costs_no_order_a_try(SmtpStep step, string reply)
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: [("Email__Outage__FirstPause", "00:00:00.200"), ("Email__Outage__LongestPause", "00:00:00.800")]);
        TheSystem.Mail.On(step, reply);

        var orders = await PlaceAsync(20);
        await TheSystem.Log.WaitFor<MailOutageAnnouncer>(Unreachable);
        TheSystem.Mail.AsUsual(step);

        await WaitForConfirmationsAsync(orders.Count);
        await TheSystem.Mail.WaitFor("both alerts", _ => TheSystem.Alerts.Count >= 2);
        Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(orders));
        Assert.That(TheSystem.Alerts, Has.Count.EqualTo(2));
        Assert.That(TheSystem.Log.Of<NotificationConsumer<OrderPlaced>>(NotSent), Is.Empty, "No try was used up.");
        AssertNothingFailed();
    }

    [TestCase("421 4.3.2 Not this one", false)]
    [TestCase(null, false)]
    [TestCase(null, true)]
    public async Task Emails_on_which_the_server_hangs_up_do_not_keep_it_from_those_behind_them(string? lastWords, bool goodOnesComeLater)
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: [("Replay__MaxAttempts", "1"), ("Alerts__To", null)]);
        var hangsUp = new SmtpReply(lastWords, ThenClose: true);

        var hungUp = 0;
        TheSystem.Mail.On(SmtpStep.Recipient, recipient => recipient.Contains("bad@", StringComparison.Ordinal) && Interlocked.Increment(ref hungUp) > 0 ? hangsUp : null);
        for (var i = 0; i < 20; i++)
        {
            await TheSystem.PlaceAsync($"bad-{i}", "bad@example.com");
        }

        if (goodOnesComeLater)
        {
            // All have failed by then, are back in their queue and fail again.
            await TheSystem.Mail.WaitFor("bad emails", _ => Volatile.Read(ref hungUp) >= 24);
        }

        var orders = await PlaceAsync(30);

        await TheSystem.Mail.WaitForMessages(30, TimeSpan.FromSeconds(90));
        var parked = TheSystem.WaitForParked(20);
        while (!parked.IsCompleted)
        {
            // Nobody could tell bad emails alone from a server that is down: good ones keep coming, and go out.
            orders = [.. orders, .. await PlaceAsync(1, $"late-{orders.Count}")];
            await TheSystem.Mail.WaitForMessages(orders.Count);
            try
            {
                await parked.WaitAsync(TimeSpan.FromSeconds(1));
            }
            catch (TimeoutException) when (!parked.IsFaulted)
            {
                // The next one, unless it has ended just now.
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(orders));
            Assert.That((await parked).Select(fault => fault.OrderId), Is.EquivalentTo(Enumerable.Range(0, 20).Select(i => $"bad-{i}")));
        }
    }

    [TestCase(SmtpStep.Data)]
    [TestCase(SmtpStep.EndOfData)]
    public async Task A_domain_whose_emails_the_server_is_slow_to_take_keeps_nobody_from_a_connection(SmtpStep step)
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: ("Alerts__To", null));
        var slow = TheSystem.Mail.Hold(step, domain: "slow.example");
        for (var i = 0; i < 20; i++)
        {
            await TheSystem.PlaceAsync($"slow-{i}", "customer@slow.example");
        }

        await slow.Reached(7);
        var orders = await PlaceAsync(30);

        await TheSystem.Mail.WaitForMessages(30, TimeSpan.FromSeconds(90));
        Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(orders));
        slow.Release();
        await TheSystem.Mail.WaitForMessages(50, TimeSpan.FromSeconds(90));
    }

    [Test]
    public async Task An_email_that_the_server_cannot_stomach_is_parked_alone()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: ("Replay__MaxAttempts", "1"));
        TheSystem.Mail.On(SmtpStep.EndOfData, mail => mail.Contains("To: poison@", StringComparison.Ordinal) ? SmtpReply.Drop : null);

        await TheSystem.PlaceAsync("poison", "poison@example.com");
        var orders = await PlaceAsync(40);

        await WaitForConfirmationsAsync(orders.Count);
        var parked = await TheSystem.WaitForParked(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Select(fault => fault.OrderId), Is.EqualTo(["poison"]));
            Assert.That(TheSystem.ConfirmedOrders, Is.EquivalentTo(orders));
            Assert.That(TheSystem.Log.Of<MailOutageAnnouncer>(Unreachable), Is.Empty);
        }
    }

    [Test]
    public async Task A_server_that_is_rude_in_every_way_costs_no_order_its_email()
    {
        TheSystem = await OrderSystem.StartAsync(transport, settings: [("Email__Smtp__EnvelopeTimeout", "00:00:00.5"), ("Email__Smtp__ContentTimeout", "00:00:00.5"), ("Replay__MaxAttempts", "1000")]);
        int recipients = 0, contents = 0, ends = 0;
        // Answers too late, once.
        var silence = TheSystem.Mail.Hold(SmtpStep.Data);
        TheSystem.Mail.On(SmtpStep.Recipient, address => address.StartsWith("nobody", StringComparison.Ordinal) ? "550 5.1.1 No such user"
            : Interlocked.Increment(ref recipients) % 3 == 0 ? "451 4.3.0 Try again later" : null);
        TheSystem.Mail.On(SmtpStep.Content, _ => Interlocked.Increment(ref contents) % 7 == 0 ? SmtpReply.Drop : null);
        // Takes the email, and is gone before it says so.
        TheSystem.Mail.On(SmtpStep.EndOfData, _ => Interlocked.Increment(ref ends) % 7 == 0 ? SmtpReply.TakeAndDrop : null);

        var refused = await PlaceAsync(3, "nobody");
        var orders = await PlaceAsync(60);
        await silence.Reached();
        silence.Release();

        await TheSystem.Mail.WaitFor("an email for each order", _ => !orders.Except(TheSystem.ConfirmedOrders).Any(), TimeSpan.FromSeconds(90));
        var parked = await TheSystem.WaitForParked(refused.Count);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(parked.Select(fault => fault.OrderId), Is.EquivalentTo(refused));
            Assert.That(TheSystem.ConfirmedOrders.Distinct(), Is.EquivalentTo(orders), "A copy has the Message-ID of the first.");
            Assert.That(TheSystem.Mail.Sessions.Count(session => session.IsClosed), Is.GreaterThan(3), "Broken connections are not kept.");
        }
    }

    private async Task<IReadOnlyList<string>> PlaceAsync(int count, string customer = "customer")
    {
        var orders = Enumerable.Range(0, count).Select(i => $"{customer}-{i}").ToArray();
        await Task.WhenAll(orders.Select(order => TheSystem.PlaceAsync(order, $"{order}@example.com")));
        return orders;
    }

    private Task WaitForConfirmationsAsync(int count) =>
        TheSystem.Mail.WaitFor($"{count} confirmations", _ => TheSystem.Confirmations.Count >= count, TimeSpan.FromSeconds(60));

    private int CountAttempts() => TheSystem.Log.All.Count(entry => entry.Id == 2130);

    private void AssertNothingFailed()
    {
        Assert.That(TheSystem.Log.Of<FaultSorter>(SetAside), Is.Empty);
        Assert.That(TheSystem.Log.Of<RedeliverJob>(201), Is.Empty);
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> GetHealthAsync()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/health/details");
        request.Headers.Authorization = Basic.Of("olga");
        using var response = await TheSystem.WorkerHttp.SendAsync(request);
        return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement);
    }
}
