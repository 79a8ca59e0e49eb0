namespace Contracts;

/// <summary>The queues that more than one program must name. Other systems rely on them.</summary>
public static class QueueNames
{
    /// <summary>What became of orders, for the API.</summary>
    public const string OrderStatus = "order-status";
}
