using Contracts;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace Orders.Tests.EndToEnd;

/// <summary>
/// A publish that never ends, as one of RabbitMQ.Client may whose channel is closed:
/// https://github.com/rabbitmq/rabbitmq-dotnet-client/issues/1976.
/// </summary>
internal sealed class HungPublishesTests : OrderSystemTests
{
    [Test]
    public async Task A_message_whose_parking_cannot_be_told_keeps_no_other_from_being_parked()
    {
        TheSystem = await OrderSystem.StartAsync(TransportUnderTest.InMemory);
        TheSystem.Mail.On(SmtpStep.Recipient, address => address.StartsWith("nobody", StringComparison.Ordinal) ? "550 5.1.1 No such user" : null);
        TheSystem.Worker.GetRequiredService<IBus>().ConnectPublishObserver(new HangingOnce<OrderConfirmationFailed>());

        await TheSystem.PlaceAsync("1", "nobody@customer.example");
        await TheSystem.PlaceAsync("2", "nobody@customer.example");

        await TheSystem.Mail.WaitFor("both alerts", _ => TheSystem.Alerts.Count == 2, TimeSpan.FromSeconds(90));
    }

    /// <summary>The first publish of a type never ends.</summary>
    private sealed class HangingOnce<TMessage> : IPublishObserver
    {
        private int _published;

        public Task PrePublish<T>(PublishContext<T> context)
            where T : class =>
            typeof(T) == typeof(TMessage) && Interlocked.Increment(ref _published) == 1 ? new TaskCompletionSource().Task : Task.CompletedTask;

        public Task PostPublish<T>(PublishContext<T> context)
            where T : class => Task.CompletedTask;

        public Task PublishFault<T>(PublishContext<T> context, Exception exception)
            where T : class => Task.CompletedTask;
    }
}
