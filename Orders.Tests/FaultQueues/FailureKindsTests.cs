using System.Runtime.Serialization;
using System.Text.Json;
using MassTransit;
using Notifications.Worker.Pipeline;
using Orders.Email;
using Orders.Email.Deliveries;
using Orders.FaultQueues;
using Orders.Messaging.Failures;

namespace Orders.Tests.FaultQueues;

public sealed class FailureKindsTests
{
    private static readonly TestCaseData[] Failures =
    [
        Of(new TransientEmailException("451"), FailureKind.Transient),
        Of(new PermanentEmailException("550"), FailureKind.Permanent),
        Of(new ConflictException("The order id 1 is that of another order."), FailureKind.Conflict),
        Of(new DeliveryConflictException("1"), FailureKind.Conflict),
        Of(new DeliveryLimitException(20), FailureKind.Permanent),
        Of(new SerializationException("not an order"), FailureKind.Unreadable),
        Of(new JsonException("not JSON"), FailureKind.Unreadable),
        Of(new MessageNotConsumedException(new Uri("queue:order-confirmation"), "of another type"), FailureKind.Unreadable),
        Of(new InvalidOperationException("a bug"), FailureKind.Transient),
        Of(new OperationCanceledException(), FailureKind.Transient),
        Of(new InvalidOperationException("wrapped", new PermanentEmailException("550")), FailureKind.Permanent),
        Of(new InvalidOperationException("wrapped twice", new InvalidOperationException("", new JsonException())), FailureKind.Unreadable),
        Of(new AggregateException(new PermanentEmailException("550")), FailureKind.Permanent),
    ];

    [TestCaseSource(nameof(Failures))]
    public void A_failure_is_sorted_by_the_outermost_cause_that_is_known(Exception failure, FailureKind kind) =>
        Assert.That(FailureKinds.Of(failure), Is.EqualTo(kind));

    private static TestCaseData Of(Exception failure, FailureKind kind) =>
        new TestCaseData(failure, kind).SetArgDisplayNames($"{failure.GetType().Name} {failure.InnerException?.GetType().Name}".Trim(), $"{kind}");
}
