using Contracts;
using MassTransit;
using Notifications.Worker.OrderConfirmation;
using Orders.Messaging;
using Orders.Messaging.Failures;
using Orders.Messaging.Operators;

namespace Notifications.Worker.Faults;

/// <summary>What other programs and operators are told of a message that is parked, whoever parks it.</summary>
public sealed class ParkedNews(IServiceProvider services, OperatorEvents operators)
{
    /// <summary>How long the broker may take for a message.</summary>
    private static readonly TimeSpan TimeToPublish = TimeSpan.FromSeconds(30);

    /// <summary>Publishes <see cref="OrderConfirmationFailed"/>, which makes the alert.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the broker took too long.</exception>
    public Task PublishAsync(FaultMessage message, FailureKind kind, string reason, DateTimeOffset at, CancellationToken cancellationToken)
    {
        // The order that has the id of a conflict is another one, which has not failed.
        var orderId = kind == FailureKind.Conflict ? null : message.OrderId;
        // The bus is still being made when its endpoints ask for this class.
        return services.GetRequiredService<IBus>().PublishWithinAsync(new OrderConfirmationFailed(orderId, reason, at), TimeToPublish, cancellationToken);
    }

    /// <summary>Tells operators, best effort.</summary>
    public Task TellOperatorsAsync(FaultMessage message, FailureKind kind, string reason, DateTimeOffset at, CancellationToken cancellationToken) =>
        operators.TellAsync(
            new OperatorEvent($"{OrderConfirmationEndpoint.Queue}.parked.{kind.Word()}", at, message.OrderId, message.MessageId, reason), cancellationToken);
}
