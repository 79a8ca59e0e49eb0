using Microsoft.Net.Http.Headers;
using Orders.FaultQueues.Queues;

namespace Orders.FaultQueues.Http;

/// <summary>The queue that an address names: <c>{endpoint}/{queue}</c>, or <c>{queue}</c> alone, as in releases that had one endpoint.</summary>
internal sealed record QueueInAddress(FaultQueue Queue)
{
    /// <summary>The part of an address.</summary>
    public const string Pattern = $"/{{{EndpointName}:{EndpointConstraint.Name}}}/{{{KindName}:regex(^(error|parked)$)}}";

    /// <summary>The same part of an old address.</summary>
    public const string OldPattern = $"/{{{KindName}:regex(^(error|parked)$)}}";

    /// <summary>The parameter that names the endpoint.</summary>
    public const string EndpointName = "endpoint";

    /// <summary>The parameter that names one of its queues.</summary>
    public const string KindName = "queue";

    /// <summary>When the old addresses went out of use, as <see href="https://www.rfc-editor.org/rfc/rfc9745">RFC 9745</see> writes it.</summary>
    private const string DeprecatedSince = "@1795996800";

    public static implicit operator FaultQueue(QueueInAddress address) => address.Queue;

    public static ValueTask<QueueInAddress?> BindAsync(HttpContext http)
    {
        var endpoints = http.RequestServices.GetRequiredService<FaultEndpoints>();
        var endpoint = http.GetRouteValue(EndpointName) is string name ? endpoints.Get(name) : endpoints.Default;
        // The pattern lets no other word through.
        var kind = Enum.Parse<FaultQueueKind>((string)http.GetRouteValue(KindName)!, ignoreCase: true);
        return ValueTask.FromResult<QueueInAddress?>(new QueueInAddress(new FaultQueue(endpoint, kind)));
    }

    /// <summary>Sends those who read by an old address to the new one.</summary>
    /// <param name="old">The addresses.</param>
    /// <param name="path">What they begin with.</param>
    public static void RedirectReads(IEndpointRouteBuilder old, string path)
    {
        var pattern = $"{OldPattern}/{{**rest}}";
        old.MapGet(pattern, (HttpContext http, FaultEndpoints endpoints) => TypedResults.Redirect(NewAddress(http, endpoints, path), permanent: true, preserveMethod: true))
            .ExcludeFromDescription();
    }

    /// <summary>Says with every answer of an old address that there is a new one.</summary>
    /// <param name="old">The addresses.</param>
    /// <param name="path">What they begin with.</param>
    public static void Deprecate(RouteGroupBuilder old, string path) => old.ExcludeFromDescription().AddEndpointFilter(async (context, next) =>
    {
        var http = context.HttpContext;
        http.Response.Headers["Deprecation"] = DeprecatedSince;
        http.Response.Headers[HeaderNames.Link] =
            $"<{NewAddress(http, http.RequestServices.GetRequiredService<FaultEndpoints>(), path)}>; rel=\"successor-version\"";
        return await next(context);
    });

    private static string NewAddress(HttpContext http, FaultEndpoints endpoints, string path)
    {
        var rest = http.Request.Path.Value![path.Length..];
        return $"{http.Request.PathBase}{path}/{Uri.EscapeDataString(endpoints.Default.Queue)}{new PathString(rest).ToUriComponent()}{http.Request.QueryString}";
    }
}

/// <summary>Lets those words of an address through that name an endpoint.</summary>
internal sealed class EndpointConstraint(FaultEndpoints endpoints) : IRouteConstraint
{
    /// <summary>What it is called in patterns.</summary>
    public const string Name = "faultEndpoint";

    public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
        endpoints.TryGet(values[routeKey] as string, out _);
}
