using Orders.ServiceDefaults.Pages;

namespace Orders.FaultQueues.Pages;

/// <summary>The style sheet, the script and the pictures of the pages.</summary>
internal static class FaultAssets
{
    private static readonly EmbeddedAssets Assets = new(typeof(FaultAssets), "/faults/assets", "faults.css", "faults.js", "icon.svg", "quiet.svg");

    /// <summary>The address of an asset.</summary>
    public static string Url(string name) => Assets.Url(name);

    public static void MapFaultAssets(this IEndpointRouteBuilder app) => Assets.Map(app, "/assets");
}
