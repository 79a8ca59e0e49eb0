using System.Net;
using System.Text.Json;
using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Orders.Email.Outages;
using Orders.FaultQueues;

namespace Orders.Tests.EndToEnd;

/// <summary>What a web address hears of orders that are not confirmed.</summary>
[TestFixtureSource(typeof(TransportUnderTest), nameof(TransportUnderTest.InMemoryAndOnQuorumQueues))]
internal sealed class WebhookAlertsTests(TransportUnderTest transport) : OrderSystemTests
{
    private readonly Cleanup _cleanup = new();
    private WebhookReceiver _webhook = null!;
    private string _address = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _webhook = _cleanup.Add(await WebhookReceiver.StartAsync());
        _address = Path.GetTempFileName();
        _cleanup.Add(() =>
        {
            File.Delete(_address);
            return Task.CompletedTask;
        });
        await File.WriteAllTextAsync(_address, $"{_webhook.Url}\n");
        TheSystem = await OrderSystem.StartAsync(transport, settings:
        [
            ("Alerts__Webhook__UrlFile", _address),
            ("Alerts__To", null),
            ("Replay__Backoff__1", "00:00:00.030"),
        ]);
    }

    [TearDown]
    public Task EndAsync() => _cleanup.RunAsync();

    [Test]
    public async Task It_hears_of_an_outage_of_the_mail_server_while_no_email_could_say_so()
    {
        await TheSystem.Mail.Stop();
        await TheSystem.PlaceAsync("1");

        var begin = (await _webhook.WaitForAsync(1))[0];
        TheSystem.Mail.Restart();
        var end = (await _webhook.WaitForAsync(2))[1];

        await TheSystem.Mail.WaitForMessages(1);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(begin.Body, Does.Contain("The mail server cannot be reached"));
            Assert.That(end.Body, Does.Contain("The mail server is back"));
            Assert.That(TheSystem.Log.Of<MailOutageAnnouncer>(2132), Has.Count.EqualTo(1));
            Assert.That(TheSystem.Mail.Messages, Has.Count.EqualTo(1), "With nobody to alert by email, there is the confirmation alone.");
        }
    }

    [Test]
    public async Task It_is_told_again_until_it_has_taken_what_was_said_and_its_address_is_in_no_log()
    {
        TheSystem.Mail.On(SmtpStep.Recipient, "550 5.1.1 No such mailbox");
        _webhook.Answer = number => number switch
        {
            0 => HttpStatusCode.ServiceUnavailable,
            1 => HttpStatusCode.TooManyRequests,
            _ => HttpStatusCode.OK,
        };

        await TheSystem.PlaceAsync("67890");

        var received = await _webhook.WaitForAsync(3);
        await TheSystem.PlaceAsync("67891");
        received = await _webhook.WaitForAsync(4);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(received.Take(3).Select(webhook => webhook.Id).Distinct().Count(), Is.EqualTo(1));
            Assert.That(received.Take(3).Select(webhook => webhook.Body), Is.All.Contains("Not confirmed: order 67890"));
            Assert.That(received[3].Body, Does.Contain("Not confirmed: order 67891"));
            Assert.That(TheSystem.Log.All.Select(entry => entry.Message), Has.None.Contains(WebhookReceiver.SecretPath));
        }
    }

    [Test]
    public async Task It_hears_of_every_email_that_is_given_up()
    {
        await TheSystem.Worker.GetRequiredService<IBus>().Publish(new NotificationFailed("order-packed", "12345", "B-1", "Permanent: 550 No such mailbox", DateTimeOffset.UnixEpoch));

        var body = (await _webhook.WaitForAsync(1))[0].Body;
        Assert.That(
            JsonDocument.Parse(body).RootElement.GetProperty("text").GetString(),
            Does.StartWith("Not sent: order-packed of order 12345 (B-1)\nThe email order-packed of order 12345 (B-1) was given up.\n")
                .And.Contain("Why:   Permanent: 550 No such mailbox\n")
                .And.Contain("Where: queue order-packed_parked\n"));
    }

    [Test]
    public async Task What_it_never_takes_is_set_aside()
    {
        TheSystem.Mail.On(SmtpStep.Recipient, "550 5.1.1 No such mailbox");
        _webhook.Answer = _ => HttpStatusCode.Gone;

        await TheSystem.PlaceAsync("1");

        // The order itself, and then what was to be told of it.
        var setAside = await TheSystem.Log.WaitFor<FaultSorter>(210, 2);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(setAside[1], Does.EndWith("(Permanent)"));
            Assert.That(_webhook.Received, Has.Count.EqualTo(1));
        }
    }
}
