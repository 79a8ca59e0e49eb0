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
    /// <summary>What kind of email it is.</summary>
    public Notification Notification { get; init; }

    /// <summary>The order that it belongs to, if it is to be sent once for that order.</summary>
    public string? OrderId { get; init; }

    /// <summary>What that order says; another order with its id says something else.</summary>
    public string OrderContent { get; init; } = "";

    /// <summary>Whether a person has changed what the order says: then it replaces what an earlier attempt said, unless that was sent.</summary>
    public bool IsCorrection { get; init; }

    /// <summary>
    /// The same for all attempts of which one is to arrive, for a mail server that drops the others by it; a new one for each
    /// <see cref="Decision"/>. The ledger gives it.
    /// </summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Which decision of a person it is that it is to be sent, even if it may have been sent before; where it is one.</summary>
    public Guid? Decision { get; init; }
}

/// <summary>The kinds of email.</summary>
public enum Notification
{
    /// <summary>To a customer: the order has arrived.</summary>
    OrderConfirmation,

    /// <summary>To whoever looks after the system.</summary>
    Alert,
}
