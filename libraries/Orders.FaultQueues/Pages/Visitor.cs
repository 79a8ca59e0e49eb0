using Orders.FaultQueues.Access;

namespace Orders.FaultQueues.Pages;

/// <summary>Who looks at the pages.</summary>
/// <param name="Name">The name of the user.</param>
/// <param name="MayAct">Whether buttons that change something are shown.</param>
public sealed record Visitor(string Name, bool MayAct)
{
    public static Visitor Of(HttpContext http) => new(http.User.Identity?.Name ?? "", http.User.IsInRole(FaultAccess.Operator));
}
