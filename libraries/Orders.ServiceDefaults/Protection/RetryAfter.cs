using System.Globalization;

namespace Orders.ServiceDefaults.Protection;

/// <summary>The header <c>Retry-After</c> (<see href="https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3">RFC 9110</see>).</summary>
public static class RetryAfter
{
    /// <summary>Says on an answer when the client may try again: in whole seconds, at least one.</summary>
    public static void Set(HttpResponse response, TimeSpan wait) =>
        response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
