using System.Collections;
using System.Globalization;
using System.Text;
using RabbitMQ.Client;

namespace Orders.Messaging;

/// <summary>What of a message's properties and headers RabbitMQ takes when the message is sent on by somebody else.</summary>
public static class CarriedProperties
{
    /// <summary>The header that names what is missing, with the sizes of what was too large.</summary>
    public const string LeftOut = "x-left-out";

    /// <summary>Where a name or another short text ends in AMQP 0.9.1, in bytes.</summary>
    private const int LongestShortText = byte.MaxValue;

    /// <summary>
    /// The frame around the properties (8 bytes), what stands in it before them (14), and room to spare for what a broker or a
    /// client adds on the way.
    /// </summary>
    private const int Reserve = 1_024;

    /// <summary>Room for the headers that MassTransit gives the messages that are sent because of another one.</summary>
    private const int Propagated = 4_096;

    /// <summary>How deep tables and lists may be in one another; .NET writes JSON of 64.</summary>
    private const int DeepestTable = 32;

    /// <summary>Room for the list of what is missing, in bytes.</summary>
    private const int LongestNote = 1_000;

    /// <summary>Takes out what cannot be sent on, and writes down in a header what that is.</summary>
    /// <param name="properties">The message's properties, with the headers that it is to have.</param>
    /// <param name="frameMax">The largest frame of the connection in bytes; 0 where there is no limit.</param>
    /// <param name="isOurs">Whether a header, by its name, is one that the program has need of: those go last.</param>
    /// <param name="onlyOurs">Whether to carry nothing but those, the content type and the message id.</param>
    /// <param name="withCopies">
    /// Whether to carry the headers by which a sender asks RabbitMQ for copies in other queues. Where a message is routed by its key,
    /// those queues would get it again.
    /// </param>
    public static BasicProperties Carry(
        IReadOnlyBasicProperties properties, uint frameMax, Func<string, bool> isOurs, bool onlyOurs = false, bool withCopies = true)
    {
        var missing = new List<string>();
        var carried = onlyOurs ? new BasicProperties() : new BasicProperties(properties);
        carried.Persistent = true;
        CopyShortText(properties, carried, onlyOurs, missing);
        // The broker compares it with who is signed in, and closes the channel.
        LeaveOut(properties.IsUserIdPresent(), "user_id", carried.ClearUserId, missing);
        // What is set aside must not vanish.
        LeaveOut(properties.IsExpirationPresent(), "expiration", carried.ClearExpiration, missing);

        var headers = new Dictionary<string, object?>();
        var sizes = new Dictionary<string, int>();
        foreach (var (name, value) in properties.Headers ?? new Dictionary<string, object?>())
        {
            if ((onlyOurs && !isOurs(name)) || (!withCopies && IsForCopies(name)))
            {
                missing.Add(name);
            }
            else if (AmqpSize.OfField(name, value) is { } size)
            {
                (headers[name], sizes[name]) = (value, size);
            }
            else
            {
                missing.Add($"{name} (cannot be written)");
            }
        }

        carried.Headers = headers;
        foreach (var name in TooMuch(sizes, Room(frameMax) - SizeOfShortText(carried), isOurs))
        {
            missing.Add(string.Create(CultureInfo.InvariantCulture, $"{name} ({AmqpSize.OfContent(headers[name])} bytes)"));
            headers.Remove(name);
        }

        if (missing.Count > 0)
        {
            headers[LeftOut] = Note(properties.Headers?.TryGetValue(LeftOut, out var said) == true ? said : null, missing);
        }

        return carried;
    }

    /// <summary>
    /// Which of a message's headers may go on to the messages that are sent because of it, where not all of them may.
    /// </summary>
    /// <param name="headers">The headers, as MassTransit read them from the message or its envelope.</param>
    /// <param name="frameMax">The largest frame of the connection in bytes; 0 where there is no limit.</param>
    /// <returns>Those headers, and one that says what is missing; <c>null</c> where nothing is.</returns>
    public static IReadOnlyDictionary<string, object>? Propagate(IReadOnlyCollection<KeyValuePair<string, object>> headers, uint frameMax)
    {
        // MassTransit writes everything else as short text, or not at all.
        var sizes = headers.GroupBy(header => header.Key).ToDictionary(
            header => header.Key, header => 64 + header.Key.Length + Encoding.UTF8.GetByteCount(header.First().Value as string ?? ""));
        var missing = sizes.Keys.Where(IsForCopies).ToList();
        missing.AddRange(headers.Where(header => header.Key.Length == 0 || !IsReadable(header.Value)).Select(header => header.Key).Distinct().Except(missing));
        missing.AddRange(TooMuch(sizes, Room(frameMax) - Propagated, _ => false).Except(missing));
        if (missing.Count == 0)
        {
            return null;
        }

        var kept = headers.DistinctBy(header => header.Key).Where(header => !missing.Contains(header.Key)).ToDictionary(header => header.Key, header => header.Value);
        kept[LeftOut] = Note(kept.GetValueOrDefault(LeftOut), missing);
        return kept;
    }

    /// <summary>Whether a sender asks RabbitMQ by this header for copies of the message elsewhere.</summary>
    private static bool IsForCopies(string name) => name is "CC" or "BCC";

    /// <summary>Whether MassTransit can write a value into an envelope and read it again: it takes no name that is empty, and JSON no number that is none.</summary>
    private static bool IsReadable(object? value, int depth = 0) => value switch
    {
        double number => double.IsFinite(number),
        float number => float.IsFinite(number),
        IDictionary<string, object?> table => depth < DeepestTable && table.All(field => field.Key.Length > 0 && IsReadable(field.Value, depth + 1)),
        IList<object?> list => depth < DeepestTable && list.All(item => IsReadable(item, depth + 1)),
        _ => true,
    };

    private static long Room(uint frameMax) => frameMax == 0 ? long.MaxValue : frameMax - Reserve - LongestNote;

    /// <summary>Which headers to leave out: the large ones first, so that the fewest are missing, and those of ours last.</summary>
    private static List<string> TooMuch(IReadOnlyDictionary<string, int> sizes, long room, Func<string, bool> isOurs)
    {
        var left = room - sizes.Values.Sum(size => (long)size);
        if (left >= 0)
        {
            return [];
        }

        var names = new List<string>();
        foreach (var (name, size) in sizes.OrderBy(header => isOurs(header.Key)).ThenByDescending(header => header.Value))
        {
            if (left >= 0)
            {
                break;
            }

            names.Add(name);
            left += size;
        }

        return names;
    }

    private static void CopyShortText(IReadOnlyBasicProperties from, BasicProperties to, bool onlyOurs, List<string> missing)
    {
        Copy("content_type", from.ContentType, value => to.ContentType = value, to.ClearContentType, isNeeded: true);
        Copy("message_id", from.MessageId, value => to.MessageId = value, to.ClearMessageId, isNeeded: true);
        Copy("content_encoding", from.ContentEncoding, value => to.ContentEncoding = value, to.ClearContentEncoding);
        Copy("correlation_id", from.CorrelationId, value => to.CorrelationId = value, to.ClearCorrelationId);
        Copy("type", from.Type, value => to.Type = value, to.ClearType);
        Copy("app_id", from.AppId, value => to.AppId = value, to.ClearAppId);
        Copy("cluster_id", from.ClusterId, value => to.ClusterId = value, to.ClearClusterId);
        // The broker asks who consumes the answers on the same channel, and closes it.
        Copy("reply_to", from.ReplyTo, value => to.ReplyTo = value, to.ClearReplyTo, isSendable: from.ReplyTo != "amq.rabbitmq.reply-to");

        void Copy(string name, string? value, Action<string> set, Action clear, bool isNeeded = false, bool isSendable = true)
        {
            if (value is null)
            {
                return;
            }

            // What is no UTF-8 grows when it is read, by a character for each byte.
            if (isSendable && (isNeeded || !onlyOurs) && Encoding.UTF8.GetByteCount(value) <= LongestShortText)
            {
                set(value);
            }
            else
            {
                clear();
                missing.Add(name);
            }
        }
    }

    private static void LeaveOut(bool isPresent, string name, Action clear, List<string> missing)
    {
        if (isPresent)
        {
            clear();
            missing.Add(name);
        }
    }

    private static long SizeOfShortText(BasicProperties properties) =>
        new[]
        {
            properties.ContentType, properties.MessageId, properties.ContentEncoding, properties.CorrelationId, properties.Type, properties.AppId, properties.ClusterId, properties.ReplyTo,
        }.Sum(text => 1L + Encoding.UTF8.GetByteCount(text ?? ""));

    private static string Note(object? said, List<string> missing)
    {
        var before = said switch
        {
            byte[] bytes => Encoding.UTF8.GetString(bytes),
            string text => text,
            _ => null,
        };
        var names = string.Join(", ", (before?.Split(", ") ?? []).Concat(missing.Select(name => name.Length == 0 ? "(no name)" : name)).Distinct());
        return names.Length <= LongestNote / 3 ? names : $"{names.AsSpan(0, LongestNote / 3)}…";
    }

    /// <summary>Sizes of fields as AMQP 0.9.1 writes them, with the types that RabbitMQ added.</summary>
    private static class AmqpSize
    {
        /// <summary>Its size in bytes; <c>null</c> where the client cannot write it.</summary>
        public static int? OfField(string name, object? value) =>
            Encoding.UTF8.GetByteCount(name) is var length and <= LongestShortText && OfValue(value) is { } size ? 1 + length + size : null;

        /// <summary>The size of a text or of bytes by themselves, as people count it; that of anything else.</summary>
        public static int OfContent(object? value) => value is string or byte[] ? OfValue(value)!.Value - 5 : OfValue(value) ?? 0;

        private static int? OfValue(object? value) => value switch
        {
            null => 1,
            bool or byte or sbyte => 2,
            short or ushort => 3,
            int or uint or float => 5,
            decimal => 6,
            long or ulong or double or AmqpTimestamp => 9,
            string text => 5 + Encoding.UTF8.GetByteCount(text),
            byte[] bytes => 5 + bytes.Length,
            BinaryTableValue bytes => 5 + bytes.Bytes.Length,
            IDictionary<string, object?> table => Sum(table.Select(field => OfField(field.Key, field.Value))),
            IDictionary => null,
            IList list => Sum(list.Cast<object?>().Select(OfValue)),
            _ => null,
        };

        private static int? Sum(IEnumerable<int?> sizes)
        {
            var sum = 5;
            foreach (var size in sizes)
            {
                if (size is null)
                {
                    return null;
                }

                sum += size.Value;
            }

            return sum;
        }
    }
}
