namespace Orders.ServiceDefaults.Protection;

/// <summary>
/// What browsers may do with our answers, said on every one of them, errors included. An answer that needs another policy
/// or may be kept says so itself, by its own header; what it does not say is said here.
/// </summary>
/// <remarks>After <see href="https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html">OWASP on HTTP headers</see>.</remarks>
public static class SecurityHeaders
{
    /// <summary>For what is no page: nothing runs and nothing is loaded, whatever a browser takes it for.</summary>
    internal const string PolicyOfData = $"default-src 'none'; {Frame}";

    /// <summary>For pages of our own: only what lies beside them, nothing inline, forms to us alone.</summary>
    public const string PolicyOfPages =
        $"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; {Frame}";

    /// <summary>For Swagger UI, which comes with styles in its elements.</summary>
    public const string PolicyOfSwaggerUI =
        $"default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; connect-src 'self'; img-src 'self' data:; {Frame}";

    private const string Frame = "base-uri 'none'; frame-ancestors 'none'";

    internal static void UseSecurityHeaders(this IApplicationBuilder app) => app.Use((http, next) =>
    {
        // As late as can be: whoever answers with an error clears what was set before.
        http.Response.OnStarting(Complete, http.Response.Headers);
        return next(http);
    });

    private static Task Complete(object state)
    {
        var headers = (IHeaderDictionary)state;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // Not no-referrer: browsers would then send forms with an origin of null, which looks like another site's.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";
        headers.TryAdd("Content-Security-Policy", PolicyOfData);
        headers.TryAdd("Cache-Control", "no-store");
        return Task.CompletedTask;
    }
}
