using System.ComponentModel.DataAnnotations;

namespace Orders.Messaging.Redelivery;

/// <summary>Section <c>DelayedRedelivery</c>: the delays after which a failed message is delivered again.</summary>
public sealed class DelayedRedeliveryOptions : IValidatableObject
{
    public const string Section = "DelayedRedelivery";

    /// <summary>What the section was called in earlier releases.</summary>
    public const string FormerSection = "Redelivery";

    /// <summary>The delays in use where the configuration names none.</summary>
    public static readonly IReadOnlyList<TimeSpan> DefaultIntervals =
        [TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5)];

    /// <summary>
    /// One delay for each redelivery, in order. Each distinct delay has a queue of its own on RabbitMQ.
    /// Left empty, <see cref="DefaultIntervals"/> holds.
    /// </summary>
    // Configuration binding appends to lists: a default in here could never be shortened.
    public IList<TimeSpan> Intervals { get; } = [];

    /// <summary>The delays in force.</summary>
    public IReadOnlyList<TimeSpan> Delays => Intervals.Count > 0 ? [.. Intervals] : DefaultIntervals;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        Intervals.Select((delay, index) => (delay, index))
            .Where(entry => entry.delay < TimeSpan.FromMilliseconds(1) || entry.delay > TimeSpan.FromDays(1))
            .Select(entry => new ValidationResult(
                $"DelayedRedelivery__Intervals__{entry.index} must be between 00:00:00.001 and 1.00:00:00."));
}
