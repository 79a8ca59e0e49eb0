using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Orders.Api.Publishing;

/// <summary>How a request is refused, and how that is counted: once, whoever refuses it.</summary>
internal static class Refusals
{
    /// <summary>When to come again after a 503, in seconds: the value of <c>Retry-After</c>.</summary>
    public const string RetryAfterSeconds = "5";

    /// <summary>
    /// Counts the requests that are refused before the endpoint has them, or by it without a word about the broker. It comes
    /// before whatever answers, the limits of each client included.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="isOne">Whether a request is one of those that are counted.</param>
    public static void CountRefusals<TMetrics>(this IServiceCollection services, Func<HttpRequest, bool> isOne)
        where TMetrics : RequestMetrics => services.AddSingleton<IStartupFilter>(new Counting<TMetrics>(isOne));

    /// <summary>Says how a request to publish something may be refused, beside the mistakes in its fields.</summary>
    public static RouteHandlerBuilder ProducesRefusals(this RouteHandlerBuilder endpoint) => endpoint
        .ProducesProblem(StatusCodes.Status408RequestTimeout)
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
        .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
        .ProducesProblem(StatusCodes.Status429TooManyRequests)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    /// <summary>Answers where nothing was published as far as is known.</summary>
    /// <param name="metrics">Count it, unless it is a conflict, which is counted by its status.</param>
    /// <param name="http">The request.</param>
    /// <param name="outcome">What became of the publication.</param>
    /// <param name="problem">The same in words.</param>
    public static ProblemHttpResult Answer(RequestMetrics metrics, HttpContext http, PublicationOutcome outcome, ProblemDetails problem)
    {
        if (problem.Status == StatusCodes.Status503ServiceUnavailable)
        {
            metrics.Refuse(outcome is PublicationOutcome.Unknown ? Refusal.UnknownOutcome : Refusal.NotPublished);
            http.Response.Headers.RetryAfter = RetryAfterSeconds;
        }

        return TypedResults.Problem(problem);
    }

    private sealed class Counting<TMetrics>(Func<HttpRequest, bool> isOne) : IStartupFilter
        where TMetrics : RequestMetrics
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.UseWhen(http => isOne(http.Request), requests => requests.Use(CountAsync));
            next(app);
        };

        private static async Task CountAsync(HttpContext http, RequestDelegate next)
        {
            await next(http);
            Refusal? why = http.Response.StatusCode switch
            {
                StatusCodes.Status429TooManyRequests => Refusal.RateLimited,
                StatusCodes.Status409Conflict => Refusal.Conflict,
                // What was handed to the broker by then stays there.
                StatusCodes.Status499ClientClosedRequest => Refusal.UnknownOutcome,
                >= StatusCodes.Status400BadRequest and < StatusCodes.Status500InternalServerError => Refusal.Invalid,
                StatusCodes.Status500InternalServerError => Refusal.NotPublished,
                _ => null,
            };
            if (why is { } known)
            {
                http.RequestServices.GetRequiredService<TMetrics>().Refuse(known);
            }
        }
    }
}
