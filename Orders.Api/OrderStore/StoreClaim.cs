namespace Orders.Api.OrderStore;

/// <summary>What became of the wish to publish something under its key.</summary>
public abstract record StoreClaim
{
    /// <summary>How long the broker may take to confirm what was claimed.</summary>
    public static readonly TimeSpan TimeToPublish = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a claim keeps others away: longer than a message can be on its way to the broker, for it is given back when
    /// that is over, and only a caller who died leaves it to lapse.
    /// </summary>
    public static readonly TimeSpan Lease = TimeToPublish + TimeSpan.FromSeconds(5);

    private StoreClaim()
    {
    }

    /// <summary>The caller may publish.</summary>
    /// <param name="Token">Tells this claim from others.</param>
    /// <param name="AcceptedAt">When it was first tried.</param>
    public sealed record Granted(string Token, DateTimeOffset AcceptedAt) : StoreClaim;

    /// <summary>Another caller publishes the same at this moment.</summary>
    /// <param name="For">How long at most.</param>
    public sealed record Held(TimeSpan For) : StoreClaim;

    /// <summary>
    /// The same was published before; or something of which only events are known, because it came another way or the store
    /// lost its data: nobody can say that it is something else.
    /// </summary>
    /// <param name="Status">What became of it.</param>
    /// <param name="AcceptedAt">When it was accepted, where that is known.</param>
    public sealed record Known(NotificationStatus Status, DateTimeOffset? AcceptedAt) : StoreClaim;

    /// <summary>The key is that of something else.</summary>
    public sealed record Taken : StoreClaim;

    /// <summary>The order is known, with another address.</summary>
    public sealed record OtherAddress : StoreClaim;
}
