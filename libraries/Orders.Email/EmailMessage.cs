namespace Orders.Email;

/// <summary>One email to one recipient, with the same content as text and as HTML.</summary>
/// <param name="MessageId">
/// The <c>Message-ID</c> (RFC 5322, section 3.6.4), with its angle brackets; the same for every attempt to send
/// this email, so that a mail server or a person can tell a copy from a second email.
/// </param>
/// <param name="To">The recipient's address, as it came from outside.</param>
/// <param name="Subject">One line, any Unicode.</param>
/// <param name="Text">The <c>text/plain</c> part.</param>
/// <param name="Html">The <c>text/html</c> part; everything in it is encoded already.</param>
public sealed record EmailMessage(string MessageId, string To, string Subject, string Text, string Html)
{
    /// <summary>The name of the notification that it is: one word for metrics and the ledger, such as <c>order-confirmation</c>.</summary>
    public required string Notification { get; init; }

    /// <summary>What it is to be sent once for, such as an order's id; <c>null</c> where it may be sent again.</summary>
    public string? Key { get; init; }

    /// <summary>What is said of that <see cref="Key"/>; whoever has the same key and says something else is another one.</summary>
    public string Content { get; init; } = "";

    /// <summary>Whether a person has changed the <see cref="Content"/>: then it replaces what an earlier attempt said, unless that was sent.</summary>
    public bool IsCorrection { get; init; }

    /// <summary>
    /// The same for all attempts of which one is to arrive, for a mail server that drops the others by it; a new one for each
    /// <see cref="Decision"/>. The ledger gives it.
    /// </summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Which decision of a person it is that it is to be sent, even if it may have been sent before; where it is one.</summary>
    public Guid? Decision { get; init; }
}
