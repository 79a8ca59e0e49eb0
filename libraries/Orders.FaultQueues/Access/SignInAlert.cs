using MassTransit;
using Orders.Messaging;
using Orders.Messaging.Operators;

namespace Orders.FaultQueues.Access;

/// <summary>Tells people and other programs that somebody tries passwords.</summary>
internal sealed partial class SignInAlert(IBus bus, OperatorEvents operators, TimeProvider clock, ILogger<SignInAlert> logger)
{
    private const string Slowed = "faults.sign-in.slowed";

    /// <summary>How long the broker may take. Somebody waits for an answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Says that a name is slowed.</summary>
    /// <returns>Whether the alert is on its way.</returns>
    public async Task<bool> PublishAsync(string user)
    {
        var at = clock.GetUtcNow();
        var reason = $"{SignInLimit.Many} wrong passwords came for the user {user} within an hour; that name has one try in {SignInLimit.Pause.TotalSeconds:0} s now";
        Log.NameSlowed(logger, reason);
        try
        {
            await bus.PublishWithinAsync(new SignInsSlowed(user, SignInLimit.Many, at), Patience, CancellationToken.None);
        }
        catch (Exception exception)
        {
            var error = exception is OperationCanceledException ? $"The broker has not taken the alert for {Patience.TotalSeconds:0} s." : exception.GetBaseException().Message;
            Log.NotTold(logger, error);
            return false;
        }

        await operators.PublishAsync(new OperatorEvent(Slowed, at, OrderId: null, MessageId: null, reason), CancellationToken.None);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 63, Level = LogLevel.Critical, Message = "Somebody tries passwords for the fault queues: {Reason}")]
        public static partial void NameSlowed(ILogger logger, string reason);

        [LoggerMessage(EventId = 64, Level = LogLevel.Warning, Message = "Nobody could be told that passwords are tried; the next wrong one says it again. {Error}")]
        public static partial void NotTold(ILogger logger, string error);
    }
}
