using System.Text.RegularExpressions;
using Orders.Testing.Mail;

namespace Orders.Testing.Chaos;

/// <summary>A mail server that misbehaves on command.</summary>
internal sealed partial class MisbehavingMailServer : IAsyncDisposable
{
    private readonly FakeSmtpServer _server = FakeSmtpServer.Start();
    private int _recipients;

    public MisbehavingMailServer() => Behave();

    public int Port => _server.Port;

    /// <summary>Every email that it took.</summary>
    public IReadOnlyList<ReceivedMail> Messages => _server.Messages;

    /// <summary>Misbehaves until what it returns is called.</summary>
    public async Task<Func<Task>> MisbehaveAsync(ChaosFault fault)
    {
        switch (fault)
        {
            case ChaosFault.MailServerGone:
                await _server.Stop();
                return () =>
                {
                    _server.Restart();
                    return Task.CompletedTask;
                };

            case ChaosFault.MailServerSlow:
                var hold = _server.Hold(SmtpStep.EndOfData);
                return () =>
                {
                    hold.Release();
                    return Task.CompletedTask;
                };

            case ChaosFault.MailServerOverloaded:
                _server.On(SmtpStep.Mail, new SmtpReply("421 4.3.2 Too busy", ThenClose: true));
                break;

            case ChaosFault.MailServerForgetsToAnswer:
                _server.On(SmtpStep.EndOfData, SmtpReply.TakeAndDrop);
                break;

            case ChaosFault.MailServerDropsInMidData:
                _server.On(SmtpStep.Content, SmtpReply.Drop);
                break;

            case ChaosFault.MailServerRefusesEveryThird:
                _server.On(SmtpStep.Recipient, address =>
                    RefuseForGood(address) ?? (Interlocked.Increment(ref _recipients) % 3 == 0 ? "451 4.3.0 Try again later" : null));
                break;

            default:
                throw new ArgumentOutOfRangeException(nameof(fault), fault, null);
        }

        return () =>
        {
            Behave();
            return Task.CompletedTask;
        };
    }

    /// <summary>The order that an email confirms; <c>null</c> for an alert.</summary>
    public static string? OrderOf(ReceivedMail mail) => OrderOf(mail.MessageId);

    /// <summary>The order whose confirmation a text names by its <c>Message-ID</c>; <c>null</c> where it names none.</summary>
    public static string? OrderOf(string text) => Confirmation().Match(text) is { Success: true } match ? match.Groups[1].Value : null;

    /// <summary>
    /// Whether an email's sender may not know that it was taken: it got no answer in time. Its time began before the server's did, on
    /// a busy machine long before, so half of it counts as all.
    /// </summary>
    public static bool MayBeUnanswered(ReceivedMail mail) => !(mail.AnsweredAfter < ChaosSystem.ContentTimeout / 2);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private void Behave()
    {
        _server.AsUsual(SmtpStep.Mail);
        _server.AsUsual(SmtpStep.Content);
        _server.AsUsual(SmtpStep.EndOfData);
        _server.On(SmtpStep.Recipient, RefuseForGood);
    }

    private static SmtpReply? RefuseForGood(string address) => Customers.Exists(address) ? null : "550 5.1.1 No such mailbox";

    [GeneratedRegex("<order-confirmation-([^@]+)@")]
    private static partial Regex Confirmation();
}
