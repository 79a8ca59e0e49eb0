namespace Orders.Email.RateLimiting;

/// <summary>Has emails keep to <see cref="EmailOptions.MaxPerSecond"/>, evenly spread, and to less while the mail server finds that too much.</summary>
public interface IEmailRateLimiter
{
    /// <summary>Waits until it is the next email's turn: first come, first served, and no wait at all where there is no limit.</summary>
    /// <param name="cancellationToken">Ends the wait; it is not looked at where there is none.</param>
    ValueTask WaitAsync(CancellationToken cancellationToken);

    /// <summary>The mail server took less than was sent: emails go out more slowly from now on, and then slowly faster again.</summary>
    Task SlowDownAsync();
}

/// <summary>
/// How the rate follows what a mail server bears. However often it refuses, a twelfth of the limit is left: that much comes back
/// between two refusals that count.
/// </summary>
internal static class Throttling
{
    /// <summary>
    /// The share of the limit that is used. A provider counts what arrives in a second, and what was sent evenly does not arrive so.
    /// </summary>
    public const double Share = 0.97;

    /// <summary>
    /// What is due within this time may go at once, and one more: timers come late. Who comes later than that has missed the turn.
    /// With <see cref="Share"/>, no second has more than the limit as long as that is 100 a second or more.
    /// </summary>
    public static readonly TimeSpan Burst = TimeSpan.FromMilliseconds(20);

    /// <summary>Refusals within this time are one: they come from emails that were under way already.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>What is left of the rate after a refusal.</summary>
    public const double Decrease = 0.8;

    /// <summary>The share of the limit that comes back in a second.</summary>
    public const double Increase = 0.02;
}
