namespace Orders.ServiceDefaults.Documentation;

/// <summary>Section <c>Documentation</c>: what a program tells of itself.</summary>
public sealed class DocumentationOptions
{
    public const string Section = "Documentation";

    /// <summary>Whether Swagger UI is at <c>/swagger</c>, with the OpenAPI documents that it shows. In Development it is, unless switched off.</summary>
    public bool SwaggerUI { get; set; }
}
