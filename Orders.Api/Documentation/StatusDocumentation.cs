using System.Text.Json;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Orders.Api.OrderStore;
using Orders.Api.Orders;
using Orders.Api.Status;

namespace Orders.Api.Documentation;

/// <summary>What the types of the status endpoints cannot say: the example, and when which answer comes.</summary>
internal sealed class StatusDocumentation : IOpenApiOperationTransformer, IOpenApiSchemaTransformer
{
    private static readonly DateTimeOffset Placed = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private static readonly OrderRecord Example = new(
        "12345",
        OrderStatus.Retrying,
        Placed,
        Attempts: 1,
        NextAttemptAt: Placed.AddSeconds(6),
        ConfirmedAt: null,
        MessageId: null,
        FailedAt: null,
        "The mail server refused the recipient: 451 4.3.0 Try again later",
        [
            new(OrderStatus.Placed, Placed),
            new(OrderStatus.Retrying, Placed.AddSeconds(1), 1, Placed.AddSeconds(6), Reason: "The mail server refused the recipient: 451 4.3.0 Try again later"),
        ]);

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (operation.OperationId is not (StatusEndpoints.GetStatus or StatusEndpoints.GetEvents))
        {
            return Task.CompletedTask;
        }

        operation.DescribeOrderId();
        var found = operation.Describe("200", "What is known of the order.");
        if (operation.OperationId == StatusEndpoints.GetStatus)
        {
            found.Content!["application/json"].Example = JsonSerializer.SerializeToNode(Example, OrdersJsonContext.Default.OrderRecord);
        }

        operation.DescribeProblem("No order with this id is known to have been placed.", StatusEndpoints.Unknown(isKept: true));
        operation.DescribeProblem(
                "Too many requests came from the client's address, or too many streams are open.", OperationDocumentation.Problem(StatusCodes.Status429TooManyRequests))
            .Headers = OperationDocumentation.RetryAfter("ask");
        operation.DescribeProblem("The order store does not answer.", StatusEndpoints.Unreachable())
            .Headers = OperationDocumentation.RetryAfter("ask");
        return Task.CompletedTask;
    }

    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) is { } type && (type == typeof(OrderStatus) || type == typeof(NotificationStatus)))
        {
            // Where it is optional it is left out; as null it would be one more word of the type, everywhere.
            schema.Enum = [.. schema.Enum!.Where(word => word is not null)];
        }

        return Task.CompletedTask;
    }
}
