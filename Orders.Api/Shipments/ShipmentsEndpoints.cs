using System.Text.RegularExpressions;
using Contracts;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Orders.Api.OrderStore;
using Orders.Api.Orders;
using Orders.Api.Publishing;

namespace Orders.Api.Shipments;

/// <summary>Shipments over HTTP.</summary>
public static partial class ShipmentsEndpoints
{
    /// <summary>The operation's id in the OpenAPI document.</summary>
    public const string AnnounceShipment = "announceShipment";

    internal const string WrongFields = "The shipment was not announced. Fix the fields listed in errors and resend.";

    /// <summary>Adds what <see cref="MapShipments"/> needs beside orders.</summary>
    public static void AddShipments(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ShipmentMetrics>();
        builder.Services.CountRefusals<ShipmentMetrics>(request => HttpMethods.IsPost(request.Method) && ShipmentsPath().IsMatch(request.Path.Value ?? ""));
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ShipmentsJsonContext.Default));
    }

    /// <summary>Maps <c>POST /orders/{id}/shipments</c>.</summary>
    public static void MapShipments(this IEndpointRouteBuilder app) => app.MapPost("/orders/{orderId}/shipments", AnnounceAsync)
        .WithName(AnnounceShipment)
        .WithTags("Orders")
        .WithSummary("Announce a shipment of an order")
        .WithDescription(
            "Takes the news that a parcel of an order is on its way. The answer 202 means that the broker has it safe: the customer is emailed soon. "
            + "A shipment may be sent again with the same tracking number: the customer is emailed once, and each request is answered with 202.")
        .ProducesRefusals()
        .WithMetadata(new RequestSizeLimitAttribute(OrdersEndpoints.MaxBodySize));

    private static async Task<Results<Accepted<AnnounceShipmentResponse>, ValidationProblem, ProblemHttpResult>> AnnounceAsync(
        string orderId,
        AnnounceShipmentRequest request,
        PublishOnce publishing,
        ShipmentMetrics metrics,
        TimeProvider clock,
        HttpContext http,
        CancellationToken cancellationToken)
    {
        var errors = request.Validate(orderId);
        if (errors.Count > 0)
        {
            return TypedResults.ValidationProblem(errors, detail: WrongFields);
        }

        var now = clock.GetUtcNow();
        var shipment = request.ToOrderShipped(orderId, now);
        var publication = new Publication<OrderShipped>(NotificationKey.Of(shipment), StoredContent.Of(shipment), at => shipment with { ShippedAt = at });
        var outcome = await publishing.PublishAsync(publication, now, isNew: false, cancellationToken);
        switch (outcome)
        {
            case PublicationOutcome.Published(var at):
                metrics.Accept();
                return Accepted(new AnnounceShipmentResponse(AnnounceShipmentResponse.Announced, publication.Message(at)));

            case PublicationOutcome.Before(var at, var status):
                metrics.Repeat();
                return Accepted(new AnnounceShipmentResponse(AnnounceShipmentResponse.AnnouncedBefore, publication.Message(at), status));

            default:
                return Refusals.Answer(metrics, http, outcome, outcome switch
                {
                    PublicationOutcome.Taken => Taken(),
                    PublicationOutcome.OtherAddress => OtherAddress(),
                    PublicationOutcome.Unknown => Unknown(shipment),
                    PublicationOutcome.NotRemembered => NotRemembered(),
                    _ => NotAnnounced(),
                });
        }
    }

    private static Accepted<AnnounceShipmentResponse> Accepted(AnnounceShipmentResponse response) =>
        TypedResults.Accepted(OrdersEndpoints.AddressOf(response.Shipment.OrderId), response);

    /// <summary>The answer where another shipment has the tracking number.</summary>
    internal static ProblemDetails Taken() => new()
    {
        Status = StatusCodes.Status409Conflict,
        Title = "The tracking number is taken",
        Detail = "Another shipment of this order was announced with this tracking number: its address, carrier or link differs. Nothing was announced now.",
    };

    /// <summary>The answer where the order was placed with another address.</summary>
    private static ProblemDetails OtherAddress() => new()
    {
        Status = StatusCodes.Status409Conflict,
        Title = "The order has another address",
        Detail = "The order was placed with another email address. Nothing was announced; check the order id and the address.",
    };

    /// <summary>The answer where the broker may have the shipment.</summary>
    private static ProblemDetails Unknown(OrderShipped shipment) => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = "The shipment may or may not have been announced",
        Detail = "The message broker did not confirm the shipment in time. It may still be announced; to be sure, send it again.",
        Extensions = { ["orderId"] = shipment.OrderId, ["trackingNumber"] = shipment.TrackingNumber },
    };

    /// <summary>The answer where nobody can tell whether the shipment was announced before.</summary>
    private static ProblemDetails NotRemembered() => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = "The shipment was not announced",
        Detail = "It cannot be told at the moment whether it was announced before. Nothing was announced now; send the shipment again later.",
    };

    /// <summary>The answer where it is certain that the broker does not have the shipment.</summary>
    internal static ProblemDetails NotAnnounced() => new()
    {
        Status = StatusCodes.Status503ServiceUnavailable,
        Title = "The shipment was not announced",
        Detail = "The message broker cannot take shipments at the moment. Nothing was announced; send the shipment again later.",
    };

    [GeneratedRegex("^/orders/[^/]+/shipments/?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ShipmentsPath();
}
