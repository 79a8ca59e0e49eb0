using System.Collections.Frozen;
using System.Security.Cryptography;

namespace Orders.ServiceDefaults.Pages;

/// <summary>
/// Style sheets, scripts and pictures of pages, out of the program itself. Their addresses change with their content, so
/// browsers may keep them for ever.
/// </summary>
public sealed class EmbeddedAssets
{
    private static readonly Dictionary<string, string> ContentTypes = new()
    {
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    };

    /// <summary>What all pages have in common, beside whatever else they have.</summary>
    private static readonly Asset[] Shared = [Read(typeof(EmbeddedAssets), "base.css"), Read(typeof(EmbeddedAssets), "follow.js")];

    private readonly string _address;
    private readonly FrozenDictionary<string, Asset> _assets;

    /// <param name="beside">A class in the folder that has the assets in a folder <c>Assets</c>.</param>
    /// <param name="address">The address that <see cref="Map"/> gives them.</param>
    /// <param name="names">The names of their files; <c>base.css</c> and <c>follow.js</c> of all pages come along.</param>
    public EmbeddedAssets(Type beside, string address, params IEnumerable<string> names)
    {
        _address = address;
        _assets = names.Select(name => Read(beside, name)).Concat(Shared).ToFrozenDictionary(asset => asset.Name);
    }

    /// <summary>The address of an asset.</summary>
    public string Url(string name) => $"{_address}/{_assets[name].Hash}/{name}";

    /// <summary>Maps the assets, below a group or at their whole address.</summary>
    /// <param name="app">What they are mapped into.</param>
    /// <param name="path">Their address as seen from there.</param>
    public void Map(IEndpointRouteBuilder app, string path) =>
        app.MapGet($"{path}/{{hash}}/{{name}}", IResult (HttpContext http, string hash, string name) =>
        {
            if (!_assets.TryGetValue(name, out var asset) || asset.Hash != hash)
            {
                return TypedResults.NotFound();
            }

            http.Response.Headers.CacheControl = "private, max-age=31536000, immutable";
            return TypedResults.Bytes(asset.Content, asset.ContentType);
        }).ExcludeFromDescription();

    private static Asset Read(Type beside, string name)
    {
        using var stream = beside.Assembly.GetManifestResourceStream(beside, $"Assets.{name}")
            ?? throw new InvalidOperationException($"The asset {name} is not embedded.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return new Asset(name, ContentTypes[Path.GetExtension(name)], Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8)), content);
    }

    private sealed record Asset(string Name, string ContentType, string Hash, byte[] Content);
}
