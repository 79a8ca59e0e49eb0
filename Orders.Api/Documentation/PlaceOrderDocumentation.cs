using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Orders.Api.Documentation;

/// <summary>What the types of the endpoint cannot say: the example, and when which answer comes.</summary>
internal sealed class PlaceOrderDocumentation : IOpenApiOperationTransformer
{
    private static readonly (string Status, string Description)[] Problems =
    [
        ("400", "The body is not JSON, or a field of the order is wrong: `errors` names every wrong field."),
        ("413", "The body is larger than 16 KiB."),
        ("415", "The body is not declared as `application/json`."),
        ("503", "The broker did not confirm the order within 5 s. `title` says whether it may still be placed; `Retry-After` when to try again."),
    ];

    public async Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (operation.OperationId != "PlaceOrder")
        {
            return;
        }

        if (operation.RequestBody?.Content is { } content && content.TryGetValue("application/json", out var body))
        {
            body.Example = JsonNode.Parse("""{ "orderId": "12345", "email": "customer@example.com", "product": "Laptop" }""");
        }

        operation.Responses ??= [];
        if (operation.Responses.TryGetValue("202", out var accepted))
        {
            accepted.Description = "The broker has the order safe. `Location` names it.";
        }

        var schema = await context.GetOrCreateSchemaAsync(typeof(HttpValidationProblemDetails), null, cancellationToken);
        foreach (var (status, description) in Problems)
        {
            operation.Responses[status] = new OpenApiResponse
            {
                Description = description,
                Content = new Dictionary<string, OpenApiMediaType> { ["application/problem+json"] = new() { Schema = schema } },
            };
        }
    }
}
