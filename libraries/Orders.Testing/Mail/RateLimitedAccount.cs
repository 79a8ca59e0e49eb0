using System.Diagnostics;

namespace Orders.Testing.Mail;

/// <summary>An account at a provider that takes so many emails in any second, and not one more. Safe to use from several threads.</summary>
/// <param name="maxPerSecond">How many.</param>
public sealed class RateLimitedAccount(int maxPerSecond)
{
    /// <summary>What the provider says to an email too many.</summary>
    public const string Refusal = "454 4.7.0 Throttling failure: Maximum sending rate exceeded.";

    private readonly Lock _lock = new();
    private readonly Queue<long> _taken = new();

    /// <summary>How many emails it was asked to take.</summary>
    public int Asked { get; private set; }

    /// <summary>How many of them it refused.</summary>
    public int Refused { get; private set; }

    /// <summary>Takes one more email.</summary>
    /// <returns><c>false</c> if it was one too many in this second.</returns>
    public bool TryTake()
    {
        lock (_lock)
        {
            Asked++;
            while (_taken.TryPeek(out var oldest) && Stopwatch.GetElapsedTime(oldest) > TimeSpan.FromSeconds(1))
            {
                _taken.Dequeue();
            }

            if (_taken.Count >= maxPerSecond)
            {
                Refused++;
                return false;
            }

            _taken.Enqueue(Stopwatch.GetTimestamp());
            return true;
        }
    }
}
