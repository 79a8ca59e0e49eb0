using Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Orders.Api.OrderStore;
using Orders.Api.Publishing;
using Orders.Api.Status.Pages;
using Orders.Ledger;

namespace Orders.Api.Status;

/// <summary>What became of an order: for programs, as a stream and for people. None of it tells anything of the customer.</summary>
public static class StatusEndpoints
{
    /// <summary>The operation's id in the OpenAPI document.</summary>
    public const string GetStatus = "getOrder";

    /// <summary>The operation's id in the OpenAPI document.</summary>
    public const string GetEvents = "watchOrder";

    private const string Path = "/orders/{orderId}";

    public static void AddStatus(this IHostApplicationBuilder builder) => builder.Services.AddSingleton<StatusStreams>();

    /// <summary>Maps <c>GET /orders/{id}</c>, its <c>events</c> and its page to <c>track</c> it.</summary>
    public static void MapStatus(this IEndpointRouteBuilder app)
    {
        app.MapGet(Path, GetStatusAsync)
            .WithName(GetStatus)
            .WithTags("Orders")
            .WithSummary("What became of an order")
            .WithDescription("Tells whether the customer was emailed, and every change until now, for the order and for each further email about it. It is known for seven days after the last change, unless the operators say otherwise.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        app.MapGet($"{Path}/events", StatusEvents.GetAsync)
            .WithName(GetEvents)
            .WithTags("Orders")
            .WithSummary("Follow an order")
            .WithDescription(
                "A stream of server-sent events that ends with the connection. The `data` of each event is JSON. An event `status` has an `OrderRecord`, "
                + "at once and with each change. An event `heartbeat` has an empty string; it comes where nothing else is said for 15 seconds.")
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        app.MapGet($"{Path}/track", TrackPages.ShowAsync).ExcludeFromDescription();
        TrackPages.MapAssets(app);
    }

    /// <summary>Looks up an order that has a proper id.</summary>
    /// <exception cref="LedgerUnreachableException">Nobody can say.</exception>
    internal static Task<OrderRecord?> FindAsync(IOrderStore? store, string orderId, CancellationToken cancellationToken) =>
        store is not null && OrderRules.IsOrderId(orderId) ? store.FindAsync(orderId, cancellationToken) : Task.FromResult<OrderRecord?>(null);

    /// <summary>The answer about an order that is not known.</summary>
    internal static ProblemDetails Unknown(bool isKept) => new()
    {
        Status = StatusCodes.Status404NotFound,
        Title = isKept ? "The order is not known" : "Nobody remembers orders here",
        Detail = isKept
            ? "No order with this id is known to have been placed, or nothing was heard of it for longer than orders are remembered."
            : "The order store is switched off: Ledger__Store is None.",
    };

    /// <summary>The answer while nobody can look an order up; <see cref="Refusals.RetryAfterSeconds"/> goes with it.</summary>
    internal static ProblemDetails Unreachable() => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = "The status cannot be told at the moment",
        Detail = "The order store does not answer. The order itself is not affected; ask again later.",
    };

    private static async Task<Results<Ok<OrderRecord>, ProblemHttpResult>> GetStatusAsync(
        string orderId, HttpResponse response, CancellationToken cancellationToken, [FromServices] IOrderStore? store = null)
    {
        try
        {
            return await FindAsync(store, orderId, cancellationToken) is { } record
                ? TypedResults.Ok(record)
                : TypedResults.Problem(Unknown(isKept: store is not null));
        }
        catch (LedgerUnreachableException)
        {
            response.Headers.RetryAfter = Refusals.RetryAfterSeconds;
            return TypedResults.Problem(Unreachable());
        }
    }
}
