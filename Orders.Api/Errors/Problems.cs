using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using Orders.Api.Orders;

namespace Orders.Api.Errors;

/// <summary>Every error is answered as problem details (RFC 9457), in the caller's terms.</summary>
public static class Problems
{
    public static void AddProblems(this IHostApplicationBuilder builder)
    {
        builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = context =>
            context.ProblemDetails.Detail ??= Explain(context.ProblemDetails.Status));
        builder.Services.AddExceptionHandler<BadRequestHandler>();
        // Else a body that cannot be read is answered with an empty 400 outside Development.
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
    }

    public static void UseProblems(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException,
        });
        app.UseStatusCodePages();
    }

    /// <summary>What ASP.NET refuses by a status code alone.</summary>
    internal static string? Explain(int? status) => status switch
    {
        StatusCodes.Status404NotFound => "There is nothing at this address. Orders go to POST /orders; /swagger describes it.",
        StatusCodes.Status405MethodNotAllowed => "This address does not take this method. Orders go to POST /orders; /swagger describes it.",
        StatusCodes.Status413PayloadTooLarge => $"The body is larger than {OrdersEndpoints.MaxBodySize / 1024} KiB.",
        StatusCodes.Status415UnsupportedMediaType => "The body must be JSON, with the header Content-Type: application/json.",
        StatusCodes.Status500InternalServerError => "Something went wrong that is not the caller's fault. The order was not placed.",
        _ => null,
    };

    /// <summary>Bodies that cannot be read as an order.</summary>
    private sealed class BadRequestHandler(IProblemDetailsService problems) : IExceptionHandler
    {
        public ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
        {
            if (exception is not BadHttpRequestException badRequest)
            {
                return ValueTask.FromResult(false);
            }

            httpContext.Response.StatusCode = badRequest.StatusCode;
            return problems.TryWriteAsync(new ProblemDetailsContext
            {
                HttpContext = httpContext,
                ProblemDetails = new ProblemDetails
                {
                    Status = badRequest.StatusCode,
                    Detail = Problems.Explain(badRequest.StatusCode) ?? Explain(badRequest.InnerException as JsonException),
                },
            });
        }

        private static string Explain(JsonException? exception) => exception switch
        {
            null => "The request must have a body: an order as JSON.",
            { Path: { Length: > 1 } path } =>
                $"The body is no order: {path} in line {exception.LineNumber + 1} has a value of the wrong type, or ends too soon.",
            _ => $"The body is not JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.",
        };
    }
}
