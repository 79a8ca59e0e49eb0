using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Live;
using Orders.FaultQueues.Operations;

namespace Orders.FaultQueues.Http;

/// <summary>
/// News of the fault queues as <see href="https://html.spec.whatwg.org/multipage/server-sent-events.html">server-sent events</see>.
/// </summary>
internal static class FaultEvents
{
    /// <summary>The operation's id in the OpenAPI document.</summary>
    public const string Operation = "watchQueues";

    /// <summary>What the schema of the data of <see cref="Counts"/> is called in the OpenAPI document.</summary>
    public const string CountsSchema = "CountsEvent";

    /// <summary>What the schema of the data of <see cref="Look"/> is called in the OpenAPI document.</summary>
    public const string LookSchema = "LookEvent";

    public const string Counts = "counts";
    public const string Look = "look";
    public const string Progress = "progress";
    public const string Heartbeat = "heartbeat";

    /// <summary>Proxies take a connection on which nothing is said for a dead one, the hastiest after half a minute or so.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15);

    public static async Task<IResult> GetAsync(
        FaultFeed feed, FaultInspector inspector, TimeProvider clock, IHostApplicationLifetime lifetime, HttpResponse response, CancellationToken cancellationToken)
    {
        // What the feed knows is as old as its last listener.
        feed.Tell(await inspector.CountAllAsync(cancellationToken));

        // nginx would collect what is meant to be seen at once.
        response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(ReadAsync(feed, clock, lifetime, cancellationToken));
    }

    /// <summary>The news, until the listener goes or the program stops.</summary>
    internal static async IAsyncEnumerable<SseItem<object>> ReadAsync(
        FaultFeed feed, TimeProvider clock, IHostApplicationLifetime lifetime, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        await using var news = feed.ListenAsync(end.Token).GetAsyncEnumerator(CancellationToken.None);
        var next = news.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                await Task.WhenAny(next, Task.Delay(LongestSilence, clock, end.Token));
                if (end.IsCancellationRequested)
                {
                    yield break;
                }

                if (next.IsCompleted)
                {
                    yield return await next ? ItemOf(news.Current) : throw new InvalidOperationException("The feed has ended.");
                    next = news.MoveNextAsync().AsTask();
                }
                else
                {
                    yield return new SseItem<object>("", Heartbeat);
                }
            }
        }
        finally
        {
            await end.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static SseItem<object> ItemOf(FaultNews news) => news switch
    {
        FaultNews.Counts counts => new(counts, Counts),
        FaultNews.Look look => new(look, Look),
        OperationProgress(var operation) => new(operation, Progress),
        _ => throw new InvalidOperationException($"There is no event for {news}."),
    };
}
