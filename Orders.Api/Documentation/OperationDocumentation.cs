using System.Globalization;
using System.Text.Json;
using Contracts;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;
using Orders.Api.Errors;
using Orders.Api.Orders;

namespace Orders.Api.Documentation;

/// <summary>How the answers of an operation are described.</summary>
internal static class OperationDocumentation
{
    /// <summary>Says when an answer comes.</summary>
    public static OpenApiResponse Describe(this OpenApiOperation operation, string status, string description)
    {
        var response = (OpenApiResponse)operation.Responses![status];
        response.Description = description;
        return response;
    }

    /// <summary>Says when an answer with problem details comes, and what they are for example.</summary>
    public static OpenApiResponse DescribeProblem(this OpenApiOperation operation, string description, ProblemDetails example)
    {
        var response = operation.Describe(example.Status!.Value.ToString(CultureInfo.InvariantCulture), description);
        response.Content!["application/problem+json"].Example = JsonSerializer.SerializeToNode(example, example.GetType(), OrdersJsonContext.Default);
        return response;
    }

    /// <summary>Says what the order id in the address must be.</summary>
    public static void DescribeOrderId(this OpenApiOperation operation)
    {
        var orderId = (OpenApiParameter)operation.Parameters!.Single();
        orderId.Description = "The order id, as it was sent or as the answer to the order has it.";
        orderId.Schema = new OpenApiSchema { Type = JsonSchemaType.String, Pattern = $"{OrderRules.OrderId}$" };
    }

    /// <summary>Says what the customer's address in a body must be.</summary>
    public static void DescribeEmail(OpenApiSchema email)
    {
        email.Type = JsonSchemaType.String;
        email.Format = "idn-email";
        email.MaxLength = OrderRules.MaxEmailLength;
    }

    /// <summary>Says when a request to take something is refused for its form, or for the number of requests.</summary>
    public static void DescribeUnreadableRequests(this OpenApiOperation operation, string retry)
    {
        operation.DescribeProblem("The body came in too slowly.", Problem(StatusCodes.Status408RequestTimeout));
        operation.DescribeProblem($"The body is larger than {OrdersEndpoints.MaxBodySize / 1024} KiB.", Problem(StatusCodes.Status413PayloadTooLarge));
        operation.DescribeProblem("The body is not declared as `application/json`.", Problem(StatusCodes.Status415UnsupportedMediaType));
        operation.DescribeProblem("Too many requests came from the client's address.", Problem(StatusCodes.Status429TooManyRequests)).Headers = RetryAfter(retry);
    }

    /// <summary>Says where the answer leads to.</summary>
    public static Dictionary<string, IOpenApiHeader> Location(string description) =>
        Header("Location", description, new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri-reference" });

    /// <summary>The problem details of a status that is answered without others.</summary>
    public static ProblemDetails Problem(int status) => new()
    {
        Title = ReasonPhrases.GetReasonPhrase(status),
        Status = status,
        Detail = Problems.Explain(status),
    };

    /// <summary>The headers of an answer that has one.</summary>
    private static Dictionary<string, IOpenApiHeader> Header(string name, string description, OpenApiSchema schema) =>
        new() { [name] = new OpenApiHeader { Description = description, Schema = schema } };

    /// <summary>The header that says when to come again.</summary>
    public static Dictionary<string, IOpenApiHeader> RetryAfter(string what) =>
        Header("Retry-After", $"When to {what} again, in seconds.", new OpenApiSchema { Type = JsonSchemaType.Integer });
}
