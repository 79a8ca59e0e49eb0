using Contracts;
using MassTransit;
using Notifications.Worker.Operators;
using Notifications.Worker.OrderConfirmation;

namespace Notifications.Worker.Faults;

/// <summary>What other programs and operators are told of a message that is parked, whoever parks it.</summary>
public sealed class ParkedNews(IServiceProvider services, OperatorEvents operators)
{
    /// <summary>Publishes <see cref="OrderConfirmationFailed"/>, which makes the alert.</summary>
    public Task PublishAsync(FaultMessage message, FailureKind kind, string reason, DateTimeOffset at, CancellationToken cancellationToken)
    {
        // The order that has the id of a conflict is another one, which has not failed.
        var orderId = kind == FailureKind.Conflict ? null : message.OrderId;
        // The bus is still being made when its endpoints ask for this class.
        return services.GetRequiredService<IBus>().Publish(new OrderConfirmationFailed(orderId, reason, at), cancellationToken);
    }

    /// <summary>Tells operators, best effort.</summary>
    public Task TellOperatorsAsync(FaultMessage message, FailureKind kind, string reason, DateTimeOffset at, CancellationToken cancellationToken) =>
        operators.TellAsync(
            new OperatorEvent($"{OrderConfirmationEndpoint.Queue}.parked.{kind.Word()}", at, message.OrderId, message.MessageId, reason), cancellationToken);
}
