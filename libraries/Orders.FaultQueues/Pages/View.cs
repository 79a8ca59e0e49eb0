using Microsoft.AspNetCore.Components;

namespace Orders.FaultQueues.Pages;

/// <summary>What every page shows around its own part.</summary>
/// <param name="Visitor">Who looks.</param>
/// <param name="Error">How many messages wait in the error queue; <c>null</c> where nobody can tell.</param>
/// <param name="Parked">How many messages are parked; <c>null</c> where nobody can tell.</param>
/// <param name="Now">What times are told relative to.</param>
public sealed record Frame(Visitor Visitor, long? Error, long? Parked, DateTimeOffset Now);

/// <summary>A page: a component that shows what it is given, and asks nobody.</summary>
public abstract class View<TModel> : ComponentBase
{
    [Parameter, EditorRequired]
    public required Frame Frame { get; set; }

    [Parameter, EditorRequired]
    public required TModel Model { get; set; }
}
