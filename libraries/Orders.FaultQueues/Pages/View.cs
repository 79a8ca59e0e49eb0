using Microsoft.AspNetCore.Components;
using Orders.FaultQueues.Live;

namespace Orders.FaultQueues.Pages;

/// <summary>What every page shows around its own part.</summary>
/// <param name="Visitor">Who looks.</param>
/// <param name="Counts">How many messages wait in each queue; <c>null</c> where nobody can tell.</param>
/// <param name="Now">What times are told relative to.</param>
public sealed record Frame(Visitor Visitor, FaultNews.Counts? Counts, DateTimeOffset Now);

/// <summary>A page: a component that shows what it is given, and asks nobody.</summary>
public abstract class View<TModel> : ComponentBase
{
    [Parameter, EditorRequired]
    public required Frame Frame { get; set; }

    [Parameter, EditorRequired]
    public required TModel Model { get; set; }
}
