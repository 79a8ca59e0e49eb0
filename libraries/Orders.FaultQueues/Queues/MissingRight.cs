using System.Text.Json.Serialization;

namespace Orders.FaultQueues.Queues;

/// <summary>The rights that RabbitMQ gives a user, each by a pattern for names.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BrokerRight>))]
public enum BrokerRight
{
    /// <summary>To declare a queue or an exchange.</summary>
    [JsonStringEnumMemberName("configure")]
    Configure,

    /// <summary>To publish to an exchange; to bind a queue.</summary>
    [JsonStringEnumMemberName("write")]
    Write,

    /// <summary>To consume from a queue; to bind to an exchange.</summary>
    [JsonStringEnumMemberName("read")]
    Read,
}

/// <summary>What a right is needed for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FaultNeed>))]
public enum FaultNeed
{
    /// <summary>To look at the messages of a queue.</summary>
    [JsonStringEnumMemberName("look")]
    Look,

    /// <summary>To replay them.</summary>
    [JsonStringEnumMemberName("replay")]
    Replay,

    /// <summary>To park them.</summary>
    [JsonStringEnumMemberName("park")]
    Park,

    /// <summary>To discard them.</summary>
    [JsonStringEnumMemberName("discard")]
    Discard,

    /// <summary>To read the audit trail.</summary>
    [JsonStringEnumMemberName("audit")]
    Audit,
}

/// <summary>A right that the broker's user lacks.</summary>
/// <param name="Right">The right.</param>
/// <param name="Resource">The name of the queue or exchange that it is for; that of the default exchange is <c>amq.default</c>.</param>
/// <param name="For">What cannot be done without it.</param>
/// <param name="Explanation">All of that in a sentence.</param>
public sealed record MissingRight(BrokerRight Right, string Resource, IReadOnlyList<FaultNeed> For, string Explanation)
{
    /// <summary>A right that a user lacks.</summary>
    public static MissingRight Of(string user, BrokerRight right, string resource, params IReadOnlyList<FaultNeed> needs)
    {
        var may = right switch
        {
            BrokerRight.Configure => "configure",
            BrokerRight.Write => "write to",
            _ => "read from",
        };
        string[] messages = [.. needs.Where(need => need != FaultNeed.Audit).Select(Word)];
        var cannot = messages.Length == 0
            ? "the audit trail cannot be shown"
            : $"messages cannot be {(messages.Length == 1 ? messages[0] : $"{string.Join(", ", messages[..^1])} or {messages[^1]}")}";
        return new MissingRight(right, resource, needs, $"The broker user `{user}` may not {may} `{resource}`, so {cannot}.");
    }

    private static string Word(FaultNeed need) => need switch
    {
        FaultNeed.Look => "shown",
        FaultNeed.Replay => "replayed",
        FaultNeed.Park => "parked",
        _ => "discarded",
    };
}

/// <summary>Something is not done, since the broker's user may not do it. Each message is where it was.</summary>
public sealed class MissingRightException(params IReadOnlyList<MissingRight> missing)
    : Exception(string.Join(' ', missing.Select(right => right.Explanation)))
{
    /// <summary>The rights that are missing.</summary>
    public IReadOnlyList<MissingRight> Missing => missing;
}

/// <summary>A queue cannot be locked, and so nothing can be moved out of it, since its lock has not been deployed.</summary>
public sealed class MissingLockException(string queue, string name)
    : Exception($"The messages of {queue} cannot be moved, as its lock {name} is missing on the broker. Run the worker's command deploy-topology.");
