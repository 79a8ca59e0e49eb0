using Orders.FaultQueues.Live;

namespace Orders.FaultQueues.Operations;

/// <summary>An operation began, went on or ended.</summary>
public sealed record OperationProgress(FaultOperation Operation) : FaultNews;
