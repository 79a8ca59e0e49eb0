using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Orders.FaultQueues.Queues;
using Orders.Messaging;
using Orders.ServiceDefaults.Health;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Access;

/// <summary>
/// Errors of what <see cref="FaultAccess"/> guards: problem details (RFC 9457) to callers of the API, a line of text to a person
/// with a browser.
/// </summary>
internal static partial class FaultProblems
{
    /// <summary>What is said beside the fields of a request that are wrong.</summary>
    public const string Mistaken = "Nothing was done. Mend what is named in errors.";

    public const string BrokerDoesNotAnswer = "The broker does not answer";

    public const string ReadOnly = "Something is missing on the broker";

    public static void UseFaultProblems(this IApplicationBuilder faults)
    {
        faults.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = http => AnswerAsync(http, http.Features.GetRequiredFeature<IExceptionHandlerFeature>().Error),
            // What is the caller's mistake or the broker's takes no stack trace in the log.
            SuppressDiagnosticsCallback = context => StatusOf(context.Exception, context.HttpContext) != StatusCodes.Status500InternalServerError,
        });
        faults.UseStatusCodePages(context => AnswerAsync(context.HttpContext, context.HttpContext.Response.StatusCode));
    }

    /// <summary>Answers with an error, and its usual explanation unless another one is given.</summary>
    public static Task AnswerAsync(HttpContext http, int status, string? detail = null, string? title = null)
    {
        detail ??= Explain(status);
        if (http.Request.Path.StartsWithSegments(FaultAccess.ApiPath) || http.Request.Path.StartsWithSegments(HealthEndpoints.DetailsPath))
        {
            return TypedResults.Problem(statusCode: status, title: title, detail: detail).ExecuteAsync(http);
        }

        title ??= ReasonPhrases.GetReasonPhrase(status);
        return TypedResults.Text(detail is null ? title : $"{title}. {detail}", statusCode: status).ExecuteAsync(http);
    }

    private static Task AnswerAsync(HttpContext http, Exception exception)
    {
        var status = StatusOf(exception, http);
        if (status == StatusCodes.Status400BadRequest)
        {
            return AnswerAsync(http, exception.InnerException as JsonException);
        }

        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            http.Response.Headers.RetryAfter = "1";
        }

        switch (exception)
        {
            case RepublishRefusedException:
                return AnswerAsync(http, status, $"{exception.Message}. It stays where it is.", "The broker does not take the message");

            case FaultQueueBusyException:
                return AnswerAsync(http, status, exception.Message, "The queue is busy");

            case MissingRightException or MissingLockException:
                return AnswerAsync(http, status, exception.Message, ReadOnly);

            case var _ when status != StatusCodes.Status503ServiceUnavailable:
                return AnswerAsync(http, status);
        }

        Log.BrokerDoesNotAnswer(
            http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(FaultProblems)), exception.GetBaseException().Message);
        return AnswerAsync(http, status, "Nothing can be said about the queues, nor done to them, until it is back.", BrokerDoesNotAnswer);
    }

    private static int StatusOf(Exception exception, HttpContext http) => exception switch
    {
        BadHttpRequestException badRequest => badRequest.StatusCode,
        // What reads the body takes a charset that it does not know for a mistake of ours.
        InvalidOperationException when http.Request.GetTypedHeaders().ContentType is { Charset.HasValue: true, Encoding: null } =>
            StatusCodes.Status415UnsupportedMediaType,
        // What reads a form, of one that holds more than it takes.
        InvalidDataException => StatusCodes.Status413PayloadTooLarge,
        MissingRightException => StatusCodes.Status403Forbidden,
        RepublishRefusedException { Why: RepublishRefusal.Message } => StatusCodes.Status422UnprocessableEntity,
        RepublishRefusedException => StatusCodes.Status503ServiceUnavailable,
        // No connection, one that broke on the way, or one on which no answer comes.
        FaultQueueBusyException or MissingLockException or BrokerUnreachableException or RabbitMQClientException or TimeoutException or OperationCanceledException =>
            StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    private static string? Explain(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "This takes the name and the password of a user.",
        StatusCodes.Status403Forbidden => "This takes an operator, and you are a reader.",
        StatusCodes.Status404NotFound => "There is nothing at this address. Endpoints are listed at /faults/api/endpoints; their queues are called error and parked.",
        StatusCodes.Status405MethodNotAllowed => "This address does not take this method.",
        StatusCodes.Status408RequestTimeout => "The body came in too slowly.",
        StatusCodes.Status413PayloadTooLarge => "The body is too large.",
        StatusCodes.Status415UnsupportedMediaType => "The body must be JSON in UTF-8, with the header Content-Type: application/json.",
        StatusCodes.Status429TooManyRequests => "Too many wrong names or passwords came from this address, or for this name. Retry-After says when there is another try.",
        StatusCodes.Status500InternalServerError => "Something went wrong that is not the caller's fault.",
        _ => null,
    };

    /// <summary>Answers to a body that is no request.</summary>
    private static Task AnswerAsync(HttpContext http, JsonException? exception) => exception switch
    {
        null => AnswerAsync(http, StatusCodes.Status400BadRequest, "The request must have a body, as JSON."),
        { Path: ['$', '.', .. var field] } => TypedResults.ValidationProblem(
            new Dictionary<string, string[]>
            {
                [field] = [$"Line {exception.LineNumber + 1}: there is no such field, its value is of the wrong type, or it is not JSON."],
            },
            Mistaken).ExecuteAsync(http),
        _ => AnswerAsync(
            http, StatusCodes.Status400BadRequest, $"The body is not JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}."),
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 242, Level = LogLevel.Warning, Message = "The fault queues cannot be shown: {Error}")]
        public static partial void BrokerDoesNotAnswer(ILogger logger, string error);
    }
}
