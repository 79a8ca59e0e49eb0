using System.Globalization;
using System.Text;
using MassTransit;
using Orders.Messaging;

namespace Orders.FaultQueues;

/// <summary>Headers of our own on messages that failed. Other systems rely on <see cref="RedeliverCount"/>.</summary>
public static class FaultHeaders
{
    /// <summary>How often the redeliver job has replayed the message, as a number.</summary>
    public const string RedeliverCount = "x-redeliver-count";

    /// <summary>A <see cref="Orders.Messaging.Failures.FailureKind"/>, on messages in the error queue and in parking.</summary>
    public const string FailureKind = "x-failure-kind";

    /// <summary>How often the message was tried again at once in its last delivery, as a number.</summary>
    public const string RetryCount = "x-retry-count";

    /// <summary>
    /// Which decision of a person it is that the message is replayed from parking, as a GUID: its email is to be sent then,
    /// even if nobody can say whether it was sent before.
    /// </summary>
    public const string Decision = "x-replay-decision";

    /// <summary>Why the message was parked, in one line.</summary>
    public const string ParkedReason = "x-parked-reason";

    /// <summary>When the message was parked (ISO 8601).</summary>
    public const string ParkedAt = "x-parked-at";

    /// <summary>The id that a message had before its body was edited for the first time.</summary>
    public const string OriginalMessageId = "x-original-message-id";

    /// <summary>The id of the order whose other fields a person has edited: what an earlier attempt said of it counts no more.</summary>
    public const string CorrectedOrder = "x-corrected-order";

    /// <summary>
    /// Which properties and headers of the message are missing, since the broker did not take them when the message was moved:
    /// their names, with the sizes of those that were too large.
    /// </summary>
    public const string LeftOut = CarriedProperties.LeftOut;

    /// <summary>Whether a header says what became of the message, and not what its sender wanted to say.</summary>
    public static bool IsOurs(string name) =>
        name.StartsWith("MT-", StringComparison.Ordinal)
        || name is RedeliverCount or FailureKind or RetryCount or Decision or ParkedReason or ParkedAt or OriginalMessageId or CorrectedOrder or LeftOut;
}

/// <summary>Those headers on a message that is consumed again.</summary>
public static class ReplayedMessage
{
    /// <summary>The <see cref="FaultHeaders.Decision"/> by which a message was replayed; <c>null</c> where there is none, or nonsense.</summary>
    public static Guid? GetDecision(this ConsumeContext context) =>
        Guid.TryParse(Read(context, FaultHeaders.Decision), out var decision) ? decision : null;

    /// <summary>The message's <see cref="FaultHeaders.CorrectedOrder"/>; <c>null</c> where there is none.</summary>
    public static string? GetCorrectedOrder(this ConsumeContext context) => Read(context, FaultHeaders.CorrectedOrder);

    /// <summary>The message's <see cref="FaultHeaders.RedeliverCount"/>; 0 where there is none, or nonsense.</summary>
    public static int GetRedeliverCount(this ConsumeContext context) =>
        int.TryParse(Read(context, FaultHeaders.RedeliverCount), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0;

    private static string? Read(ConsumeContext context, string header)
    {
        var value = context.ReceiveContext.TransportHeaders.TryGetHeader(header, out var transported) ? transported
            : context.Headers.TryGetHeader(header, out var enveloped) ? enveloped : null;
        return value switch
        {
            byte[] bytes => Encoding.UTF8.GetString(bytes),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };
    }
}
