using System.ComponentModel.DataAnnotations;

namespace Notifications.Worker.Pipeline;

/// <summary>The section of a notification, such as <c>OrderConfirmation</c>: how its consumer takes messages and tries again at once.</summary>
internal class NotificationOptions : IValidatableObject
{
    private static readonly TimeSpan LongestRetryInterval = TimeSpan.FromMinutes(1);

    /// <summary>The section's name, for what is said of mistakes in it.</summary>
    internal string Section { get; set; } = "";

    /// <summary>
    /// How many messages one worker has in hand at the same time. Twice as many as it has connections to the mail server: while
    /// one half of the emails is being sent, the other half is being written, or waits for the broker.
    /// </summary>
    public int Concurrency { get; set; } = 16;

    /// <summary>
    /// How many messages the broker hands to one worker ahead of their turn. Small values share a burst fairly
    /// among workers, large ones hide the way to the broker.
    /// </summary>
    public int Prefetch { get; set; } = 32;

    /// <summary>How many messages are prefetched for each that is in hand.</summary>
    internal double PrefetchedForEach => (double)Prefetch / Concurrency;

    /// <summary>How many more times a failed send is tried at once, in process, before the message is delayed.</summary>
    public int Retries { get; set; } = 1;

    /// <summary>The pause before each of <see cref="Retries"/>.</summary>
    public TimeSpan RetryInterval { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// How often a message may come back to its quorum queue without an outcome (each time a worker died over
    /// it) before it is set aside.
    /// </summary>
    public int DeliveryLimit { get; set; } = 20;

    // Not by attributes: their texts cannot name the section.
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
    [
        .. Check(nameof(Concurrency), Concurrency, 1, 1_000),
        .. Check(nameof(Prefetch), Prefetch, 1, ushort.MaxValue),
        .. Check(nameof(Retries), Retries, 0, 100),
        .. Check(nameof(RetryInterval), RetryInterval, TimeSpan.Zero, LongestRetryInterval),
        .. Check(nameof(DeliveryLimit), DeliveryLimit, 1, 1_000),
    ];

    private IEnumerable<ValidationResult> Check<T>(string setting, T value, T least, T most)
        where T : IComparable<T> =>
        value.CompareTo(least) < 0 || value.CompareTo(most) > 0
            ? [new ValidationResult($"{Section}__{setting} must be between {least} and {most}.")]
            : [];
}

/// <summary>The options of one notification.</summary>
/// <typeparam name="TMessage">Its message.</typeparam>
internal sealed class NotificationOptions<TMessage> : NotificationOptions
    where TMessage : class;
