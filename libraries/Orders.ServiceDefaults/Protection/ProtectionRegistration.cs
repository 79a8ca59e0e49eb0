using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Orders.ServiceDefaults.Configuration;

namespace Orders.ServiceDefaults.Protection;

/// <summary>What keeps both programs safe from those who talk to them, whatever they serve.</summary>
public static class ProtectionRegistration
{
    private const int MaxHeadersSize = 16 * 1024;

    /// <summary>Slower bodies are refused with 408: the largest order has 16 s, since it is the average that counts.</summary>
    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 1024, gracePeriod: TimeSpan.FromSeconds(3));

    /// <summary>Adds the limits of the server, of time and of each client, and the proxies that are believed.</summary>
    public static void AddProtection(this IHostApplicationBuilder builder)
    {
        builder.AddValidatedOptions<HttpOptions>(HttpOptions.Section);
        builder.AddValidatedOptions<RateLimitOptions>(RateLimitOptions.Section);
        builder.AddValidatedOptions<ProxyOptions>(ProxyOptions.Section);

        builder.Services.AddOptions<KestrelServerOptions>().Configure<IOptions<HttpOptions>>((kestrel, http) =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = http.Value.MaxConnections;
            kestrel.Limits.RequestHeadersTimeout = http.Value.HeadersTimeout;
            kestrel.Limits.MinRequestBodyDataRate = SlowestBody;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeadersSize;
        });
        builder.Services.AddRateLimiter(_ => { });
        builder.Services.ConfigureOptions<RateLimit>();
        builder.Services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<ProxyOptions>>(Believe);
    }

    /// <summary>Puts the protection before everything else. What the program maps after it may answer errors in words of its own.</summary>
    public static void UseProtection(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<ProxyOptions>>().Value.Any)
        {
            app.UseForwardedHeaders();
        }

        app.UseSecurityHeaders();
        if (!app.Environment.IsDevelopment())
        {
            // Says nothing on plain HTTP, nor to localhost.
            app.UseHsts();
        }

        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = http => AnswerAsync(http, http.Response.StatusCode),
            StatusCodeSelector = StatusOf,
            SuppressDiagnosticsCallback = context => StatusOf(context.Exception) < StatusCodes.Status500InternalServerError,
        });
        app.UseStatusCodePages(context => AnswerAsync(context.HttpContext, context.HttpContext.Response.StatusCode));
        // Not where nothing is limited: the middleware never disposes of its timer, which keeps a program that has ended.
        if (app.Services.GetRequiredService<IOptions<RateLimitOptions>>().Value.PermitsPerSecond > 0)
        {
            app.UseRateLimiter();
        }
    }

    /// <summary>The status by which an exception is answered that nobody else has a word for.</summary>
    public static int StatusOf(Exception exception) =>
        exception is Microsoft.AspNetCore.Http.BadHttpRequestException bad ? bad.StatusCode : StatusCodes.Status500InternalServerError;

    private static Task AnswerAsync(HttpContext http, int status) => TypedResults.Problem(statusCode: status).ExecuteAsync(http);

    private static void Believe(ForwardedHeadersOptions headers, IOptions<ProxyOptions> proxies)
    {
        if (!proxies.Value.Any)
        {
            return;
        }

        headers.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
        // Each further one must be known as well.
        headers.ForwardLimit = null;
        // By default whoever is on this machine is believed.
        headers.KnownProxies.Clear();
        headers.KnownIPNetworks.Clear();
        foreach (var proxy in proxies.Value.KnownProxies)
        {
            headers.KnownProxies.Add(IPAddress.Parse(proxy));
        }

        foreach (var network in proxies.Value.KnownNetworks)
        {
            headers.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(network));
        }
    }
}
