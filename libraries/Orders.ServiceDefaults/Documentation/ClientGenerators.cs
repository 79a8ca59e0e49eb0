using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Orders.ServiceDefaults.Documentation;

/// <summary>What generators of clients need in an OpenAPI document, and ASP.NET does not write by itself.</summary>
public static class ClientGenerators
{
    /// <summary>
    /// Says of each enumeration that its words are strings: without a type they may be anything. Leaves out default values: a field
    /// that has one is always there to openapi-typescript, so a request would have to have it.
    /// </summary>
    public static void AddPlainSchemas(this OpenApiOptions options) => options.AddSchemaTransformer((schema, context, _) =>
    {
        schema.Default = null;
        if (schema.Enum is { Count: > 0 } && (Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type).IsEnum)
        {
            schema.Type = JsonSchemaType.String;
        }

        return Task.CompletedTask;
    });

    /// <summary>
    /// Adds a schema to the components, for what no request and no answer is as a whole: the data of a server-sent event.
    /// OpenAPI 3.1 cannot say more of a stream of them than that it is text.
    /// </summary>
    /// <param name="context">The operation that sends the events.</param>
    /// <param name="name">What the schema is called.</param>
    /// <param name="type">What the data is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task AddEventAsync(this OpenApiOperationTransformerContext context, string name, Type type, CancellationToken cancellationToken)
    {
        var schema = await context.GetOrCreateSchemaAsync(type, cancellationToken: cancellationToken);
        ReferTo(schema, context.Document!);
        context.Document!.AddComponent(name, schema);
    }

    /// <summary>Puts the types of properties among the components, as ASP.NET does with those of requests and answers.</summary>
    private static void ReferTo(OpenApiSchema schema, OpenApiDocument document)
    {
        foreach (var (name, property) in schema.Properties?.ToArray() ?? [])
        {
            schema.Properties![name] = ReferenceTo(property, document);
        }

        schema.Items = schema.Items is { } items ? ReferenceTo(items, document) : null;
    }

    private static IOpenApiSchema ReferenceTo(IOpenApiSchema schema, OpenApiDocument document)
    {
        if (schema is not OpenApiSchema inline)
        {
            return schema;
        }

        ReferTo(inline, document);
        // ASP.NET's name for the type; a type that has no schema of its own has none.
        if (inline.Metadata?.TryGetValue("x-schema-id", out var value) != true || value is not string { Length: > 0 } id)
        {
            return inline;
        }

        if (document.Components?.Schemas?.ContainsKey(id) != true)
        {
            document.AddComponent(id, inline);
        }

        return new OpenApiSchemaReference(id, document);
    }
}
