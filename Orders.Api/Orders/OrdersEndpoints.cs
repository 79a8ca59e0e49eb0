using System.ComponentModel;
using System.Text.Json.Serialization;
using Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Orders.Api.OrderStore;
using Orders.Api.Publishing;

namespace Orders.Api.Orders;

/// <summary>Orders over HTTP.</summary>
public static class OrdersEndpoints
{
    /// <summary>The largest body that is read, in bytes.</summary>
    public const int MaxBodySize = 16 * 1024;

    /// <summary>The operation's id in the OpenAPI document.</summary>
    public const string PlaceOrder = "placeOrder";

    internal const string WrongFields = "The order was not placed. Fix the fields listed in errors and resend.";

    private const string OrdersPath = "/orders";
    private const string OrderPath = "/order";

    public static void AddOrders(this IHostApplicationBuilder builder)
    {
        builder.AddPublishing();
        builder.Services.AddSingleton<OrderMetrics>();
        builder.Services.CountRefusals<OrderMetrics>(IsOrder);
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, OrdersJsonContext.Default);
            // Else the document says that every number may be a string as well.
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
    }

    private static bool IsOrder(HttpRequest request) =>
        HttpMethods.IsPost(request.Method)
        && request.Path.Value?.TrimEnd('/') is { } path
        && (path.Equals(OrdersPath, StringComparison.OrdinalIgnoreCase) || path.Equals(OrderPath, StringComparison.OrdinalIgnoreCase));

    /// <summary>Maps <c>POST /orders</c>, and <c>POST /order</c> for those who come from the tutorial.</summary>
    public static void MapOrders(this IEndpointRouteBuilder app)
    {
        app.MapPost(OrdersPath, PlaceOrderAsync)
            .WithName(PlaceOrder)
            .WithTags("Orders")
            .WithSummary("Place an order")
            .WithDescription(
                "Takes an order. The answer 202 means that the broker has it safe: the customer is emailed soon, whatever breaks on the way. "
                + "An order may be sent again with the same order id, or without one and with the same Idempotency-Key: it is placed once, and answered with 202 each time.")
            .ProducesRefusals()
            .WithMetadata(new RequestSizeLimitAttribute(MaxBodySize));

        app.MapPost(OrderPath, PlaceOrderAsync)
            .WithMetadata(new RequestSizeLimitAttribute(MaxBodySize))
            .ExcludeFromDescription();
    }

    private static async Task<Results<Accepted<PlaceOrderResponse>, ValidationProblem, ProblemHttpResult>> PlaceOrderAsync(
        PlaceOrderRequest request,
        [FromHeader(Name = IdempotencyKey.Header)]
        [Description("Stands in for the order id where that is left out: the order id is made of it. 1 to 255 characters of printable ASCII.")]
        string? idempotencyKey,
        PublishOnce publishing,
        OrderMetrics metrics,
        TimeProvider clock,
        HttpContext http,
        CancellationToken cancellationToken)
    {
        var errors = request.Validate();
        // An order id says more than a key, which may be what a library adds to every request.
        var key = request.OrderId is null ? idempotencyKey : null;
        if (key is not null && !IdempotencyKey.IsOne(key))
        {
            errors[IdempotencyKey.Header] = [IdempotencyKey.Mistake];
        }

        if (errors.Count > 0)
        {
            return TypedResults.ValidationProblem(errors, detail: WrongFields);
        }

        var now = clock.GetUtcNow();
        var order = request.ToOrderPlaced(now, key);
        var publication = new Publication<OrderPlaced>(
            NotificationKey.Confirmation(order.OrderId), StoredContent.Of(order), at => order with { PlacedAt = at });
        var outcome = await publishing.PublishAsync(publication, now, isNew: request.OrderId is null && key is null, cancellationToken);
        switch (outcome)
        {
            case PublicationOutcome.Published(var at):
                metrics.Accept();
                return TypedResults.Accepted(AddressOf(order.OrderId), new PlaceOrderResponse(PlaceOrderResponse.Placed, publication.Message(at)));

            case PublicationOutcome.Before(var at, var status):
                metrics.Repeat();
                return TypedResults.Accepted(
                    AddressOf(order.OrderId), new PlaceOrderResponse(PlaceOrderResponse.PlacedBefore, publication.Message(at), status.ToOrderStatus()));

            default:
                return Refusals.Answer(metrics, http, outcome, outcome switch
                {
                    PublicationOutcome.Taken => Taken(),
                    PublicationOutcome.Unknown => Unknown(order.OrderId),
                    PublicationOutcome.NotRemembered => NotRemembered(),
                    _ => NotPlaced(),
                });
        }
    }

    /// <summary>Where an order's status is.</summary>
    internal static string AddressOf(string orderId) => $"{OrdersPath}/{orderId}";

    /// <summary>The answer where another order has the id.</summary>
    internal static ProblemDetails Taken() => new()
    {
        Status = StatusCodes.Status409Conflict,
        Title = "The order id is taken",
        Detail = "Another order was placed with this order id or Idempotency-Key. Nothing was placed now; send it with one of its own.",
    };

    /// <summary>The answer where the broker may have the order.</summary>
    private static ProblemDetails Unknown(string orderId) => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = "The order may or may not have been placed",
        Detail = "The message broker did not confirm the order in time. It may still be placed; to be sure, send it again with the same order id.",
        Extensions = { ["orderId"] = orderId },
    };

    /// <summary>The answer where nobody can tell whether the order was placed before.</summary>
    private static ProblemDetails NotRemembered() => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = "The order was not placed",
        Detail = "It cannot be told at the moment whether it was placed before. Nothing was placed now; send the order again later.",
    };

    /// <summary>The answer where it is certain that the broker does not have the order.</summary>
    internal static ProblemDetails NotPlaced() => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = "The order was not placed",
        Detail = "The message broker cannot take orders at the moment. Nothing was placed; send the order again later.",
    };
}
