namespace Orders.Api.OrderStore;

/// <summary>What a store remembers of one email.</summary>
/// <param name="Key">Which email it is.</param>
/// <param name="AcceptedAt">When this API accepted it; <c>null</c> where it came another way.</param>
/// <param name="Details">The <see cref="StoredContent.Details"/> of what was accepted.</param>
/// <param name="State">What became of it.</param>
internal sealed record StoredEntry(NotificationKey Key, DateTimeOffset? AcceptedAt, string? Details, NotificationState State)
{
    /// <summary>How many notifications of an order are remembered beside its confirmation. Of more, the oldest are forgotten.</summary>
    public const int MostNotifications = 100;
}
