using System.ComponentModel.DataAnnotations;

namespace Notifications.Worker.OrderConfirmation;

/// <summary>Section <c>OrderConfirmation</c>: how the consumer takes messages and tries again at once.</summary>
public sealed class OrderConfirmationOptions
{
    public const string Section = "OrderConfirmation";

    /// <summary>
    /// How many orders one worker has in hand at the same time. Twice as many as it has connections to the mail server: while
    /// one half of the emails is being sent, the other half is being written, or waits for the broker.
    /// </summary>
    [Range(1, 1_000, ErrorMessage = "OrderConfirmation__Concurrency must be between 1 and 1000.")]
    public int Concurrency { get; set; } = 16;

    /// <summary>
    /// How many messages the broker hands to one worker ahead of their turn. Small values share a burst fairly
    /// among workers, large ones hide the way to the broker.
    /// </summary>
    [Range(1, ushort.MaxValue, ErrorMessage = "OrderConfirmation__Prefetch must be between 1 and 65535.")]
    public int Prefetch { get; set; } = 32;

    /// <summary>How many messages are prefetched for each that is in hand.</summary>
    internal double PrefetchedForEach => (double)Prefetch / Concurrency;

    /// <summary>How many more times a failed send is tried at once, in process, before the message is delayed.</summary>
    [Range(0, 100, ErrorMessage = "OrderConfirmation__Retries must be between 0 and 100.")]
    public int Retries { get; set; } = 1;

    /// <summary>The pause before each of <see cref="Retries"/>.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00", ErrorMessage = "OrderConfirmation__RetryInterval must be between 00:00:00 and 00:01:00.")]
    public TimeSpan RetryInterval { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// How often a message may come back to its quorum queue without an outcome (each time a worker died over
    /// it) before it is set aside.
    /// </summary>
    [Range(1, 1_000, ErrorMessage = "OrderConfirmation__DeliveryLimit must be between 1 and 1000.")]
    public int DeliveryLimit { get; set; } = 20;
}
