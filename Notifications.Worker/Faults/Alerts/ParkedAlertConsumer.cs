using System.Net;
using System.Security.Cryptography;
using System.Text;
using Contracts;
using MassTransit;
using Microsoft.Extensions.Options;
using Notifications.Worker.Email;
using Notifications.Worker.Faults.Job;
using Notifications.Worker.Messaging;
using Notifications.Worker.OrderConfirmation;
using Notifications.Worker.Redelivery;

namespace Notifications.Worker.Faults.Alerts;

/// <summary>Emails <see cref="AlertOptions.To"/> that a message was parked.</summary>
public sealed class ParkedAlertConsumer(IEmailSender sender, IOptions<AlertOptions> alerts, IOptions<EmailOptions> email)
    : IConsumer<OrderConfirmationFailed>
{
    public Task Consume(ConsumeContext<OrderConfirmationFailed> context)
    {
        var failed = context.Message;
        var order = failed.OrderId is { } id ? $"order {id}" : "an order that cannot be read";
        var text = $"""
            The confirmation of {order} was given up.

            Why:   {failed.Reason}
            When:  {failed.FailedAt:u}
            Where: queue {OrderConfirmationEndpoint.ParkingQueue}

            The customer has not been told. The message is kept until a person acts.
            """;

        return sender.SendAsync(
            new EmailMessage(
                MessageId(failed),
                alerts.Value.To!,
                $"Not confirmed: {order}",
                text,
                $"<pre style=\"font:14px/1.5 ui-monospace,monospace\">{WebUtility.HtmlEncode(text)}</pre>"),
            context.CancellationToken);
    }

    /// <summary>The same for every attempt to send this alert.</summary>
    private string MessageId(OrderConfirmationFailed failed)
    {
        var key = SHA256.HashData(Encoding.UTF8.GetBytes($"{failed.OrderId}\n{failed.Reason}\n{failed.FailedAt:O}"));
        return $"<parked-{Convert.ToHexStringLower(key.AsSpan(0, 16))}@{email.Value.Sender.Host}>";
    }
}

/// <summary>
/// Alerts wait out a mail server that is down by the same steps as the redeliver job. One that fails for the last
/// time ends in its own error queue, which nobody is alerted about.
/// </summary>
public sealed class ParkedAlertConsumerDefinition : ConsumerDefinition<ParkedAlertConsumer>
{
    public const string Queue = "order-confirmation-alert";

    private readonly TimeSpan[] _delays;

    public ParkedAlertConsumerDefinition(IOptions<RedeliverOptions> options)
    {
        EndpointName = Queue;
        // No delay queue can hold a message for no time at all.
        _delays = [.. options.Value.Waits.Where(wait => wait > TimeSpan.Zero)];
    }

    protected override void ConfigureConsumer(
        IReceiveEndpointConfigurator endpointConfigurator,
        IConsumerConfigurator<ParkedAlertConsumer> consumerConfigurator,
        IRegistrationContext context)
    {
        var onRabbitMq = endpointConfigurator as IRabbitMqReceiveEndpointConfigurator;
        if (onRabbitMq is not null)
        {
            var queueType = context.GetQueueType();
            onRabbitMq.SetQueueArguments(QueueArguments.Holding(queueType));
            onRabbitMq.DeclareDelayQueues(Queue, _delays, queueType);
        }

        endpointConfigurator.SetFaultsAside(context, deliveryLimit: 20);
        consumerConfigurator.Message<OrderConfirmationFailed>(messages =>
        {
            if (onRabbitMq is not null)
            {
                messages.UseDelayQueues(Queue);
            }

            messages.UseDelayedRedelivery(redelivery =>
            {
                redelivery.HandleTransientOnly();
                redelivery.Intervals(_delays);
            });
        });
    }
}
