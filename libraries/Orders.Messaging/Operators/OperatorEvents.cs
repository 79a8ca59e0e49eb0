using MassTransit;
using MassTransit.Serialization;

namespace Orders.Messaging.Operators;

/// <summary>Tells operators what happens, on a topic exchange to which whoever wants to hear of it binds a queue.</summary>
public sealed partial class OperatorEvents(IServiceProvider services, ILogger<OperatorEvents> logger)
{
    /// <summary>The exchange's name. Other systems rely on it.</summary>
    public const string Exchange = "order-notifications";

    /// <summary>How long the broker may take for an event before it is given up.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Publishes an event. Best effort: what fails is a warning in the log, and takes <see cref="Patience"/> at most.</summary>
    public async Task PublishAsync(OperatorEvent what, CancellationToken cancellationToken)
    {
        try
        {
            // The bus is still being made when its endpoints ask for this class.
            await services.GetRequiredService<IBus>().PublishWithinAsync(
                what,
                send =>
                {
                    send.TrySetRoutingKey(what.Key);
                    send.Serializer = new SystemTextJsonRawMessageSerializer(default);
                },
                Patience,
                cancellationToken);
        }
        catch (Exception exception)
        {
            Log.NotTold(logger, what.Key, exception.GetBaseException().Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 250, Level = LogLevel.Warning, Message = "Operators could not be told of {Key}: {Error}")]
        public static partial void NotTold(ILogger logger, string key, string error);
    }
}
