using Orders.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Orders.FaultQueues.Queues;

/// <summary>Tells what a refusal of RabbitMQ means.</summary>
internal static class BrokerRefusals
{
    /// <summary>
    /// Whether the message stays where it is, and others may go. A queue of ours that is not there is about to be made; with one of
    /// another program, or an exchange that leads nowhere, there is nothing to wait for.
    /// </summary>
    public static bool LeavesMessage(this RepublishRefusedException refused, FaultEndpoint endpoint) => refused.Why != RepublishRefusal.NoQueue || endpoint.IsForeign;

    /// <summary>Whether the user lacks a right. RabbitMQ has the same code for a queue that a consumer has for itself.</summary>
    public static bool IsRightMissing(this OperationInterruptedException exception) =>
        exception.ShutdownReason is { ReplyCode: Constants.AccessRefused, ReplyText: var text } && !text.Contains("exclusive use", StringComparison.Ordinal);
}
