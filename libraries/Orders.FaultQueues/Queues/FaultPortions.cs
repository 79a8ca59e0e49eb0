using System.Runtime.CompilerServices;

namespace Orders.FaultQueues.Queues;

/// <summary>Reads a queue for those who move many messages at the same time.</summary>
internal static class FaultPortions
{
    /// <summary>Reads the messages that are to be moved, in portions. Each one is to be dealt with before the next one is read.</summary>
    /// <typeparam name="T">A message, with what is to become of it.</typeparam>
    /// <param name="session">The session.</param>
    /// <param name="choose">Says what is to become of a message: <c>null</c> where it stays.</param>
    /// <param name="largest">The largest portion, by now; 1 at least.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async IAsyncEnumerable<IReadOnlyList<T>> ReadPortionsAsync<T>(
        this IFaultSession session, Func<HeldFault, T?> choose, Func<int> largest, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class
    {
        var portion = new List<T>();
        await foreach (var held in session.ReadAsync(cancellationToken))
        {
            if (choose(held) is { } chosen)
            {
                portion.Add(chosen);
            }

            if (portion.Count >= largest() || (portion.Count > 0 && session.CompletesBeforeNext))
            {
                yield return portion;
                portion = [];
            }
        }

        if (portion.Count > 0)
        {
            yield return portion;
        }
    }
}
