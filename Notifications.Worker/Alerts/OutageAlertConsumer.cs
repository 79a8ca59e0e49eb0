using MassTransit;
using Microsoft.Extensions.Options;
using Orders.Email.Outages;
using Orders.FaultQueues.Policy;

namespace Notifications.Worker.Alerts;

/// <summary>
/// Emails <see cref="AlertOptions.To"/> once when an outage of the mail server begins and once when it has ended, however
/// many workers say so. What says that it began waits for its end to be sent, like every other email: until then the log
/// tells.
/// </summary>
internal sealed class OutageAlertConsumer(
    AlertEmail alert, [FromKeyedServices(OutageAlertConsumerDefinition.Queue)] OutageAlerts alerts)
    : IConsumer<MailServerUnreachable>, IConsumer<MailServerReachable>
{
    public async Task Consume(ConsumeContext<MailServerUnreachable> context)
    {
        if (alerts.IsBeginning(context.Message))
        {
            var beginning = Alert.OfBeginning(context.Message);
            await alert.SendAsync(
                beginning with { Text = $"{beginning.Text}\n\nThis email had to wait as well, for the server that it is about." },
                context.CancellationToken);
        }
    }

    public async Task Consume(ConsumeContext<MailServerReachable> context)
    {
        if (alerts.FindEnded(context.Message) is { } since)
        {
            await alert.SendAsync(Alert.OfEnd(since, context.Message.Until), context.CancellationToken);
        }
    }
}

/// <summary>
/// The outages that people are told of, as one sequence: every worker has its own view of when the same one began and
/// ended. It is kept in memory, so after a restart an outage may be told of a second time.
/// </summary>
internal sealed class OutageAlerts
{
    private readonly Lock _lock = new();
    private DateTimeOffset _since = DateTimeOffset.MinValue;
    private DateTimeOffset? _until = DateTimeOffset.MinValue;
    private DateTimeOffset? _endOf;

    /// <summary>Whether this message begins an outage, or began it when it came for the first time.</summary>
    public bool IsBeginning(MailServerUnreachable message)
    {
        lock (_lock)
        {
            if (_until is { } until && message.Since > until)
            {
                (_since, _until, _endOf) = (message.Since, null, null);
            }

            return message.Since == _since;
        }
    }

    /// <summary>When the outage began that this message ends, or ended when it came for the first time; else nothing.</summary>
    public DateTimeOffset? FindEnded(MailServerReachable message)
    {
        lock (_lock)
        {
            if (_until is null && message.Until > _since)
            {
                (_until, _endOf) = (message.Until, message.Since);
            }

            return (_until, _endOf) == (message.Until, message.Since) ? _since : null;
        }
    }
}

/// <summary>
/// One message at a time, in one process at a time and in their order: the end of an outage must not overtake its beginning.
/// </summary>
internal sealed class OutageAlertConsumerDefinition(IOptions<ReplayOptions> options)
    : AlertConsumerDefinition<OutageAlertConsumer>(Queue, options, inOrder: true)
{
    public const string Queue = "order-confirmation-outage-alert";

    protected override void ConfigureMessages(IConsumerConfigurator<OutageAlertConsumer> consumer, IReceiveEndpointConfigurator endpoint)
    {
        Configure<MailServerUnreachable>(consumer, endpoint);
        Configure<MailServerReachable>(consumer, endpoint);
    }
}
