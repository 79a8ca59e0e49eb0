using Orders.Messaging.Failures;
using Orders.Messaging.Operators;

namespace Orders.FaultQueues;

/// <summary>What other programs and operators are told of a message that is parked, whoever parks it.</summary>
public sealed class ParkedNews(IServiceProvider services, OperatorEvents operators)
{
    /// <summary>Tells other programs, where the endpoint has words for it.</summary>
    /// <inheritdoc cref="IParkedAnnouncer.AnnounceAsync" path="/exception"/>
    public Task PublishAsync(FaultEndpoint endpoint, FaultMessage message, FailureKind kind, string reason, DateTimeOffset at, CancellationToken cancellationToken) =>
        // The subject of a conflict belongs to another message, which has not failed.
        services.GetKeyedService<IParkedAnnouncer>(endpoint.Queue)?.AnnounceAsync(message, kind == FailureKind.Conflict ? null : endpoint.SubjectOf(message), reason, at, cancellationToken) ?? Task.CompletedTask;

    /// <summary>Tells operators, best effort.</summary>
    public Task PublishToOperatorsAsync(FaultEndpoint endpoint, FaultMessage message, FailureKind kind, string reason, DateTimeOffset at, CancellationToken cancellationToken) =>
        operators.PublishAsync(
            new OperatorEvent($"{endpoint.Queue}.parked.{kind.Word()}", at, endpoint.SubjectOf(message), message.MessageId, reason), cancellationToken);
}
