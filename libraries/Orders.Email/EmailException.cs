using Orders.Messaging.Failures;

namespace Orders.Email;

/// <summary>
/// An email could not be handed to the mail server. The message is one short line without the recipient's address. There
/// is no inner exception: MassTransit would report that one, which knows nothing of emails, as the fault.
/// </summary>
public abstract class EmailException(string message, FailureKind kind) : Exception(message), IForeseenFailure
{
    /// <inheritdoc/>
    public FailureKind Kind { get; } = kind;

    /// <summary>
    /// Whether the mail server may have taken the email all the same: it had begun to get the content, and its answer did
    /// not come.
    /// </summary>
    public bool IsOutcomeUnknown { get; init; }
}

/// <summary>Trying again may help: no connection, a time-out, an SMTP reply 4xx, or our own configuration.</summary>
public class TransientEmailException(string message) : EmailException(message, FailureKind.Transient);

/// <summary>It is not about this email, but about the mail server and us.</summary>
public abstract class MailServerException(string message, bool wasLetIn) : TransientEmailException(message)
{
    /// <summary>
    /// Whether the server had let us in before, it answered EHLO, and we are encrypted and logged in where that is demanded. As long as it has not,
    /// no email can be to blame; afterwards it may be this one that made the server give up.
    /// </summary>
    public bool WasLetIn { get; } = wasLetIn;

    /// <summary>What one email that failed so says about all the others.</summary>
    public abstract OutageEvidence Evidence { get; }
}

/// <summary>What the failure of one email says about all the others.</summary>
public enum OutageEvidence
{
    /// <summary>It may be the email's own, until several have failed so.</summary>
    Suspicion,

    /// <summary>Others fail too, unless one was taken a moment ago.</summary>
    UnlessOthersPass,

    /// <summary>All others fail too.</summary>
    Proof,
}

/// <summary>There is no connection, it broke, or the server has no time for anybody now.</summary>
public sealed class MailServerUnavailableException(string message, bool wasLetIn) : MailServerException(message, wasLetIn)
{
    public override OutageEvidence Evidence => WasLetIn ? OutageEvidence.Suspicion : OutageEvidence.Proof;
}

/// <summary>The server will not have us, or we not it, which is up to our own configuration or standing.</summary>
public sealed class MailServerRefusedUsException(string message, bool wasLetIn) : MailServerException(message, wasLetIn)
{
    public override OutageEvidence Evidence => OutageEvidence.Proof;
}

/// <summary>For now, the server takes less from us than we send, or cannot check who we are.</summary>
public sealed class MailServerPutsUsOffException(string message) : MailServerException(message, wasLetIn: true)
{
    /// <summary>Whether it is because we send too much.</summary>
    public bool IsRate { get; init; }

    public override OutageEvidence Evidence => OutageEvidence.UnlessOthersPass;
}

/// <summary>Trying again cannot help: an SMTP reply 5xx on the recipient or the mail, or an address no server would take.</summary>
public sealed class PermanentEmailException(string message) : EmailException(message, FailureKind.Permanent);

/// <summary>The sending was given up because its caller asked for that.</summary>
/// <param name="isOutcomeUnknown">As <see cref="EmailException.IsOutcomeUnknown"/>.</param>
/// <param name="cancellationToken">By which the caller asked.</param>
public sealed class SendGivenUpException(bool isOutcomeUnknown, CancellationToken cancellationToken) : OperationCanceledException(cancellationToken)
{
    /// <inheritdoc cref="EmailException.IsOutcomeUnknown"/>
    public bool IsOutcomeUnknown { get; } = isOutcomeUnknown;
}
