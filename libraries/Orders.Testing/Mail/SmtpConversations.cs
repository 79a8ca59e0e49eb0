using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Orders.Testing.Mail;

/// <summary>What was said to a mail server, word for word, and that it was nothing else than what was meant.</summary>
internal static partial class SmtpConversations
{
    private const string Sender = "orders@shop.example";

    private static readonly string[] HeaderNames =
        ["MIME-Version", "From", "To", "Date", "Subject", "Message-ID", "Auto-Submitted", "X-Trace-Id", "Content-Type"];

    /// <summary>
    /// Asserts of every conversation that it consists of emails from us to one recipient each, and of every email that its
    /// headers and parts are ours, and its recipient that of its order.
    /// </summary>
    /// <param name="mail">The mail server. It takes every end of a line for one, and a line of a dot for the end of an email: whatever could be smuggled past a stricter one shows.</param>
    /// <param name="allowed">The orders that an email may be about, and the address that it must then go to, as its order has it.</param>
    public static void ExpectOnly(this FakeSmtpServer mail, IReadOnlySet<(string OrderId, string Email)> allowed)
    {
        var recipients = allowed.Select(order => ToAscii(order.Email)).ToHashSet();
        foreach (var session in mail.Sessions)
        {
            Assert.That(string.Join('\n', session.Commands.Select(command => Describe(command, recipients))), Does.Match(@"\A(EHLO(\n(MAIL\nRCPT|MAIL in Unicode\nRCPT in Unicode)\nDATA)*(\nQUIT)?)?\z"));
        }

        var orders = allowed.Select(order => (order.OrderId, ToAscii(order.Email))).ToHashSet();
        foreach (var message in mail.Messages)
        {
            using (Assert.EnterMultipleScope())
            {
                Assert.That(message.From, Is.EqualTo(Sender));
                Assert.That(message.Recipients, Has.Count.EqualTo(1));
                Assert.That(message.To, Is.EqualTo(message.Recipients[0]));
                Assert.That(message.Headers.Select(header => header.Key), Is.EquivalentTo(HeaderNames), message.Raw);
                Assert.That(message.Headers.Where(header => header.Key != "To").Select(header => header.Value), Is.All.Matches("^[\x20-\x7e\t]*$"));
                Assert.That(message.Subject, Does.Not.Match(@"[\p{Cc}]"));
                Assert.That(message.Parts.Select(part => part.MediaType), Is.EqualTo(["text/plain", "text/html"]));
                Assert.That(message.Html, Does.Not.Contain("<script").And.Not.Contain("onload='"));
                Assert.That(OrderIds().Match(message.MessageId) is { Success: true } id && orders.Contains((Unescape(id.Groups[1].Value), message.Recipients[0])), $"{message.MessageId} to {message.Recipients[0]}");
            }
        }
    }

    /// <summary>How an address is written to a mail server.</summary>
    private static string ToAscii(string address)
    {
        try
        {
            return address.LastIndexOf('@') is >= 0 and var at ? $"{address[..at]}@{new IdnMapping().GetAscii(address[(at + 1)..])}" : address;
        }
        catch (ArgumentException)
        {
            // No domain, so nothing can go there.
            return address;
        }
    }

    private static string Describe(string command, HashSet<string> recipients) => command switch
    {
        ['E', 'H', 'L', 'O', ' ', ..] => "EHLO",
        $"MAIL FROM:<{Sender}>" => "MAIL",
        $"MAIL FROM:<{Sender}> BODY=8BITMIME SMTPUTF8" => "MAIL in Unicode",
        _ when RecipientCommand().Match(command) is { Success: true } match && recipients.Contains(match.Groups[1].Value) => Ascii.IsValid(command) ? "RCPT" : "RCPT in Unicode",
        "DATA" or "QUIT" => command,
        _ => $"'{command}', which nobody meant to say",
    };

    [GeneratedRegex(@"\ARCPT TO:<([^<>\s]+)>\z")]
    private static partial Regex RecipientCommand();

    /// <summary>A dot that could not stand where it is in a Message-ID is written as its number.</summary>
    private static string Unescape(string orderId) => orderId.Replace("%002E", ".", StringComparison.Ordinal);

    [GeneratedRegex(@"\A<order-confirmation-((?:[A-Za-z0-9._-]|%002E){1,64})@shop\.example>\z")]
    private static partial Regex OrderIds();
}
