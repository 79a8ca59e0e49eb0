using Microsoft.Extensions.Options;
using Orders.ServiceDefaults.Protection;
using Swashbuckle.AspNetCore.SwaggerUI;

namespace Orders.ServiceDefaults.Documentation;

/// <summary>Swagger UI, where it is wanted.</summary>
public static class DocumentationPages
{
    /// <summary>Where Swagger UI is.</summary>
    public const string Address = "/swagger";

    /// <summary>Whether this program shows Swagger UI and its OpenAPI documents.</summary>
    public static bool ShowsDocumentation(this WebApplication app) =>
        app.Services.GetRequiredService<IOptions<DocumentationOptions>>().Value.SwaggerUI;

    /// <summary>Adds Swagger UI at <see cref="Address"/>, with what browsers must let it do.</summary>
    public static void UseDocumentation(this IApplicationBuilder app, Action<SwaggerUIOptions> configure)
    {
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments(Address),
            pages => pages.Use((http, next) =>
            {
                http.Response.Headers.ContentSecurityPolicy = SecurityHeaders.PolicyOfSwaggerUI;
                return next(http);
            }));
        app.UseSwaggerUI(configure);
    }
}
