using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MassTransit;
using Orders.FaultQueues.Policy;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Inspection;

/// <summary>Reads what people want to know off a message.</summary>
public sealed class FaultReading(RedeliverPolicy policy)
{
    private const int LongestHexDump = 4096;

    /// <summary>The line of a list.</summary>
    public Fault Read(FaultQueue queue, FaultMessage message)
    {
        var exceptionType = message.Text(MessageHeaders.FaultExceptionType);
        var frame = FirstOwnFrame(message.Text(MessageHeaders.FaultStackTrace));
        return new Fault(
            IdOf(message),
            message.MessageId,
            queue.Endpoint.SubjectOf(message),
            queue.Endpoint.RecipientOf(message),
            message.Kind,
            exceptionType,
            frame,
            GroupOf(exceptionType, frame),
            message.Error,
            message.FailedAt,
            message.RedeliverCount,
            queue is { Kind: FaultQueueKind.Error, Endpoint.IsReplayed: true } ? policy.DueOf(queue.Endpoint, message) : null,
            Time(message.Text(FaultHeaders.ParkedAt)),
            message.Text(FaultHeaders.ParkedReason),
            message.Body.Length);
    }

    /// <summary>Everything.</summary>
    public FaultDetails ReadAll(FaultQueue queue, FaultMessage message)
    {
        var text = Encoding.UTF8.GetString(message.Body.Span);
        var json = Indent(message.Body);
        return new FaultDetails(
            queue.Endpoint.Queue,
            queue.Kind,
            Read(queue, message),
            message.Retries,
            message.Redeliveries,
            (queue.Kind, queue.Endpoint.IsReplayed) switch
            {
                (FaultQueueKind.Parked, _) => "It is parked: it stays here until a person replays it or discards it.",
                (_, true) => policy.Explain(queue.Endpoint, message),
                _ => "The redeliver job leaves this queue alone: the message stays here until a person replays it or parks it.",
            },
            message.Trace?.TraceId.ToHexString(),
            message.ContentType,
            json ?? text,
            json is not null,
            json is null ? HexDump(message.Body.Span) : null,
            message.Text(MessageHeaders.FaultStackTrace),
            [.. message.Headers.Keys.Order(StringComparer.Ordinal).Select(name => new FaultHeader(name, message.Text(name) ?? ""))]);
    }

    /// <summary>The <see cref="Fault.Id"/>.</summary>
    public static string IdOf(FaultMessage message) => Convert.ToHexStringLower(message.Hash[..10]);

    /// <summary>Whether the filter takes the message.</summary>
    public static bool Matches(FaultFilter filter, Fault fault, FaultMessage message) =>
        Matches(filter, fault)
        && (filter.Text is null
            || Has(message.Text(MessageHeaders.FaultMessage), filter.Text)
            || Has(message.Text(MessageHeaders.FaultStackTrace), filter.Text)
            || Has(fault.ExceptionType, filter.Text)
            || Has(Encoding.UTF8.GetString(message.Body.Span), filter.Text));

    /// <summary>Whether all of the filter but its text, which takes the message, takes the fault.</summary>
    public static bool Matches(FaultFilter filter, Fault fault) =>
        (filter.Ids is null || filter.Ids.Contains(fault.Id))
        && (filter.Group is null || filter.Group == fault.Group)
        && (filter.ExceptionType is null || IsType(fault.ExceptionType, filter.ExceptionType))
        && (filter.Subject is null || filter.Subject == fault.Subject)
        && (filter.Recipient is null || Has(fault.Recipient, filter.Recipient))
        && (filter.From is null || fault.FailedAt >= filter.From)
        && (filter.To is null || fault.FailedAt < filter.To)
        && (filter.MinReplays is null || fault.Replays >= filter.MinReplays)
        && (filter.MaxReplays is null || fault.Replays <= filter.MaxReplays);

    /// <summary>The first frame that is not of .NET, MassTransit or the broker's client, as <c>Namespace.Type.Method</c>.</summary>
    internal static string? FirstOwnFrame(string? stackTrace)
    {
        foreach (var part in stackTrace.AsSpan().Split('\n'))
        {
            var line = stackTrace.AsSpan(part).Trim();
            if (!line.StartsWith("at ", StringComparison.Ordinal))
            {
                continue;
            }

            var frame = line[3..];
            frame = frame.IndexOf('(') is var end and >= 0 ? frame[..end] : frame;
            if (!frame.IsEmpty && !IsOfTheFramework(frame))
            {
                return frame.ToString();
            }
        }

        return null;
    }

    private static bool IsOfTheFramework(ReadOnlySpan<char> frame) =>
        frame.StartsWith("System.", StringComparison.Ordinal)
        || frame.StartsWith("Microsoft.", StringComparison.Ordinal)
        || frame.StartsWith("MassTransit.", StringComparison.Ordinal)
        || frame.StartsWith("RabbitMQ.", StringComparison.Ordinal);

    private static string GroupOf(string? exceptionType, string? frame) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{exceptionType}\n{frame}")).AsSpan(0, 6));

    private static bool IsType(string? type, string wanted) =>
        type is not null && (type == wanted || type.EndsWith($".{wanted}", StringComparison.Ordinal));

    private static bool Has(string? text, string part) => text?.Contains(part, StringComparison.OrdinalIgnoreCase) == true;

    private static DateTimeOffset? Time(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>The body with a line for each of its fields; <c>null</c> where it is not JSON.</summary>
    private static string? Indent(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            using var indented = new MemoryStream();
            // For people: whoever shows it must encode it.
            using (var writer = new Utf8JsonWriter(indented, new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                document.WriteTo(writer);
            }

            return Encoding.UTF8.GetString(indented.GetBuffer().AsSpan(0, (int)indented.Length));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string HexDump(ReadOnlySpan<byte> body)
    {
        var dump = new StringBuilder();
        for (var offset = 0; offset < Math.Min(body.Length, LongestHexDump); offset += 16)
        {
            var line = body[offset..Math.Min(offset + 16, body.Length)];
            dump.Append(CultureInfo.InvariantCulture, $"{offset:x4}  ");
            for (var i = 0; i < 16; i++)
            {
                dump.Append(i < line.Length ? $"{line[i]:x2} " : "   ");
            }

            dump.Append(' ');
            foreach (var value in line)
            {
                dump.Append(value is >= 0x20 and < 0x7f ? (char)value : '.');
            }

            dump.Append('\n');
        }

        return dump.ToString();
    }
}
