using System.ComponentModel;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Orders.FaultQueues.Inspection;
using Orders.FaultQueues.Operations;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Http;

/// <summary>What an operator asks to be done to the messages of a queue.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ActRequest(
    [property: Description("Which messages.")]
    FaultFilter? Filter = null,
    [property: Description("Must be true where there is no filter: every message of the queue is meant then.")]
    bool All = false,
    [property: Description("Why; required to park and to discard. One line of at most 200 characters.")]
    string? Reason = null,
    [property: Description("How many messages a second, 0.1 to 10000; left out, what is configured.")]
    double? Rate = null,
    [property: Description("How many messages at most, the oldest first: the count of the dry run, so that nothing is touched that came in since.")]
    int? AtMost = null,
    [property: Description("Counts the messages and leaves them as they are.")]
    bool DryRun = false)
{
    internal FaultRequest For(FaultQueue queue, FaultAction action) =>
        new(queue, action, Filter ?? new FaultFilter(), Reason, Rate, AtMost);

    /// <summary>What is wrong, by the name of the field; empty where nothing is.</summary>
    internal Dictionary<string, string[]> FindMistakes(FaultQueue queue, FaultAction action)
    {
        var request = For(queue, action);
        var mistakes = request.Validate();
        if (DryRun && Reason is null)
        {
            mistakes.Remove("reason");
        }

        foreach (var (name, texts) in request.Filter.FindMistakes("filter."))
        {
            mistakes[name] = texts;
        }

        if (request.Filter.IsEmpty != All)
        {
            mistakes["all"] =
            [
                All
                    ? "This must be left out where a filter says which messages are meant."
                    : "There is no filter. If every message of the queue is meant, this must be true.",
            ];
        }

        return mistakes;
    }
}

/// <summary>An endpoint whose faults are looked after.</summary>
/// <param name="Endpoint">The name of the endpoint's queue; it names the endpoint in addresses.</param>
/// <param name="ErrorQueue">What its error queue is called in the broker.</param>
/// <param name="ParkingQueue">What its parking is called in the broker.</param>
/// <param name="IsDefault">Whether it is meant where no endpoint is named.</param>
public sealed record EndpointDescription(string Endpoint, string ErrorQueue, string ParkingQueue, bool IsDefault)
{
    internal EndpointDescription(FaultEndpoint endpoint, bool isDefault)
        : this(endpoint.Queue, endpoint.ErrorQueue, endpoint.ParkingQueue, isDefault)
    {
    }
}

/// <summary>The answer to a request to replay, park or discard messages, be it a dry run or not.</summary>
/// <param name="DryRun">Whether the messages were only counted.</param>
/// <param name="Count">How many messages match the request.</param>
/// <param name="Operation">The operation that has begun; left out of a dry run.</param>
public sealed record ActResult(
    bool DryRun,
    int Count,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    FaultOperation? Operation = null);

/// <summary>The answer to a dry run by an address without an endpoint.</summary>
/// <param name="Count">How many messages the operation would be about.</param>
internal sealed record DryRunResult(int Count);

/// <summary>A message as an operator has changed it.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record EditRequest(
    [property: Description("The new body, as text.")]
    string? Body = null,
    [property: Description("What the new body is; left out, what the old one was.")]
    string? ContentType = null,
    [property: Description("Why. One line of at most 200 characters.")]
    string? Reason = null)
{
    /// <summary>What is wrong, by the name of the field; empty where nothing is.</summary>
    /// <param name="oldContentType">What the message's body has been until now.</param>
    internal Dictionary<string, string[]> FindMistakes(string? oldContentType)
    {
        var mistakes = new Dictionary<string, string[]>();
        if (ContentType is not null && !MediaTypeHeaderValue.TryParse(ContentType, out _))
        {
            mistakes["contentType"] = ["This must be a media type such as application/json."];
        }

        if (Body is null)
        {
            mistakes["body"] = ["The new body is missing."];
        }
        else if (IsJson(ContentType ?? oldContentType) && FindJsonMistake(Body) is { } mistake)
        {
            mistakes["body"] = [mistake];
        }

        if (Reason is not null && (string.IsNullOrWhiteSpace(Reason) || Reason.Length > FaultRequest.LongestReason || Reason.Any(char.IsControl)))
        {
            mistakes["reason"] = [$"This must be one line of at most {FaultRequest.LongestReason} characters, or be left out."];
        }

        return mistakes;
    }

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && (type.MediaType!.EndsWith("/json", StringComparison.OrdinalIgnoreCase) || type.MediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase));

    private static string? FindJsonMistake(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return null;
        }
        catch (JsonException exception)
        {
            return $"The body is not JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.";
        }
    }
}
