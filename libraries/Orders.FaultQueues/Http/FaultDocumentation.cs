using Microsoft.OpenApi;
using Orders.FaultQueues.Access;
using Orders.FaultQueues.Live;
using Orders.ServiceDefaults.Documentation;

namespace Orders.FaultQueues.Http;

/// <summary>The OpenAPI document of the fault queues; there only where somebody can get in, and with Swagger UI.</summary>
public static class FaultDocumentation
{
    /// <summary>The document's name.</summary>
    public const string Name = "faults";

    /// <summary>Where the document is.</summary>
    public const string Address = $"/openapi/{Name}.json";

    private const string SecurityScheme = "basic";

    internal static void AddFaultDocumentation(this IHostApplicationBuilder builder) =>
        builder.Services.AddOpenApi(Name, options =>
        {
            options.ShouldInclude = endpoint => endpoint.GroupName == Name;
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info.Title = "Fault queues";
                document.Info.Description =
                    "Looks at the messages that could not be processed, replays them, parks them, discards them. Errors are problem details (RFC 9457).";
                // Without an entry it is the server that the document came from, whatever that is called outside.
                document.Servers = null;
                document.AddComponent<IOpenApiSecurityScheme>(SecurityScheme, new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.Http,
                    Scheme = "basic",
                    Description = "A reader may look; an operator may act too.",
                });
                document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SecurityScheme, document)] = [] }];
                return Task.CompletedTask;
            });
            options.AddPlainSchemas();
            options.AddOperationTransformer(async (operation, context, cancellationToken) =>
            {
                foreach (var id in (operation.Parameters ?? []).OfType<OpenApiParameter>().Where(parameter => parameter.In == ParameterLocation.Path))
                {
                    id.Description = "The id.";
                }

                operation.Parameters =
                [
                    .. context.Description.ActionDescriptor.EndpointMetadata.OfType<FaultParameters>().SelectMany(parameters => parameters.All)
                        .Concat(operation.Parameters ?? [])
                        // As they stand in the address.
                        .OrderByDescending(parameter => parameter.In == ParameterLocation.Path),
                ];

                foreach (var (status, response) in operation.Responses!)
                {
                    response.Description = Describe(operation, status);
                    if (status is "200" && Acts(operation))
                    {
                        ((OpenApiResponse)response).Headers = Header("Location", "The address of the operation, unless it is a dry run.", JsonSchemaType.String);
                    }
                    else if (status is "429" or "503")
                    {
                        ((OpenApiResponse)response).Headers = Header("Retry-After", "When to try again, in seconds.", JsonSchemaType.Integer);
                    }
                }

                if (operation.OperationId == FaultEvents.Operation)
                {
                    await context.AddEventAsync(FaultEvents.CountsSchema, typeof(FaultNews.Counts), cancellationToken);
                    await context.AddEventAsync(FaultEvents.LookSchema, typeof(FaultNews.Look), cancellationToken);
                }
            });
        });

    /// <summary>Maps the document.</summary>
    internal static void MapFaultDocumentation(this WebApplication app)
    {
        if (app.ShowsDocumentation() && app.IsOpen())
        {
            app.MapOpenApi($"/openapi/{{documentName:regex(^{Name}$)}}.json");
        }
    }

    /// <summary>Adds Swagger UI with this document at <c>/swagger</c>, for a program that has no other.</summary>
    public static void UseFaultSwaggerUI(this WebApplication app)
    {
        if (app.ShowsDocumentation() && app.IsOpen())
        {
            app.UseDocumentation(ui =>
            {
                ui.SwaggerEndpoint(Address, "Fault queues");
                ui.DocumentTitle = "Fault queues";
            });
        }
    }

    private static string Describe(OpenApiOperation operation, string status) => status switch
    {
        "200" when Acts(operation) => "The messages were counted; unless it is a dry run, the operation has begun.",
        "200" => "What was asked for.",
        "204" => "The message was replayed.",
        "400" => "Something in the request is wrong: `errors` names each field.",
        "401" => "Nobody has signed in.",
        "403" => "This takes an operator; or editing is switched off; or the broker's user lacks a right, which the answer names.",
        "404" => "It does not exist, or no longer.",
        "408" => "The body came in too slowly.",
        "413" => $"The body is larger than {FaultApi.MaxBodySize / 1024} KiB.",
        "415" => "The body is not declared as `application/json`.",
        "422" => "The broker does not take the message. It stays where it is.",
        "429" => "Too many requests, or too many wrong passwords, came from the client's address.",
        "503" => "The broker does not answer, or somebody else is working on the queue.",
        _ => throw new InvalidOperationException($"The answer {status} is not described."),
    };

    /// <summary>Whether the operation is to replay, park or discard messages.</summary>
    private static bool Acts(OpenApiOperation operation) => operation.OperationId is FaultApi.Replay or FaultApi.Park or FaultApi.Discard;

    private static Dictionary<string, IOpenApiHeader> Header(string name, string description, JsonSchemaType type) =>
        new() { [name] = new OpenApiHeader { Description = description, Schema = new OpenApiSchema { Type = type } } };
}
