using System.Globalization;
using System.Net.Mail;
using System.Text.RegularExpressions;

namespace Orders.Email.Refusals;

/// <summary>What a mail server was asked for when it refused, in the order of the conversation (RFC 5321, section 3).</summary>
[Flags]
internal enum SmtpStage
{
    /// <summary>The connection itself.</summary>
    Greeting = 1,

    /// <summary>EHLO or HELO.</summary>
    Hello = 2,

    /// <summary>STARTTLS.</summary>
    Encryption = 4,

    /// <summary>AUTH.</summary>
    Login = 8,

    /// <summary>MAIL, with our own address.</summary>
    Sender = 16,

    /// <summary>RCPT, with the customer's address.</summary>
    Recipient = 32,

    /// <summary>DATA, before any content.</summary>
    Data = 64,

    /// <summary>The end of the email.</summary>
    Content = 128,

    /// <summary>Everything that knows of no email yet.</summary>
    BeforeEmail = Greeting | Hello | Encryption | Login,

    /// <summary>Everything before the content.</summary>
    BeforeContent = BeforeEmail | Sender | Recipient | Data,

    /// <summary>Everything.</summary>
    Any = BeforeContent | Content,
}

/// <summary>Who or what a refusal is about.</summary>
internal enum Blame
{
    /// <summary>This email, for good: another try gets the same answer.</summary>
    Email,

    /// <summary>This email, for now.</summary>
    EmailForNow,

    /// <summary>Us: our address, name, login, rights or settings. Every email gets the same answer until somebody mends that.</summary>
    Us,

    /// <summary>Us, for now: the server cannot check who we are.</summary>
    UsForNow,

    /// <summary>We send too much at the moment.</summary>
    Rate,

    /// <summary>The connection has carried as many emails as it may.</summary>
    Connection,

    /// <summary>The server has no time for anybody.</summary>
    Server,
}

/// <summary>A mail server's answer that is no consent.</summary>
/// <param name="Stage">What it was asked for; several where the client does not tell.</param>
/// <param name="Code">The reply code, 400 to 599 (RFC 5321, section 4.2).</param>
/// <param name="Text">The rest of the reply, which may begin with an enhanced status code.</param>
internal sealed partial record Refusal(SmtpStage Stage, int Code, string Text)
{
    /// <summary>The enhanced status code without its class (RFC 3463), such as <c>7.1</c>; empty where there is none.</summary>
    public string Detail { get; } = EnhancedCode().Match(Text) is { Success: true } match && match.Groups[1].Value == FirstDigit(Code) ? match.Groups[2].Value : "";

    /// <summary>
    /// The refusal without anything that the customer has chosen: an address may be made of words that say something of us.
    /// </summary>
    public Refusal Without(MailAddress recipient) =>
        new(Stage, Code, Regex.Replace(Text, $@"\b({Regex.Escape(recipient.Host)}|{Regex.Escape(recipient.User)})\b", "", RegexOptions.IgnoreCase));

    private static string FirstDigit(int code) => (code / 100).ToString(CultureInfo.InvariantCulture);

    /// <summary>The text without addresses.</summary>
    public string Words { get; } = Address().Replace(Text, "");

    [GeneratedRegex(@"<[^>]*>|\S+@\S+")]
    private static partial Regex Address();

    // qmail has it in brackets at the end.
    [GeneratedRegex(@"(?:^|\(#)([45])\.(\d{1,3}\.\d{1,3})\b")]
    private static partial Regex EnhancedCode();
}
