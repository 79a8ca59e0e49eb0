using System.Text.Json;
using Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Orders.Api.Publishing;
using Orders.Api.Shipments;

namespace Orders.Api.Documentation;

/// <summary>What the types of the endpoint cannot say: the example, the rules of each field, and when which answer comes.</summary>
internal sealed class AnnounceShipmentDocumentation : IOpenApiOperationTransformer, IOpenApiSchemaTransformer
{
    private static readonly OrderShipped Example = new(
        "12345", "customer@example.com", "1Z999AA10123456784", "Acorn Parcel", "https://parcel.example/1Z999AA10123456784", new DateTimeOffset(2026, 2, 1, 9, 0, 0, TimeSpan.Zero));

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (operation.OperationId != ShipmentsEndpoints.AnnounceShipment)
        {
            return Task.CompletedTask;
        }

        operation.DescribeOrderId();
        operation.RequestBody!.Content!["application/json"].Example = JsonSerializer.SerializeToNode(
            new AnnounceShipmentRequest(Example.Email, Example.TrackingNumber, Example.Carrier, Example.Link), ShipmentsJsonContext.Default.AnnounceShipmentRequest);

        var accepted = operation.Describe("202", "The broker has the shipment safe, by this request or by an earlier one.");
        accepted.Content!["application/json"].Example = JsonSerializer.SerializeToNode(
            new AnnounceShipmentResponse(AnnounceShipmentResponse.Announced, Example), ShipmentsJsonContext.Default.AnnounceShipmentResponse);
        accepted.Headers = OperationDocumentation.Location("Where to ask what becomes of the order and of its shipments.");

        operation.DescribeProblem(
            "The body is not JSON, or the order id or a field of the shipment is wrong: `errors` names every wrong field.",
            new HttpValidationProblemDetails(new AnnounceShipmentRequest("customer", "1Z 999", null, "parcel.example").Validate(Example.OrderId))
            {
                Status = StatusCodes.Status400BadRequest,
                Detail = ShipmentsEndpoints.WrongFields,
            });
        operation.DescribeProblem("Another shipment of the order has the tracking number, or the order was placed with another address.", ShipmentsEndpoints.Taken());
        operation.DescribeUnreadableRequests("send the shipment");
        operation.DescribeProblem(
            $"The broker did not confirm the shipment within {MessagePublisher.ConfirmTimeout.TotalSeconds} s, or no worker has ever made its queue, or nobody can tell whether it was announced before. `title` says whether it may still be announced.",
            ShipmentsEndpoints.NotAnnounced())
            .Headers = OperationDocumentation.RetryAfter("send the shipment");
        return Task.CompletedTask;
    }

    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type != typeof(AnnounceShipmentRequest))
        {
            return Task.CompletedTask;
        }

        // To the serializer every field is optional, so that validation can name each one that is missing.
        schema.Required = new HashSet<string> { "email", "trackingNumber" };

        OperationDocumentation.DescribeEmail(Field("email"));

        var trackingNumber = Field("trackingNumber");
        trackingNumber.Type = JsonSchemaType.String;
        trackingNumber.Pattern = $"{ShipmentRules.TrackingNumber}$";

        Field("carrier").Pattern = $"{ShipmentRules.Carrier}$";

        var link = Field("link");
        link.Format = "uri";
        link.MaxLength = ShipmentRules.MaxLinkLength;
        return Task.CompletedTask;

        OpenApiSchema Field(string name) => (OpenApiSchema)schema.Properties![name];
    }
}
