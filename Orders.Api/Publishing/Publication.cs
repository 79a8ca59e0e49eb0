using Orders.Api.OrderStore;

namespace Orders.Api.Publishing;

/// <summary>A message that is published once under its key, however often and by however many callers at a time it is sent.</summary>
/// <typeparam name="T">The message's type.</typeparam>
/// <param name="Key">Its key in the order store.</param>
/// <param name="Content">What tells it from another one with the same key.</param>
/// <param name="Message">The message as accepted at a given time: that of the first try, whenever it is published.</param>
public sealed record Publication<T>(NotificationKey Key, StoredContent Content, Func<DateTimeOffset, T> Message)
    where T : class;

/// <summary>What became of a publication.</summary>
public abstract record PublicationOutcome
{
    private PublicationOutcome()
    {
    }

    /// <summary>The broker has it safe.</summary>
    /// <param name="At">When it was accepted.</param>
    public sealed record Published(DateTimeOffset At) : PublicationOutcome;

    /// <summary>The same was published before, and is not published again.</summary>
    /// <param name="At">When it was accepted then; the present time where nobody knows when that was.</param>
    /// <param name="Status">What became of its email.</param>
    public sealed record Before(DateTimeOffset At, NotificationStatus Status) : PublicationOutcome;

    /// <summary>Its key is that of something else. It was not published.</summary>
    public sealed record Taken : PublicationOutcome;

    /// <summary>Its order is known with another address. It was not published.</summary>
    public sealed record OtherAddress : PublicationOutcome;

    /// <summary>It is certain that the broker does not have it.</summary>
    public sealed record NotPublished : PublicationOutcome;

    /// <summary>It was not published, since nobody can tell whether it was published before.</summary>
    public sealed record NotRemembered : PublicationOutcome;

    /// <summary>The broker may have it.</summary>
    public sealed record Unknown : PublicationOutcome;
}
