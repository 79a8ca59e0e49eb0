using System.Globalization;
using System.Text.Json;
using Contracts;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;
using Notifications.Worker.Email;
using Notifications.Worker.OrderConfirmation;
using Orders.Api.Errors;
using Orders.Api.Orders;

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

        var accepted = Describe("202", "The broker has the order safe.");
        accepted.Content!["application/json"].Example = JsonSerializer.SerializeToNode(
            new PlaceOrderResponse(PlaceOrderResponse.Placed, Example), OrdersJsonContext.Default.PlaceOrderResponse);
        accepted.Headers = Header(
            "Location",
            "The order's address. This API keeps no orders, so there is nothing to read at it.",
            new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri-reference" });

        DescribeProblem(
            "The body is not JSON, or a field of the order is wrong: `errors` names every wrong field.",
            new HttpValidationProblemDetails(new PlaceOrderRequest("12 345", "customer", null).Validate())
            {
                Status = StatusCodes.Status400BadRequest,
                Detail = OrdersEndpoints.WrongFields,
            });
        DescribeProblem("The body came in too slowly.", Problem(StatusCodes.Status408RequestTimeout));
        DescribeProblem($"The body is larger than {OrdersEndpoints.MaxBodySize / 1024} KiB.", Problem(StatusCodes.Status413PayloadTooLarge));
        DescribeProblem("The body is not declared as `application/json`.", Problem(StatusCodes.Status415UnsupportedMediaType));
        DescribeProblem("Too many requests came from the client's address.", Problem(StatusCodes.Status429TooManyRequests))
            .Headers = Header(
                "Retry-After", "When to send the order again, in seconds.", new OpenApiSchema { Type = JsonSchemaType.Integer });
        DescribeProblem(
            $"The broker did not confirm the order within {OrderPublisher.ConfirmTimeout.TotalSeconds} s, or no worker has ever made its queue. `title` says whether the order may still be placed.",
            OrdersEndpoints.NotPlaced())
            .Headers = Header(
                "Retry-After", "When to send the order again, in seconds.", new OpenApiSchema { Type = JsonSchemaType.Integer });

        return Task.CompletedTask;

        OpenApiResponse Describe(string status, string description)
        {
            var response = (OpenApiResponse)operation.Responses![status];
            response.Description = description;
            return response;
        }

        OpenApiResponse DescribeProblem(string description, ProblemDetails example)
        {
            var response = Describe(example.Status!.Value.ToString(CultureInfo.InvariantCulture), description);
            response.Content!["application/problem+json"].Example = JsonSerializer.SerializeToNode(example, example.GetType(), OrdersJsonContext.Default);
            return response;
        }
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

        var email = Field("email");
        email.Type = JsonSchemaType.String;
        email.Format = "email";
        email.MaxLength = EmailAddress.MaxLength;

        var product = Field("product");
        product.Type = JsonSchemaType.String;
        product.Pattern = $"{OrderRules.Product}$";

        return Task.CompletedTask;

        OpenApiSchema Field(string name) => (OpenApiSchema)schema.Properties![name];
    }

    private static ProblemDetails Problem(int status) => new()
    {
        Title = ReasonPhrases.GetReasonPhrase(status),
        Status = status,
        Detail = Problems.Explain(status),
    };

    private static Dictionary<string, IOpenApiHeader> Header(string name, string description, OpenApiSchema schema) =>
        new() { [name] = new OpenApiHeader { Description = description, Schema = schema } };
}
