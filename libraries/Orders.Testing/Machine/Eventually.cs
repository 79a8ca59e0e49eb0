namespace Orders.Testing.Machine;

/// <summary>For what gives no signal that could be awaited: another program's answer over the network.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks again and again, until the answer is as wanted; an exception counts as an answer that is not.</summary>
    /// <param name="what">What is waited for, for the message of a failed wait.</param>
    /// <param name="ask">Asks once; its token is cancelled when the time is up.</param>
    /// <param name="isWanted">Whether an answer is the one that is waited for.</param>
    /// <param name="within">How long to go on asking.</param>
    /// <returns>The first answer that is as wanted.</returns>
    /// <exception cref="TimeoutException">It did not become so in time; the message names <paramref name="what"/> and the last answer.</exception>
    public static async Task<T> GetAsync<T>(
        string what, Func<CancellationToken, Task<T>> ask, Predicate<T> isWanted, TimeSpan within)
    {
        using var timeOut = new CancellationTokenSource(within);
        using var timer = new PeriodicTimer(Pause);
        object? last = "none";
        try
        {
            do
            {
                try
                {
                    var answer = await ask(timeOut.Token);
                    if (isWanted(answer))
                    {
                        return answer;
                    }

                    last = answer;
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    last = e.Message;
                }
            }
            while (await timer.WaitForNextTickAsync(timeOut.Token));
        }
        catch (OperationCanceledException) when (timeOut.IsCancellationRequested)
        {
        }

        throw new TimeoutException($"Waited {within} in vain: {what}. The last answer: {last}");
    }
}
