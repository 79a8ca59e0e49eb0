using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Orders.Api.OrderStore;
using Orders.Api.Orders;
using Orders.Api.Publishing;
using Orders.Ledger;

namespace Orders.Api.Status;

/// <summary>
/// The changes of an order as <see href="https://html.spec.whatwg.org/multipage/server-sent-events.html">server-sent events</see>.
/// </summary>
internal static class StatusEvents
{
    public const string Status = "status";
    public const string Heartbeat = "heartbeat";

    /// <summary>
    /// Proxies take a connection on which nothing is said for a dead one. The order is looked up as often as this as well:
    /// what changed while the order store was away was announced to nobody.
    /// </summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15);

    public static async Task<IResult> GetAsync(
        string orderId, StatusStreams streams, IHostApplicationLifetime lifetime, HttpContext http, CancellationToken cancellationToken, [FromServices] IOrderStore? store = null)
    {
        if (!streams.TryOpen(http))
        {
            http.Response.Headers.RetryAfter = Refusals.RetryAfterSeconds;
            return TypedResults.Problem(
                statusCode: StatusCodes.Status429TooManyRequests,
                detail: "Too many streams are open. Close some, or ask for the status now and then instead.");
        }

        try
        {
            if (await StatusEndpoints.FindAsync(store, orderId, cancellationToken) is null)
            {
                return TypedResults.Problem(StatusEndpoints.Unknown(isKept: store is not null));
            }

            var listener = await store!.ListenAsync(orderId, cancellationToken);
            http.Response.RegisterForDisposeAsync(listener);
            // Once more, now that no change can be missed.
            if (await store.FindAsync(orderId, cancellationToken) is not { } record)
            {
                return TypedResults.Problem(StatusEndpoints.Unknown(isKept: true));
            }

            // nginx would collect what is meant to be seen at once.
            http.Response.Headers["X-Accel-Buffering"] = "no";
            return TypedResults.ServerSentEvents(ReadAsync(store, listener, record, lifetime, cancellationToken));
        }
        catch (LedgerUnreachableException)
        {
            http.Response.Headers.RetryAfter = Refusals.RetryAfterSeconds;
            return TypedResults.Problem(StatusEndpoints.Unreachable());
        }
    }

    /// <summary>The status and its changes, until the listener goes, the program stops or the order is forgotten.</summary>
    private static async IAsyncEnumerable<SseItem<object>> ReadAsync(
        IOrderStore store, OrderListener listener, OrderRecord record, IHostApplicationLifetime lifetime, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        var told = record;
        yield return new SseItem<object>(told, Status);
        while (true)
        {
            OrderRecord? now;
            try
            {
                await listener.WaitAsync(LongestSilence, end.Token);
                now = await store.FindAsync(told.OrderId, end.Token);
            }
            catch (LedgerUnreachableException)
            {
                now = told;
            }
            catch (OperationCanceledException)
            {
                yield break;
            }

            if (now is null)
            {
                yield break;
            }

            // An announcement may be older than what was told.
            yield return IsSame(now, told) ? new SseItem<object>("", Heartbeat) : new SseItem<object>(now, Status);
            told = now;
        }
    }

    // As it is told: so no part of it can be overlooked.
    private static bool IsSame(OrderRecord one, OrderRecord other) => Write(one).AsSpan().SequenceEqual(Write(other));

    private static byte[] Write(OrderRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, OrdersJsonContext.Default.OrderRecord);
}
