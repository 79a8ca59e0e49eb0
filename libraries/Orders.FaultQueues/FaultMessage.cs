using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using MassTransit;
using MassTransit.Logging;
using MassTransit.Serialization;
using Orders.Messaging.Failures;
using RabbitMQ.Client;

namespace Orders.FaultQueues;

/// <summary>A message that failed, as it lies in a queue: bytes and headers, whatever they are worth.</summary>
/// <param name="Body">The body, unread.</param>
/// <param name="ContentType">What the sender says the body is.</param>
/// <param name="Headers">The transport's headers; text is a <see cref="string"/> or UTF-8 bytes.</param>
/// <param name="MessageId">The id that its sender gave it, where it did.</param>
public sealed partial record FaultMessage(
    ReadOnlyMemory<byte> Body, string? ContentType, IReadOnlyDictionary<string, object?> Headers, string? MessageId = null)
{
    private static readonly JsonDocumentOptions NoFieldTwice = new() { AllowDuplicateProperties = false };

    private Lazy<JsonObject?>? _json;
    private byte[]? _hash;

    // A copy may have another body: it parses its own.
    private FaultMessage(FaultMessage other) => (Body, ContentType, Headers, MessageId) = other;

    /// <summary>A message as RabbitMQ delivers it.</summary>
    /// <param name="properties">Its properties.</param>
    /// <param name="body">Its body, in memory that stays.</param>
    public static FaultMessage Of(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body) =>
        new(body, properties.ContentType, properties.Headers?.AsReadOnly() ?? new Dictionary<string, object?>().AsReadOnly(), properties.MessageId);

    /// <summary>How often the message was replayed; 0 where nothing says so, or nonsense.</summary>
    public int RedeliverCount
    {
        get
        {
            // The in-memory transport drops headers on the way to the error queue; the envelope keeps its own.
            var text = Text(FaultHeaders.RedeliverCount) ?? Read("headers", FaultHeaders.RedeliverCount)?.ToString();
            return Count(text);
        }
    }

    /// <summary>The kind of failure; <see cref="FailureKind.Transient"/> where nothing says otherwise.</summary>
    public FailureKind Kind => Enum.TryParse<FailureKind>(Text(FaultHeaders.FailureKind), out var kind) ? kind : FailureKind.Transient;

    /// <summary>When the message failed for the last time, where that is known.</summary>
    public DateTimeOffset? FailedAt =>
        DateTimeOffset.TryParse(Text(MessageHeaders.FaultTimestamp), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : null;

    /// <summary>What the last exception said, in one line of at most 300 characters, fit for a log.</summary>
    public string? Error
    {
        get
        {
            if (Text(MessageHeaders.FaultMessage) is not { } text)
            {
                return null;
            }

            var line = ControlCharacters().Replace(text, " ");
            return line.Length <= 300 ? line : $"{line.AsSpan(0, 299)}…";
        }
    }

    /// <summary>How often it was tried again at once in its last delivery.</summary>
    public int Retries => Count(Text(FaultHeaders.RetryCount));

    /// <summary>How often it was delivered again after a delay.</summary>
    public int Redeliveries =>
        Count(Text(MessageHeaders.FaultRedeliveryCount) ?? Text(MessageHeaders.RedeliveryCount) ?? Read("headers", MessageHeaders.RedeliveryCount)?.ToString());

    /// <summary>An id that the message has in a field: 1 to 64 letters, digits, '.', '_' and '-'. <c>null</c> where it has none, or something else.</summary>
    public string? ReadId(string field) => ReadMessage(field) is { } id && ProperId().IsMatch(id) ? id : null;

    /// <summary>The text or number at the end of a path through the message, which is what the body is where it is no envelope.</summary>
    public string? Read(JsonPath path) => path.Read(Content);

    /// <summary>Where the message stands in its trace; <c>null</c> where nothing says so, or nonsense.</summary>
    public ActivityContext? Trace =>
        ActivityContext.TryParse(Text(DiagnosticHeaders.ActivityId), traceState: null, isRemote: true, out var context)
        && context.TraceId != default
        && context.SpanId != default
            ? context
            : null;

    /// <summary>Tells the message from others: made of nothing that the broker counts, so that looking does not change it.</summary>
    internal ReadOnlySpan<byte> Hash => _hash ??= ComputeHash();

    /// <summary>A header as text, whichever way its transport brings it.</summary>
    public string? Text(string header) => TextOf(Headers.GetValueOrDefault(header));

    /// <summary>
    /// The same message, fit to be consumed from the beginning: without what its failures, its delays and its
    /// queues have written on it, and with the given count of replays.
    /// </summary>
    /// <param name="redeliverCount">The count.</param>
    /// <param name="decision">The person's decision that it is, where it is one; an earlier one stays on the message otherwise.</param>
    /// <remarks>
    /// The counts stand in MassTransit's envelope too, and there they are what counts: the consumer would take the
    /// delayed redeliveries for used up, and a redelivery would forget how often the message was replayed.
    /// </remarks>
    public FaultMessage ForReplay(int redeliverCount, Guid? decision = null)
    {
        var headers = HeadersForReplay(redeliverCount);
        if (decision is not null)
        {
            headers[FaultHeaders.Decision] = decision.ToString();
        }

        return this with { Headers = headers, Body = BodyForReplay(redeliverCount, decision) };
    }

    /// <summary>
    /// The same message for the endpoint of another program: as its sender wrote it, to the last byte of the body. The count of
    /// replays stands in a header alone.
    /// </summary>
    public FaultMessage ForForeignReplay(int redeliverCount) => this with { Headers = HeadersForReplay(redeliverCount) };

    /// <summary>The same message as a part of another span; as it is where there is none.</summary>
    public FaultMessage In(Activity? activity) => activity?.Id is not { } id ? this : this with
    {
        Headers = new Dictionary<string, object?>(Headers) { [DiagnosticHeaders.ActivityId] = id },
    };

    /// <summary>The same message, marked as waiting for a person.</summary>
    public FaultMessage ForParking(string reason, DateTimeOffset at) => this with
    {
        Headers = new Dictionary<string, object?>(Headers)
        {
            [FaultHeaders.ParkedReason] = reason,
            [FaultHeaders.ParkedAt] = at.ToString("O", CultureInfo.InvariantCulture),
        },
    };

    /// <summary>
    /// The same message with another body under a new id, which stands in the envelope too; the old id is kept in a header. Where
    /// what identifies it is as it was, it is a correction; but not where that belongs to another message.
    /// </summary>
    /// <param name="body">The body.</param>
    /// <param name="contentType">What the body is.</param>
    /// <param name="messageId">The new id.</param>
    /// <param name="identity">The <see cref="FaultEndpoint.Identity"/> of its endpoint.</param>
    public FaultMessage WithBody(ReadOnlyMemory<byte> body, string? contentType, Guid messageId, IReadOnlyList<string> identity)
    {
        var headers = new Dictionary<string, object?>(Headers)
        {
            // The first one of all, however often it is edited.
            [FaultHeaders.OriginalMessageId] = Text(FaultHeaders.OriginalMessageId) ?? MessageId,
        };
        var edited = this with { Body = body, ContentType = contentType, MessageId = messageId.ToString(), Headers = headers };
        var isSame = Kind != FailureKind.Conflict && identity.All(field => edited.ReadId(field) is { } id && id == ReadId(field));
        if (isSame && identity is [var first, ..])
        {
            headers[FaultHeaders.CorrectedOrder] = edited.ReadId(first);
        }
        else if (Kind != FailureKind.Conflict)
        {
            headers.Remove(FaultHeaders.CorrectedOrder);
        }

        if (edited.CopyEnvelope() is not { } envelope)
        {
            return edited;
        }

        envelope["messageId"] = messageId;
        if (!headers.ContainsKey(FaultHeaders.CorrectedOrder))
        {
            (envelope["headers"] as JsonObject)?.Remove(FaultHeaders.CorrectedOrder);
        }

        return edited with { Body = JsonSerializer.SerializeToUtf8Bytes(envelope, SystemTextJsonMessageSerializer.Options) };
    }

    // All at once: an incremental hash has a handle of its own, which costs more than the hash.
    private byte[] ComputeHash() =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes($"{MessageId}\n{Text(MessageHeaders.FaultTimestamp)}\n{RedeliverCount}\n"), .. Body.Span]);

    private static string? TextOf(object? value) => value switch
    {
        null => null,
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        AmqpTimestamp time => time.UnixTime.ToString(CultureInfo.InvariantCulture),
        // What a broker writes of the queues that a message went through is a list of tables.
        IDictionary<string, object?> table => $"{{{string.Join(", ", table.Select(field => $"{field.Key}: {TextOf(field.Value)}"))}}}",
        IEnumerable<object?> list => $"[{string.Join(", ", list.Select(TextOf))}]",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static int Count(string? text) =>
        int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var count) && count > 0 ? count : 0;

    private JsonObject? Json => (_json ??= new(() => Parse(Body))).Value;

    private bool IsEnvelope =>
        string.Equals(ContentType?.Split(';')[0].Trim(), SystemTextJsonMessageSerializer.JsonContentType.MediaType, StringComparison.OrdinalIgnoreCase);

    /// <summary>A field of a part of the envelope; <c>null</c> where either is not there.</summary>
    private JsonNode? Read(string part, string field) => IsEnvelope ? (Json?[part] as JsonObject)?[field] : null;

    /// <summary>A field of the message.</summary>
    private string? ReadMessage(string field) =>
        (Content as JsonObject)?[field] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    /// <summary>The message, which is what the body is where it is no envelope.</summary>
    private JsonNode? Content => IsEnvelope ? Json?["message"] : Json;

    /// <summary>MassTransit's envelope, to be changed; <c>null</c> where the body is none, or cannot be read to its end.</summary>
    private JsonObject? CopyEnvelope() => IsEnvelope ? Parse(Body) : null;

    private static JsonObject? Parse(ReadOnlyMemory<byte> body)
    {
        // Of names that are no UTF-8 the reader tells as late as when they are looked for.
        if (!Utf8.IsValid(body.Span))
        {
            return null;
        }

        try
        {
            var json = JsonNode.Parse(body.Span, documentOptions: NoFieldTwice) as JsonObject;
            // Nodes are read when they are asked for: what is wrong in one must come up here, not in the middle of a pass.
            _ = json?.ToJsonString();
            return json;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private ReadOnlyMemory<byte> BodyForReplay(int redeliverCount, Guid? decision)
    {
        if (CopyEnvelope() is not { } envelope)
        {
            return Body;
        }

        if (envelope["headers"] is not JsonObject headers)
        {
            envelope["headers"] = headers = [];
        }

        headers.Remove(MessageHeaders.RedeliveryCount);
        headers[FaultHeaders.RedeliverCount] = redeliverCount;
        if (decision is not null)
        {
            headers[FaultHeaders.Decision] = decision.ToString();
        }

        if (Text(FaultHeaders.CorrectedOrder) is { } corrected)
        {
            headers[FaultHeaders.CorrectedOrder] = corrected;
        }

        return JsonSerializer.SerializeToUtf8Bytes(envelope, SystemTextJsonMessageSerializer.Options);
    }

    private Dictionary<string, object?> HeadersForReplay(int redeliverCount) => new(Headers.Where(header => !IsOfTheFailure(header.Key)))
    {
        [FaultHeaders.RedeliverCount] = redeliverCount,
    };

    private static bool IsOfTheFailure(string header) =>
        header.StartsWith("MT-Fault-", StringComparison.Ordinal)
        // Where a message failed, in several headers; in one, which stays, where it was sent from.
        || (header.StartsWith("MT-Host-", StringComparison.Ordinal) && header != MessageHeaders.Host.Info)
        || header is MessageHeaders.Reason or MessageHeaders.RedeliveryCount
            or FaultHeaders.FailureKind or FaultHeaders.RetryCount or FaultHeaders.ParkedReason or FaultHeaders.ParkedAt
            // The broker's and its client's: x-delivery-count would count towards the delivery limit again.
            or "x-delivery-count" or "x-acquired-count" or "x-dotnet-pub-seq-no"
            or "x-death" or "x-first-death-exchange" or "x-first-death-queue" or "x-first-death-reason"
            or "x-last-death-exchange" or "x-last-death-queue" or "x-last-death-reason";

    /// <summary>What may stand in logs, addresses and audit trails, whoever wrote it.</summary>
    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ProperId();

    [GeneratedRegex(@"\p{C}+")]
    private static partial Regex ControlCharacters();
}
