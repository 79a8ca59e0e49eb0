using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Orders.Api.Orders;
using Orders.ServiceDefaults.Protection;

namespace Orders.Api.Errors;

/// <summary>Every error is answered as problem details (RFC 9457), in the caller's terms.</summary>
public static class Problems
{
    public static void AddProblems(this IHostApplicationBuilder builder)
    {
        builder.Services.AddProblemDetails();
        // Else a body that cannot be read is answered with an empty 400 outside Development.
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        // Which of the two would the client mean?
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.AllowDuplicateProperties = false);
    }

    public static void UseProblems(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = http => AnswerAsync(http, http.Features.GetRequiredFeature<IExceptionHandlerFeature>().Error),
            SuppressDiagnosticsCallback = context => ProtectionRegistration.StatusOf(context.Exception) < StatusCodes.Status500InternalServerError,
        });
        app.UseStatusCodePages(context => AnswerAsync(context.HttpContext, context.HttpContext.Response.StatusCode, null));
        app.Use(TakeKnownCharsetsAsync);
    }

    /// <summary>What reads the body takes a charset that it does not know for a mistake of ours, and a quoted one for such.</summary>
    private static Task TakeKnownCharsetsAsync(HttpContext http, RequestDelegate next)
    {
        if (http.Request.GetTypedHeaders().ContentType is { Charset: { HasValue: true } charset } contentType)
        {
            contentType.Charset = HeaderUtilities.RemoveQuotes(charset);
            if (!HasEncoding(contentType))
            {
                http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
                return Task.CompletedTask;
            }

            http.Request.ContentType = contentType.ToString();
        }

        return next(http);
    }

    private static bool HasEncoding(MediaTypeHeaderValue contentType)
    {
        try
        {
            return contentType.Encoding is not null;
        }
        catch (NotSupportedException)
        {
            // UTF-7.
            return false;
        }
    }

    private static Task AnswerAsync(HttpContext http, Exception exception) =>
        AnswerAsync(http, ProtectionRegistration.StatusOf(exception), Explain(exception.InnerException as JsonException));

    // A result, since IProblemDetailsService writes nothing to a client that asks for something else than JSON.
    private static Task AnswerAsync(HttpContext http, int status, string? detail) =>
        TypedResults.Problem(statusCode: status, detail: Explain(status) ?? detail).ExecuteAsync(http);

    /// <summary>What ASP.NET refuses by a status code alone.</summary>
    internal static string? Explain(int? status) => status switch
    {
        StatusCodes.Status404NotFound => "There is nothing at this address. Orders go to POST /orders.",
        StatusCodes.Status405MethodNotAllowed => "This address does not take this method. Orders go to POST /orders.",
        StatusCodes.Status408RequestTimeout => "The body came in too slowly. Nothing was taken; send it again.",
        StatusCodes.Status413PayloadTooLarge => $"The body is larger than {OrdersEndpoints.MaxBodySize / 1024} KiB.",
        StatusCodes.Status415UnsupportedMediaType => "The body must be JSON in UTF-8, with the header Content-Type: application/json.",
        StatusCodes.Status429TooManyRequests => RateLimitOptions.Refusal,
        StatusCodes.Status500InternalServerError => "Something went wrong that is not the caller's fault. Nothing was taken.",
        _ => null,
    };

    private static string Explain(JsonException? exception) => exception switch
    {
        null => "The request must have a body, as JSON.",
        { Path: { Length: > 1 } path } =>
            $"The body does not fit: {path} in line {exception.LineNumber + 1} has a value of the wrong type, or ends too soon.",
        _ => $"The body is not JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.",
    };
}
