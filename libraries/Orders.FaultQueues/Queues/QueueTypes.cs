using System.Globalization;
using System.Text.RegularExpressions;
using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>Finds out the type of a queue that another program has declared.</summary>
/// <remarks>
/// AMQP does not tell it. But RabbitMQ refuses to declare a queue that is there in another form, and says in what it differs. So
/// this declares the queue with a type that no broker has: a queue that is there stays as it is, and none can come into being.
/// RabbitMQ names one difference at a time; each is adopted, until the type is what differs.
/// </remarks>
internal static partial class QueueTypes
{
    private const string TypeArgument = "x-queue-type";

    /// <summary>A queue has fewer arguments.</summary>
    private const int MostTries = 20;

    /// <summary>Finds it out.</summary>
    /// <returns><c>null</c> where there is no such queue, or RabbitMQ does not say: that takes the right to configure the queue.</returns>
    public static async Task<QueueType?> FindAsync(IConnection connection, string queue, CancellationToken cancellationToken)
    {
        if (await BrokerProbe.QueueAsync(connection, queue, cancellationToken) != ProbeAnswer.Allowed)
        {
            return null;
        }

        var arguments = new Dictionary<string, object?> { [TypeArgument] = "none-of-any-broker" };
        for (var tries = 0; tries < MostTries; tries++)
        {
            if (Difference().Match(await DeclareAsync(connection, queue, arguments, cancellationToken)) is not { Success: true } difference)
            {
                return null;
            }

            var (name, value) = (difference.Groups["name"].Value, difference.Groups["value"].Value);
            if (name == TypeArgument)
            {
                return value switch
                {
                    "quorum" => QueueType.Quorum,
                    "classic" => QueueType.Classic,
                    _ => null,
                };
            }

            if (!arguments.TryAdd(name, Parse(value, difference.Groups["type"].Value)))
            {
                return null;
            }
        }

        return null;
    }

    /// <returns>What the broker has against it.</returns>
    private static async Task<string> DeclareAsync(IConnection connection, string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
            return "";
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason is { Initiator: ShutdownInitiator.Peer })
        {
            return exception.ShutdownReason.ReplyText;
        }
    }

    private static object? Parse(string value, string type) =>
        type == "bool" ? value == "true"
        : long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && type != "longstr" ? number
        : value;

    [GeneratedRegex("^PRECONDITION_FAILED - inequivalent arg '(?<name>[^']+)' for queue .* but current is (the value )?'(?<value>.*?)'( of type '(?<type>[a-z]+)')?$", RegexOptions.CultureInvariant)]
    private static partial Regex Difference();
}
