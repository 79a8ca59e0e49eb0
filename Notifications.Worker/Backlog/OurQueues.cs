using Microsoft.Extensions.Options;
using Notifications.Worker.Faults.Alerts;
using Notifications.Worker.Faults.Job;
using Notifications.Worker.OrderConfirmation;
using Orders.Messaging.Redelivery;
using Orders.ServiceDefaults.Hosting;

namespace Notifications.Worker.Backlog;

/// <summary>
/// The names of our queues on a broker, by what this process knows of the configuration; those that hold faults have names
/// of their own, see <see cref="Faults.Queues.FaultQueues"/>. The audit trail is none of them: a stream, which keeps what
/// was read.
/// </summary>
internal sealed class OurQueues
{
    public OurQueues(IConfiguration configuration, IOptions<AlertOptions> alerts, IOptions<RedeliverOptions> redeliver)
    {
        // The section of another role, which may run in another process: both must be told the same.
        var orderDelays = configuration.ReadOptions<DelayedRedeliveryOptions>(DelayedRedeliveryOptions.Section).Delays;
        var alertQueues = alerts.Value.Queues.ToArray();
        var alertDelays = AlertDelays.Of(redeliver.Value);

        Worked = [OrderConfirmationEndpoint.Queue, .. alertQueues.SelectMany(queue => new[] { queue, $"{queue}_error" })];
        Delays = new HashSet<string>(
        [
            .. orderDelays.Select(delay => DelayQueues.QueueName(OrderConfirmationEndpoint.Queue, delay)),
            .. alertQueues.SelectMany(queue => alertDelays.Select(delay => DelayQueues.QueueName(queue, delay))),
        ]);
    }

    /// <summary>Those that consumers work on, and the error queues of alerts, which nobody does.</summary>
    public IReadOnlyList<string> Worked { get; }

    /// <summary>Those in which messages wait for a fixed time.</summary>
    public IReadOnlySet<string> Delays { get; }
}
