using System.Text.RegularExpressions;

namespace Orders.Email.Refusals;

/// <summary>
/// Sorts what mail servers refuse by who is to blame. Replies of real servers, with their sources, are in
/// <c>docs/mail-refusals.md</c>, each of which is a test of this table.
/// </summary>
internal static partial class RefusalTable
{
    /// <summary>The first that fits decides.</summary>
    private static readonly Rule[] Rules =
    [
        // Before the first email, no email can be to blame.
        new(Blame.Server, SmtpStage.BeforeEmail, "4"),
        new(Blame.Us, SmtpStage.BeforeEmail, "5"),

        new(Blame.EmailForNow, SmtpStage.Any, "", Words: BusyMailboxWords()),
        new(Blame.EmailForNow, SmtpStage.Any, "4", Words: GreylistWords()),

        // RFC 5321, section 4.5.3.1.10. Each email has one recipient, so it is one email too many for the connection.
        new(Blame.Rate, SmtpStage.BeforeContent, "45", Words: PeriodWords()),
        new(Blame.Connection, SmtpStage.BeforeContent, "45", "5.3"),
        new(Blame.Connection, SmtpStage.BeforeContent, "", Words: ConnectionWords()),

        // RFC 5321, section 3.8: the server closes the channel.
        new(Blame.Rate, SmtpStage.Any, "421", Words: RateWords()),
        new(Blame.Server, SmtpStage.Any, "421"),

        // What can be said of nobody but the sender, whatever the code says. Many servers say it only to RCPT, or after the content.
        new(Blame.Rate, SmtpStage.Any, "", Words: OurRateWords()),
        new(Blame.Us, SmtpStage.Any, "", Words: OurWords()),
        new(Blame.Us, SmtpStage.Any, "5", Words: AccountWords()),

        // Sizes, loops and characters are of the email (RFC 1870, section 6; RFC 3463, sections 3.3, 3.5 and 3.7; RFC 6531, section 3.5).
        new(Blame.Email, SmtpStage.Any, "5", "3.4|2.3|4.6|6.*"),
        new(Blame.Email, SmtpStage.Any, "5", Words: EmailWords()),

        // RFC 3463, sections 3.2 and 3.3: the recipient's address and mailbox.
        new(Blame.EmailForNow, SmtpStage.Recipient, "5", Words: LaterWords()),
        new(Blame.EmailForNow, SmtpStage.Recipient | SmtpStage.Data | SmtpStage.Content, "4", "1.1|1.2|1.3|1.6|1.10|2.*|4.1"),
        new(Blame.Email, SmtpStage.Recipient | SmtpStage.Data | SmtpStage.Content, "5", "1.1|1.2|1.3|1.6|1.10|2.*|4.1"),
        new(Blame.EmailForNow, SmtpStage.Recipient | SmtpStage.Content, "4", Words: MailboxWords()),
        new(Blame.Email, SmtpStage.Recipient | SmtpStage.Content, "5", Words: MailboxWords()),

        // Too much, too fast: said with every code, before and after the content.
        new(Blame.Rate, SmtpStage.Any, "", Words: RateWords()),
        new(Blame.Rate, SmtpStage.Any, "", "4.5|7.28"),

        // RFC 4954, sections 4 and 6; RFC 3207, section 4; RFC 7504.
        new(Blame.UsForNow, SmtpStage.BeforeContent, "454|435", Words: CheckWords()),
        new(Blame.Us, SmtpStage.BeforeContent, "432|521|530|534|535|538"),
        new(Blame.Us, SmtpStage.BeforeContent, "", Words: LoginWords()),

        new(Blame.EmailForNow, SmtpStage.Recipient, "4", Words: RecipientWords()),
        new(Blame.Email, SmtpStage.Recipient, "5", Words: RecipientWords()),

        // RFC 3463, section 3.2: our own address.
        new(Blame.Us, SmtpStage.Any, "", "1.7|1.8"),
        new(Blame.Us, SmtpStage.BeforeContent, "", Words: ClientWords()),

        // RFC 3463, section 3.8: policy and security, which servers use for load and reputation.
        new(Blame.Rate, SmtpStage.Any, "4", "7.*"),

        // Nothing of the email is known yet but our own address.
        new(Blame.Email, SmtpStage.Data, "5", Words: NoRecipientWords()),
        new(Blame.Us, SmtpStage.Sender | SmtpStage.Data, "5", IsWhole: true),
        new(Blame.Server, SmtpStage.Sender | SmtpStage.Data, "4", IsWhole: true),
        new(Blame.Us, SmtpStage.Sender, "555"),
        new(Blame.Server, SmtpStage.Sender, "455"),

        new(Blame.EmailForNow, SmtpStage.Any, "4"),
        new(Blame.Email, SmtpStage.Any, "5"),
    ];

    /// <summary>Who is to blame for a refusal.</summary>
    public static Blame Find(Refusal refusal) => Array.Find(Rules, rule => rule.Fits(refusal))!.Blame;

    [GeneratedRegex("\\b(daily|hourly|this hour|this day|(per|24-)[ -]?(second|minute|hour|day))\\b", RegexOptions.IgnoreCase)]
    private static partial Regex PeriodWords();

    [GeneratedRegex("too many (mails|messages|e-?mails|transactions) .{0,20}(connection|session)|(messages|transactions) per (connection|session)|too many recipients(?! (from|received))", RegexOptions.IgnoreCase)]
    private static partial Regex ConnectionWords();

    [GeneratedRegex("(relay|submission|sending|sender|outbound|tenant).{0,30}(limit|quota|frequency|threshold)", RegexOptions.IgnoreCase)]
    private static partial Regex OurRateWords();

    [GeneratedRegex("relay(ing)? (access )?(is )?(denied|not permitted|prohibited)|unable to relay|rcpthosts|badmailfrom|sender address rejected|sender verify|not owned by|sendasdenied|send ?as (this|the)|identities failed|not authorized to perform|verified sender identity|sender signature|outgoing mail.{0,60}suspended", RegexOptions.IgnoreCase)]
    private static partial Regex OurWords();

    [GeneratedRegex("authenticat|credential", RegexOptions.IgnoreCase)]
    private static partial Regex CheckWords();

    [GeneratedRegex("try again later|temporar", RegexOptions.IgnoreCase)]
    private static partial Regex LaterWords();

    [GeneratedRegex("(message|size|mail|header|line).{0,40}(too (large|big|long)|exceed.{0,30}(size|length)|size limit|maximum size)|exceeds (fixed|maximum|size|the size)|too many (hops|received)|mail loop|smtputf8|non-ascii|bare <?(lf|cr)|virus|malware|line.{0,10}too long", RegexOptions.IgnoreCase)]
    private static partial Regex EmailWords();

    [GeneratedRegex("(user|recipient|mailbox|inbox|account).{0,60}(receiving|received).{0,30}(too (quickly|fast|many)|rate)|too many messages.{0,20}(for|to) (this|the) (recipient|user)|limit.{0,60} to this recipient|recipient (has exceeded|thread limit)|too many recent messages", RegexOptions.IgnoreCase)]
    private static partial Regex BusyMailboxWords();

    [GeneratedRegex("(mailbox|inbox|storage|disk).{0,40}(full|quota|exceed|allocation)|^(user |account )?quota exceeded|may not exist|resolver\\.rst|(to|by) (this|the)? ?(recipient|address|group)|too many messages in|(quota|exceed).{0,40}(mailbox|storage|disk)|over ?quota|(user|recipient|mailbox|person|account) (is |has been )?(unknown|not found|unavailable|disabled|discontinued|suspended|blocked|inactive|not active)|unknown (user|recipient|local[- ]part|address)|no such (user|recipient|mailbox|person|address)|(user|mailbox|recipient|account|address).{0,40}(does not|doesn't) exist|(does not|doesn't) (have|accept).{0,40}(account|mail)|invalid (recipient|mailbox)", RegexOptions.IgnoreCase)]
    private static partial Regex MailboxWords();

    [GeneratedRegex(@"\bquota\b|rate[- ]?limit|too (fast|much mail|frequent|often)|too many .{0,12}(messages|mails|e-?mails|connect|requests|sessions|recipients (from|received)|auth)|throttl|(sending|daily|hourly|message|connection|submission|usage|recipient) (limit|rate)|limits? (was |has been |is )?(exceeded|reached)|exceeded .{0,40}(limit|rate|allowed|maximum)|maximum (sending )?(rate|number of (messages|e-?mails|connections))|unusual rate|\bper (second|minute|hour|day)\b|slow down|sending too|excessive volume", RegexOptions.IgnoreCase)]
    private static partial Regex RateWords();

    [GeneratedRegex(@"auth(enticate|entication)? (is )?(first|required|needed|failed|unsuccessful)|must (first )?authenticate|not (logged in|authenticated)|(log ?in|authenticate) first|without authentication|unauthenticated (client|connection)|starttls|(requires?|must use|need) (tls|ssl|encryption)|encryption (is )?required", RegexOptions.IgnoreCase)]
    private static partial Regex LoginWords();

    [GeneratedRegex("(your|sender'?s?|sending|smtp) (sending )?(account|credits?|server|sender|domain|user|mailbox).{0,30}(suspended|disabled|deactivated|locked|paused|not (yet )?(active|approved|activated))|smtpclientauthentication is disabled|sending (is |has been )?(paused|disabled|suspended)|pending approval|maximum credits", RegexOptions.IgnoreCase)]
    private static partial Regex AccountWords();

    // The second is rspamd's whole answer.
    [GeneratedRegex(@"gr[ea]y-?list|^4\.7\.1 try again later\.?$", RegexOptions.IgnoreCase)]
    private static partial Regex GreylistWords();

    [GeneratedRegex("recipient (address )?(rejected|denied|refused|verification|verify)|recipient.{0,30}(unverified|undeliverable)|unrouteable address|undeliverable address", RegexOptions.IgnoreCase)]
    private static partial Regex RecipientWords();

    [GeneratedRegex(@"\b(helo|ehlo)\b|client (host|address|server)|\b(ip|host|server|network)\b.{0,60}(blocked|blocking|\blisted|banned|reputation)|(block|black|deny)[- ]?list|blocked using|\b(dnsbl|rbl|spamhaus|spamcop|barracuda)\b|banned send|reverse (dns|host|lookup)|\bptr\b|relay|submission.{0,20}not (allowed|permitted)|sender (address )?(denied|refused|blocked|verification|unknown|invalid|not)|not (allowed|authorized|authorised|permitted) to (send|use)", RegexOptions.IgnoreCase)]
    private static partial Regex ClientWords();

    [GeneratedRegex("no valid recipients|no recipients", RegexOptions.IgnoreCase)]
    private static partial Regex NoRecipientWords();

    /// <summary>A row of the table.</summary>
    /// <param name="Blame">Who is to blame.</param>
    /// <param name="Stages">What the server may have been asked for.</param>
    /// <param name="Codes">The reply codes by their first digits, parted by bars; every one where it is empty.</param>
    /// <param name="Details">The enhanced codes without their class, parted by bars; <c>7.*</c> stands for all of subject 7.</param>
    /// <param name="Words">What the text must say.</param>
    /// <param name="IsWhole">Whether the server must not have been asked for anything else.</param>
    private sealed record Rule(Blame Blame, SmtpStage Stages, string Codes, string? Details = null, Regex? Words = null, bool IsWhole = false)
    {
        private readonly string[] _codes = Codes.Split('|');
        private readonly string[]? _details = Details?.Split('|');

        public bool Fits(Refusal refusal) =>
            (IsWhole ? (refusal.Stage & ~Stages) == 0 : (Stages & refusal.Stage) != 0)
            && Array.Exists(_codes, code => $"{refusal.Code}".StartsWith(code, StringComparison.Ordinal))
            && (_details is null || Array.Exists(_details, detail => Matches(detail, refusal.Detail)))
            && Words?.IsMatch(refusal.Words) != false;

        private static bool Matches(string pattern, string detail) => pattern.EndsWith(".*", StringComparison.Ordinal)
            ? detail.StartsWith(pattern[..^1], StringComparison.Ordinal)
            : detail == pattern;
    }
}
