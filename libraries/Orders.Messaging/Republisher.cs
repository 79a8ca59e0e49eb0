using System.Collections.Concurrent;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.Messaging;

/// <summary>
/// Sends a message on to another queue, as whole as the broker takes it. RabbitMQ answers what it does not take by closing
/// the channel, with everything else that is under way on it: so each message has a channel for itself meanwhile.
/// <see cref="CarriedProperties.LeftOut"/> says on the message what is missing.
/// </summary>
/// <param name="isOurs">Whether a header, by its name, is one that the program has need of.</param>
public sealed class Republisher(Func<string, bool> isOurs)
{
    private static readonly CreateChannelOptions Confirmed = new(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true);

    /// <summary>Channels that nobody is using, those included that ended with their connection.</summary>
    private readonly ConcurrentBag<IChannel> _idle = [];

    /// <summary>Completes when the broker has confirmed the message.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="exchange">The exchange of the queue.</param>
    /// <param name="properties">The properties that the message is to have, in so far as they can be carried.</param>
    /// <param name="body">The body.</param>
    /// <param name="cancellationToken">Gives up waiting for the broker.</param>
    /// <exception cref="RepublishRefusedException">The broker does not take the message, whatever is left out of it.</exception>
    public Task PublishAsync(
        IConnection connection, string exchange, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        PublishAsync(connection, new PublishAddress(exchange), properties, body, cancellationToken);

    /// <summary>The same to a queue that may have no exchange of its own.</summary>
    /// <inheritdoc cref="PublishAsync(IConnection, string, IReadOnlyBasicProperties, ReadOnlyMemory{byte}, CancellationToken)"/>
    public async Task PublishAsync(
        IConnection connection, PublishAddress address, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var whole = CarriedProperties.Carry(properties, connection.FrameMax, isOurs, withCopies: address.RoutingKey.Length == 0);
        var refusal = await TryPublishAsync(connection, address, whole, body, cancellationToken);
        if (refusal is { Why: RepublishRefusal.Message })
        {
            var bare = CarriedProperties.Carry(properties, connection.FrameMax, isOurs, onlyOurs: true);
            refusal = await TryPublishAsync(connection, address, bare, body, cancellationToken);
        }

        if (refusal is not null)
        {
            throw new RepublishRefusedException(address.Name, refusal.Reason, refusal.Why);
        }
    }

    /// <returns>Why the broker, or its client, does not take this message; <c>null</c> where it does.</returns>
    private async Task<Refusal?> TryPublishAsync(
        IConnection connection, PublishAddress address, BasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var channel = TakeIdle() ?? await connection.CreateChannelAsync(Confirmed, cancellationToken);
        // A channel may be refused everything for as long as it lives, where another one is not: on RabbitMQ 3.10, and by a queue that was full once.
        var isGood = false;
        try
        {
            await channel.BasicPublishAsync(address.Exchange, address.RoutingKey, mandatory: true, properties, body, cancellationToken);
            isGood = true;
            return null;
        }
        catch (PublishReturnException returned)
        {
            isGood = true;
            return new Refusal(returned.ReplyText, RepublishRefusal.NoQueue);
        }
        catch (PublishException)
        {
            return new Refusal("the queue takes no message now, as it is full or has no leader", RepublishRefusal.NotNow);
        }
        catch (Exception) when (connection.IsOpen && channel.CloseReason is { Initiator: ShutdownInitiator.Peer })
        {
            return new Refusal(channel.CloseReason.ReplyText, channel.CloseReason.ReplyCode switch
            {
                Constants.NotFound => RepublishRefusal.NoQueue,
                Constants.AccessRefused => RepublishRefusal.NoRight,
                _ => RepublishRefusal.Message,
            });
        }
        catch (Exception exception) when (channel.IsOpen && exception is not (RabbitMQClientException or OperationCanceledException))
        {
            // The client could not write it.
            return new Refusal(exception.Message, RepublishRefusal.Message);
        }
        finally
        {
            if (isGood)
            {
                _idle.Add(channel);
            }
            else
            {
                await channel.DisposeAsync();
            }
        }
    }

    private IChannel? TakeIdle()
    {
        while (_idle.TryTake(out var channel))
        {
            if (channel.IsOpen)
            {
                return channel;
            }

            channel.Dispose();
        }

        return null;
    }

    private sealed record Refusal(string Reason, RepublishRefusal Why);
}

/// <summary>Where a message is published to.</summary>
/// <param name="Exchange">The exchange; empty for the default one.</param>
/// <param name="RoutingKey">The queue, by the default exchange; otherwise empty.</param>
public readonly record struct PublishAddress(string Exchange, string RoutingKey = "")
{
    /// <summary>A queue itself, by the default exchange.</summary>
    public static PublishAddress OfQueue(string queue) => new("", queue);

    /// <summary>What people call it.</summary>
    public string Name => Exchange.Length > 0 ? Exchange : RoutingKey;
}

/// <summary>The broker does not take a message for a queue.</summary>
public sealed class RepublishRefusedException(string queue, string reason, RepublishRefusal why)
    : Exception($"The broker does not take the message for {queue}: {reason}")
{
    /// <summary>Why not.</summary>
    public RepublishRefusal Why => why;
}

/// <summary>Why a broker does not take a message for a queue.</summary>
public enum RepublishRefusal
{
    /// <summary>It does not take this message, even if nothing but its body is left of it.</summary>
    Message,

    /// <summary>There is no such queue.</summary>
    NoQueue,

    /// <summary>Its user may not write there.</summary>
    NoRight,

    /// <summary>The queue takes none for now: it is full and set to say so, or has no leader.</summary>
    NotNow,
}
