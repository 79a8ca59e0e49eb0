namespace Notifications.Worker.Faults;

/// <summary>Headers of our own on messages that failed. Other systems rely on <see cref="RedeliverCount"/>.</summary>
public static class FaultHeaders
{
    /// <summary>How often the redeliver job has replayed the message, as a number.</summary>
    public const string RedeliverCount = "x-redeliver-count";

    /// <summary>A <see cref="Faults.FailureKind"/>, on messages in the error queue and in parking.</summary>
    public const string FailureKind = "x-failure-kind";

    /// <summary>How often the message was tried again at once in its last delivery, as a number.</summary>
    public const string RetryCount = "x-retry-count";

    /// <summary>Why the message was parked, in one line.</summary>
    public const string ParkedReason = "x-parked-reason";

    /// <summary>When the message was parked (ISO 8601).</summary>
    public const string ParkedAt = "x-parked-at";

    /// <summary>The id that a message had before its body was edited for the first time.</summary>
    public const string OriginalMessageId = "x-original-message-id";
}
