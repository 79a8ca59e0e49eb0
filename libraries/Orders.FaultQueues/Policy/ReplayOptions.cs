using System.ComponentModel.DataAnnotations;

namespace Orders.FaultQueues.Policy;

/// <summary>Section <c>Replay</c>: when the job replays faults, and how often.</summary>
public sealed class ReplayOptions : IValidatableObject
{
    public const string Section = "Replay";

    /// <summary>What the section was called in earlier releases.</summary>
    public const string FormerSection = "Redeliver";

    /// <summary>The waits in force where the configuration names none: an afternoon's outage heals by itself.</summary>
    public static readonly IReadOnlyList<TimeSpan> DefaultBackoff =
    [
        TimeSpan.FromSeconds(10),
        TimeSpan.FromMinutes(1),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(6),
    ];

    /// <summary>The time from one look at the error queue to the next.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00", ErrorMessage = "Replay__Period must be between 00:00:00.010 and 01:00:00.")]
    public TimeSpan Period { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a message is replayed before it is parked.</summary>
    [Range(0, 1_000, ErrorMessage = "Replay__MaxAttempts must be between 0 and 1000.")]
    public int MaxAttempts { get; set; } = 5;

    /// <summary>
    /// How long a fault waits for its first replay, its second, and so on; the last one holds for all that follow.
    /// Left empty, <see cref="DefaultBackoff"/> holds.
    /// </summary>
    // Configuration binding appends to lists: a default in here could never be shortened.
    public IList<TimeSpan> Backoff { get; } = [];

    /// <summary>The waits in force.</summary>
    public IReadOnlyList<TimeSpan> Waits => Backoff.Count > 0 ? [.. Backoff] : DefaultBackoff;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
        Backoff.Select((wait, index) => (wait, index))
            .Where(entry => entry.wait < TimeSpan.Zero || entry.wait > TimeSpan.FromDays(30))
            .Select(entry => new ValidationResult(
                $"Replay__Backoff__{entry.index} must be between 00:00:00 and 30.00:00:00."));
}
