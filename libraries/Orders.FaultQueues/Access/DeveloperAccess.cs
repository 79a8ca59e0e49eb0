using System.Net;

namespace Orders.FaultQueues.Access;

/// <summary>
/// Where no users are configured, somebody who runs the program in Development on the same machine is let in. A page
/// from elsewhere that the developer's browser shows is not: it cannot choose the header <c>Host</c>, not even with
/// a name of its own that it has lead to loopback
/// (<see href="https://owasp.org/www-community/attacks/DNS_Rebinding">DNS rebinding</see>).
/// </summary>
internal static class DeveloperAccess
{
    /// <summary>What the developer is called in the audit trail.</summary>
    public const string Name = "developer";

    /// <summary>What a proxy adds to what it passes on, and ASP.NET where it believes a proxy.</summary>
    private static readonly string[] TracesOfProxies = ["Forwarded", "Via", "X-Forwarded-For", "X-Original-For"];

    /// <summary>Whether the request is a developer's own.</summary>
    public static bool Allows(HttpContext http) =>
        http.RequestServices.GetRequiredService<IHostEnvironment>().IsDevelopment()
        && http.Connection is { RemoteIpAddress: { } remote, LocalIpAddress: { } local }
        && IPAddress.IsLoopback(remote)
        && IPAddress.IsLoopback(local)
        && http.Request.Host.Host is "localhost" or "127.0.0.1" or "[::1]"
        && !TracesOfProxies.Any(http.Request.Headers.ContainsKey);
}
