using System.Globalization;
using System.Text.Json;
using Contracts;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Orders.Api.Orders;
using Orders.Api.Publishing;

namespace Orders.Api.Documentation;

/// <summary>What the types of the endpoint cannot say: the example, the rules of each field, and when which answer comes.</summary>
internal sealed class PlaceOrderDocumentation : IOpenApiOperationTransformer, IOpenApiSchemaTransformer
{
    private static readonly OrderPlaced Example = new(
        "12345", "customer@example.com", "Laptop", DateTimeOffset.Parse("2026-01-31T12:00:00Z", CultureInfo.InvariantCulture));

    public Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (operation.OperationId != OrdersEndpoints.PlaceOrder)
        {
            return Task.CompletedTask;
        }

        operation.RequestBody!.Content!["application/json"].Example = JsonSerializer.SerializeToNode(
            new PlaceOrderRequest(Example.OrderId, Example.Email, Example.Product), OrdersJsonContext.Default.PlaceOrderRequest);

        var accepted = operation.Describe("202", "The broker has the order safe, by this request or by an earlier one.");
        accepted.Content!["application/json"].Example = JsonSerializer.SerializeToNode(
            new PlaceOrderResponse(PlaceOrderResponse.Placed, Example), OrdersJsonContext.Default.PlaceOrderResponse);
        accepted.Headers = OperationDocumentation.Location("Where to ask what becomes of the order.");

        operation.DescribeProblem(
            "The body is not JSON, or a field of the order is wrong: `errors` names every wrong field.",
            new HttpValidationProblemDetails(new PlaceOrderRequest("12 345", "customer", null).Validate())
            {
                Status = StatusCodes.Status400BadRequest,
                Detail = OrdersEndpoints.WrongFields,
            });
        operation.DescribeProblem("Another order has the order id, or came with the Idempotency-Key.", OrdersEndpoints.Taken());
        operation.DescribeUnreadableRequests("send the order");
        operation.DescribeProblem(
            $"The broker did not confirm the order within {MessagePublisher.ConfirmTimeout.TotalSeconds} s, or no worker has ever made its queue, or nobody can tell whether the order was placed before. `title` says whether the order may still be placed.",
            OrdersEndpoints.NotPlaced())
            .Headers = OperationDocumentation.RetryAfter("send the order");

        return Task.CompletedTask;
    }

    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type != typeof(PlaceOrderRequest))
        {
            return Task.CompletedTask;
        }

        // To the serializer every field is optional, so that validation can name each one that is missing.
        schema.Required = new HashSet<string> { "email", "product" };

        Field("orderId").Pattern = $"{OrderRules.OrderId}$";

        OperationDocumentation.DescribeEmail(Field("email"));

        var product = Field("product");
        product.Type = JsonSchemaType.String;
        product.Pattern = $"{OrderRules.Product}$";

        return Task.CompletedTask;

        OpenApiSchema Field(string name) => (OpenApiSchema)schema.Properties![name];
    }
}
