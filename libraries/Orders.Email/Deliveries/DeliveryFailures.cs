using Orders.Messaging.Failures;

namespace Orders.Email.Deliveries;

/// <summary>
/// An email was not sent and not even tried: somebody else is sending it. That is no failure: its message is to come back
/// later, as it is.
/// </summary>
public sealed class DeliveryLeasedException(DateTimeOffset until)
    : Exception($"Somebody else is sending the email, until {until.UtcDateTime:HH:mm:ss} UTC at the latest.");

/// <summary>An email was not sent, because the ledger could not be asked. That says nothing about the mail server.</summary>
public sealed class UnclaimedEmailException(string message) : TransientEmailException(message);

/// <summary>An email was not sent, because another one has its key.</summary>
/// <param name="key">The key. It must be fit for a log.</param>
public sealed class DeliveryConflictException(string key) : Exception($"The key {key} is that of another one."), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind => FailureKind.Conflict;
}

/// <summary>Nobody can say whether an email was sent, and it is up to a person what becomes of it.</summary>
/// <param name="message">One line without an address.</param>
/// <param name="failure">What the mail server did, where it is this attempt whose outcome is unknown.</param>
public sealed class UnknownOutcomeException(string message, EmailException? failure = null) : EmailException(message, FailureKind.Permanent)
{
    /// <summary>What the mail server did, where it is this attempt whose outcome is unknown.</summary>
    public EmailException? Failure { get; } = failure;
}
