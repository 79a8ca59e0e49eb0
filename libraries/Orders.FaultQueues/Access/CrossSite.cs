namespace Orders.FaultQueues.Access;

/// <summary>
/// Tells requests that a page of another site made a browser send, with the credentials that the browser knows. The rules
/// are those of Go's <see href="https://pkg.go.dev/net/http#CrossOriginProtection">CrossOriginProtection</see>; see also
/// <see href="https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html#fetch-metadata-headers">OWASP on fetch metadata</see>.
/// </summary>
internal static class CrossSite
{
    /// <summary>Whether a request must be refused.</summary>
    public static bool IsRefused(HttpRequest request)
    {
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        {
            return false;
        }

        return request.Headers["Sec-Fetch-Site"].ToString() switch
        {
            "same-origin" or "none" => false,
            // An old browser, or none.
            "" => request.Headers.Origin.ToString() is { Length: > 0 } origin && !IsSame(origin, request.Host),
            _ => true,
        };
    }

    // Not the scheme: a proxy may have taken HTTPS off.
    private static bool IsSame(string origin, HostString host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri) && string.Equals(uri.Authority, host.Value, StringComparison.OrdinalIgnoreCase);
}
