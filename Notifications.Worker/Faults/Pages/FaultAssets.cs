using System.Collections.Frozen;
using System.Security.Cryptography;

namespace Notifications.Worker.Faults.Pages;

/// <summary>The style sheet, the script and the pictures of the pages. Their addresses change with their content, so browsers may keep them for ever.</summary>
internal static class FaultAssets
{
    private static readonly FrozenDictionary<string, Asset> Assets = new[]
    {
        Read("faults.css", "text/css; charset=utf-8"),
        Read("faults.js", "text/javascript; charset=utf-8"),
        Read("icon.svg", "image/svg+xml"),
        Read("quiet.svg", "image/svg+xml"),
    }.ToFrozenDictionary(asset => asset.Name);

    /// <summary>The address of an asset.</summary>
    public static string Url(string name) => $"/faults/assets/{Assets[name].Hash}/{name}";

    public static void MapFaultAssets(this IEndpointRouteBuilder app) =>
        app.MapGet("/assets/{hash}/{name}", IResult (HttpContext http, string hash, string name) =>
        {
            if (!Assets.TryGetValue(name, out var asset) || asset.Hash != hash)
            {
                return TypedResults.NotFound();
            }

            http.Response.Headers.CacheControl = "private, max-age=31536000, immutable";
            return TypedResults.Bytes(asset.Content, asset.ContentType);
        });

    private static Asset Read(string name, string contentType)
    {
        using var stream = typeof(FaultAssets).Assembly.GetManifestResourceStream(typeof(FaultAssets), $"Assets.{name}")
            ?? throw new InvalidOperationException($"The asset {name} is not embedded.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return new Asset(name, contentType, Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8)), content);
    }

    private sealed record Asset(string Name, string ContentType, string Hash, byte[] Content);
}
