using NUnit.Framework.Interfaces;
using Orders.Email;
using Orders.Testing.Mail.Servers;

namespace Orders.Tests.Email.MailServers;

/// <summary>What holds for every real mail server. A file that the server has delivered counts, not its answer.</summary>
public abstract class MailServerTests
{
    private readonly Cleanup _cleanup = new();

    [TearDown]
    public Task StopAsync() => _cleanup.RunAsync();

    [Test]
    public async Task A_pool_of_8_delivers_200_emails_once_each()
    {
        var server = Add(await StartAsync());
        using var host = EmailHost.For(server);

        await SendAsync(host, 200);

        await ExpectDeliveredAsync(server, 200);
    }

    [Test]
    public async Task Text_in_any_script_dots_and_long_lines_arrive_as_they_were()
    {
        var server = Add(await StartAsync());
        using var host = EmailHost.For(server, ("Email__From", "Zoë’s Bücher 日本語 <orders@shop.example>"));
        const string Subject = "Zoë’s 💻 → 日本語 שלום: a subject that is long enough for several lines of a header 👩‍👩‍👧";
        var body = $".\r\n..\r\n.a dot\r\nFrom here\r\n{new string('x', 5_000)}\r\n{string.Concat(Enumerable.Repeat(Subject, 100))}\r\n.\r\n";

        await host.SendAsync(subject: Subject, text: body, html: $"<p>{body}</p>");

        var mail = (await server.DeliverAsync()).Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(mail.Subject, Is.EqualTo(Subject));
            Assert.That(MimeKit.MailboxAddress.Parse(mail.Header("From")).Name, Is.EqualTo("Zoë’s Bücher 日本語"));
            Assert.That(mail.Header("Return-Path"), Is.EqualTo("<orders@shop.example>"));
            Assert.That(mail.Text.TrimEnd(), Is.EqualTo(body.TrimEnd()));
            Assert.That(mail.Html.TrimEnd(), Is.EqualTo($"<p>{body}</p>"));
        }
    }

    [Test]
    public async Task An_unknown_recipient_is_refused_for_good_and_the_next_email_takes_the_same_connection()
    {
        var server = Add(await StartAsync());
        using var host = EmailHost.For(server);

        await Assert.ThrowsAsync<PermanentEmailException>(() => host.SendAsync("1", MailServer.UnknownRecipient));
        await host.SendAsync("2");

        await ExpectDeliveredAsync(server, "2");
        Assert.That(server.CountInLog(LoggedConnection), Is.EqualTo(2), "The first one asked whether the server runs.");
    }

    /// <summary>Servers slow down or hang up after so many errors on a connection.</summary>
    [Test]
    public async Task Many_unknown_recipients_hold_up_no_good_email()
    {
        var server = Add(await StartAsync());
        using var host = EmailHost.For(server, ("Email__Smtp__PoolSize", "1"), ("Email__Smtp__EnvelopeTimeout", "00:00:05"));

        for (var i = 1; i <= 30; i++)
        {
            await Assert.ThrowsAsync<PermanentEmailException>(() => host.SendAsync("unknown", MailServer.UnknownRecipient));
            if (i % 10 == 0)
            {
                await host.SendAsync($"{i / 10}");
            }
        }

        await ExpectDeliveredAsync(server, 3);
        Assert.That(server.ReadLog(), Does.Not.Contain("too many").IgnoreCase);
    }

    [Test]
    public async Task An_email_that_is_too_large_is_refused_for_good_and_the_next_one_arrives()
    {
        var server = Add(await StartAsync(mostBytes: 20_000));
        using var host = EmailHost.For(server);

        var failure = await Assert.ThrowsAsync<PermanentEmailException>(() => host.SendAsync("1", text: new string('x', 30_000)));
        await host.SendAsync("2");

        Assert.That(failure!.Message, Does.Contain("552").Or.Contain("5.3.4"));
        await ExpectDeliveredAsync(server, "2");
    }

    [Test]
    public async Task An_address_in_Unicode_gets_its_email_where_the_server_offers_SMTPUTF8_and_is_refused_for_good_elsewhere()
    {
        var server = Add(await StartAsync());
        using var host = EmailHost.For(server);

        var toUnicode = host.SendAsync("1", $"zoë@{MailServer.Domain}");
        if (OffersSmtpUtf8)
        {
            await toUnicode;
        }
        else
        {
            var failure = await Assert.ThrowsAsync<PermanentEmailException>(() => toUnicode);
            Assert.That(failure!.Message, Does.Contain("SMTPUTF8"));
        }

        await host.SendAsync("2");

        await ExpectDeliveredAsync(server, OffersSmtpUtf8 ? ["1", "2"] : ["2"]);
    }

    /// <summary>Starts the server.</summary>
    /// <param name="mostBytes">The size of the largest email that it takes.</param>
    private protected abstract Task<MailServer> StartAsync(int mostBytes = 1_000_000);

    /// <summary>Whether the server takes emails to addresses that are not ASCII.</summary>
    private protected virtual bool OffersSmtpUtf8 => true;

    /// <summary>What the server logs of each connection that begins.</summary>
    private protected abstract string LoggedConnection { get; }

    /// <summary>Disposes of the server after the test, whose failure its log may explain.</summary>
    private protected T Add<T>(T server)
        where T : MailServer
    {
        _cleanup.Add(server);
        _cleanup.Add(() => TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed ? TestContext.Out.WriteLineAsync(server.ReadLog()) : Task.CompletedTask);
        return server;
    }

    /// <summary>Sends emails 1 to <paramref name="count"/>, all at once.</summary>
    private protected static Task SendAsync(EmailHost host, int count) =>
        Task.WhenAll(Enumerable.Range(1, count).Select(id => host.SendAsync($"{id}")));

    /// <summary>Expects emails 1 to <paramref name="count"/> in files, each in one.</summary>
    private protected static Task ExpectDeliveredAsync(MailServer server, int count) =>
        ExpectDeliveredAsync(server, [.. Enumerable.Range(1, count).Select(id => $"{id}")]);

    /// <summary>Expects emails in files, each in one.</summary>
    private protected static async Task ExpectDeliveredAsync(MailServer server, params IEnumerable<string> ids) =>
        Assert.That(
            (await server.DeliverAsync()).Select(mail => mail.MessageId), Is.EquivalentTo(ids.Select(id => $"<{id}@shop.example>")));
}
